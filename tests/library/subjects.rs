//! Tests of subjects, and of patterns over them.

use std::sync::Arc;

use oxide_bus::kernel::{Command, Event, Message};
use oxide_bus::limits::{DEFAULT_CAPACITY, MAX_PATTERN_BYTES, MAX_PATTERN_TOKENS};
use oxide_bus::{
    Bus, Envelope, MessageBus, Pattern, Payload, SetPatternsError, Subject, SubscribeError,
    SubscribeOptions, Subscription,
};
use serde_json::Value;

fn pattern(text: &str) -> Pattern {
    text.parse()
        .unwrap_or_else(|error| panic!("`{text}`: {error}"))
}

#[test]
fn every_message_has_its_subject() {
    let module_id = || "web.browser".to_owned();
    let messages: [(Message, &[&str]); 8] = [
        (
            Command::Start {
                module_id: module_id(),
            }
            .into(),
            &["command", "start", "web.browser"],
        ),
        (
            Command::Stop {
                module_id: module_id(),
            }
            .into(),
            &["command", "stop", "web.browser"],
        ),
        (
            Command::Invoke {
                module_id: module_id(),
                method: "navigate".into(),
                payload: Value::Null,
            }
            .into(),
            &["command", "invoke", "web.browser", "navigate"],
        ),
        (Command::Ping.into(), &["command", "ping"]),
        (
            Event::ModuleStarted {
                module_id: module_id(),
            }
            .into(),
            &["event", "started", "web.browser"],
        ),
        (
            Event::ModuleStopped {
                module_id: module_id(),
            }
            .into(),
            &["event", "stopped", "web.browser"],
        ),
        (
            Event::Custom {
                module_id: module_id(),
                kind: String::new(),
                payload: Value::Null,
            }
            .into(),
            &["event", "custom", "web.browser", ""],
        ),
        (
            Event::Pong { from: "*".into() }.into(),
            &["event", "pong", "*"],
        ),
    ];
    for (message, tokens) in messages {
        assert_eq!(message.subject().tokens(), tokens);
    }
}

#[test]
fn payloads_without_a_subject_of_their_own_have_none_and_containers_have_that_of_what_they_hold() {
    assert_eq!(7_u64.subject(), Subject::none());
    assert_eq!(String::from("event").subject(), Subject::none());
    assert_eq!(
        vec![Message::from(Command::Ping)].subject(),
        Subject::none()
    );
    let ping = || Message::from(Command::Ping);
    let tokens = ["command", "ping"];
    assert_eq!(Box::new(ping()).subject().tokens(), tokens);
    assert_eq!(Arc::new(ping()).subject().tokens(), tokens);
    assert_eq!(Some(ping()).subject().tokens(), tokens);
    assert_eq!(None::<Message>.subject(), Subject::none());
}

#[test]
fn a_pattern_matches_what_it_stands_for_and_nothing_else() {
    type Tokens = &'static [&'static str];
    let table: [(&str, &[Tokens], &[Tokens]); 12] = [
        (
            "a",
            &[&["a"]],
            &[&[], &["b"], &["a", "a"], &["A"], &[""], &["aa"]],
        ),
        (
            "a.b",
            &[&["a", "b"]],
            &[&["a"], &["a.b"], &["a", "b", "c"], &["b", "a"]],
        ),
        ("*", &[&["a"], &[""], &["*"], &["a.b"]], &[&[], &["a", "b"]]),
        (
            "a.*",
            &[&["a", "b"], &["a", ""]],
            &[&["a"], &["b", "b"], &["a", "b", "c"]],
        ),
        (
            "*.b",
            &[&["a", "b"], &["", "b"]],
            &[&["b"], &["b", "a"], &["a", "a", "b"]],
        ),
        (
            "a.*.c",
            &[&["a", "b", "c"]],
            &[&["a", "c"], &["a", "b", "b", "c"]],
        ),
        (
            ">",
            &[&["a"], &["a", "b"], &[""], &["", "", "", "", ""]],
            &[&[]],
        ),
        (
            "a.>",
            &[&["a", "b"], &["a", "b", "c"], &["a", ""]],
            &[&["a"], &["b", "a"], &[]],
        ),
        ("*.>", &[&["a", "b"], &["a", "b", "c"]], &[&["a"], &[]]),
        (
            r"\*.\>",
            &[&["*", ">"]],
            &[&["a", "b"], &["*"], &["*", "a"]],
        ),
        (
            r"\e.a\.b\\",
            &[&["", r"a.b\"]],
            &[&["", "a", "b"], &[r"a.b\"]],
        ),
        (
            r"\u{1f}\u{65}.\u{1F600}",
            &[&["\u{1f}e", "😀"]],
            &[&["e", "😀"]],
        ),
    ];
    for (text, matched, unmatched) in table {
        let pattern = pattern(text);
        for tokens in matched {
            let subject = Subject::new(tokens.iter().copied());
            assert!(pattern.matches(&subject), "`{text}` and {subject:?}");
        }
        for tokens in unmatched {
            let subject = Subject::new(tokens.iter().copied());
            assert!(!pattern.matches(&subject), "`{text}` and {subject:?}");
        }
    }
}

#[test]
fn what_is_no_pattern_is_refused_with_the_byte_where_it_goes_wrong() {
    let table = [
        ("", 0, "empty token"),
        (".", 0, "empty token"),
        ("a.", 2, "empty token"),
        (".a", 0, "empty token"),
        ("a..b", 2, "empty token"),
        ("ä..b", 3, "empty token"),
        ("sensor*", 6, "whole tokens"),
        ("*sensor", 0, "whole tokens"),
        ("a.**", 2, "whole tokens"),
        ("a.b>", 3, "whole tokens"),
        ("a.>b", 2, "whole tokens"),
        ("a.>>", 2, "whole tokens"),
        (r"a.\eb", 2, "whole tokens"),
        (r"a.b\e", 3, "whole tokens"),
        (r"\e\e", 0, "whole tokens"),
        (r"*\.", 0, "whole tokens"),
        (">.a", 0, "the last token"),
        ("a.>.b", 2, "the last token"),
        ("a.>.", 2, "the last token"),
        (r"a.\", 2, "unknown escape"),
        (r"a\n", 1, "unknown escape"),
        (r"a.b\", 3, "unknown escape"),
        (r"\u", 0, "unknown escape"),
        (r"\u{", 0, "unknown escape"),
        (r"\u{}", 0, "unknown escape"),
        (r"\u{g}", 0, "unknown escape"),
        (r"\u{+1f}", 0, "unknown escape"),
        (r"\u{1f", 0, "unknown escape"),
        (r"\u1f", 0, "unknown escape"),
        (r"a\u{d800}", 1, "unknown escape"),
        (r"\u{110000}", 0, "unknown escape"),
        (r"\u{100000000}", 0, "unknown escape"),
    ];
    for (text, offset, what) in table {
        let error = text.parse::<Pattern>().expect_err(text);
        assert_eq!(error.offset(), offset, "`{text}`: {error}");
        let told = error.to_string();
        assert!(told.contains(what), "`{text}`: {told}");
        assert!(told.contains(&format!("byte {offset}")), "`{text}`: {told}");
    }
}

#[test]
fn a_subject_is_written_so_that_no_token_is_taken_for_anything_else() {
    let subject = Subject::new(["a.b", "*", ">", r"\e", "", "line\nbreak", "\u{85}", "ü 😀"]);
    let text = r"a\.b.\*.\>.\\e.\e.line\u{a}break.\u{85}.ü 😀";
    assert_eq!(subject.to_string(), text);
    assert!(pattern(text).matches(&subject));
    assert_eq!(Subject::none().to_string(), "");
    assert!(Pattern::try_from(Subject::none().to_string()).is_err());
}

#[test]
fn a_subject_shows_what_would_mislead_its_reader() {
    let subject = Subject::new(["a\u{202e}b", "\u{feff}", "e\u{301}\u{200d}"]);
    let text = "a\\u{202e}b.\\u{feff}.e\u{301}\\u{200d}";
    assert_eq!(subject.to_string(), text);
    assert!(pattern(text).matches(&subject));
}

#[test]
fn an_escape_that_is_not_needed_changes_nothing() {
    assert_eq!(pattern(r"\u{61}.\u{2a}"), pattern(r"a.\*"));
    assert_ne!(pattern(r"\u{2a}"), pattern("*"));
    assert_eq!(pattern(r"\u{00000061}").to_string(), "a");
}

#[test]
fn patterns_of_one_subscription_add_up_and_sources_must_agree_with_them() {
    let bus = MessageBus::new();
    let mut subscription = bus
        .subscribe_with(
            SubscribeOptions::new()
                .pattern(pattern("command.*.browser"))
                .pattern(pattern("command.start.>")) // an overlap is delivered once
                .pattern(pattern("event.pong.browser"))
                .source("kernel")
                .source("shell"),
        )
        .unwrap();
    let start = |module: &str| Command::Start {
        module_id: module.into(),
    };
    let stop = |module: &str| Command::Stop {
        module_id: module.into(),
    };
    let pong = |from: &str| Event::Pong { from: from.into() };
    let matched = |source: &str, message: Message| {
        bus.publish(Envelope::new(source, message))
            .unwrap()
            .matched()
    };

    assert_eq!(matched("kernel", start("browser").into()), 1);
    assert_eq!(matched("shell", start("echo").into()), 1);
    assert_eq!(matched("kernel", stop("browser").into()), 1);
    assert_eq!(matched("kernel", pong("browser").into()), 1);
    assert_eq!(subscription.try_iter().flatten().count(), 4);

    assert_eq!(matched("browser", start("browser").into()), 0);
    assert_eq!(matched("kernel ", start("browser").into()), 0);
    assert_eq!(matched("kernel", stop("echo").into()), 0);
    assert_eq!(matched("kernel", pong("echo").into()), 0);
    assert_eq!(matched("kernel", Command::Ping.into()), 0);
    assert!(subscription.is_empty());
}

#[test]
fn what_a_subscriber_does_not_listen_to_takes_no_room_and_is_no_loss() {
    let bus = MessageBus::new();
    let options = || SubscribeOptions::new().capacity(1);
    let mut by_pattern = bus
        .subscribe_with(options().pattern(pattern("command.ping")))
        .unwrap();
    let mut by_source = bus.subscribe_with(options().source("kernel")).unwrap();
    for _ in 0..10 {
        bus.emit_event(
            "shell",
            Event::Pong {
                from: "shell".into(),
            },
        )
        .unwrap();
    }
    bus.send_command("kernel", Command::Ping).unwrap();
    for _ in 0..10 {
        bus.emit_event(
            "shell",
            Event::Pong {
                from: "shell".into(),
            },
        )
        .unwrap();
    }
    for subscription in [&mut by_pattern, &mut by_source] {
        assert_eq!(subscription.recv().unwrap().source, "kernel");
        assert_eq!((subscription.len(), subscription.dropped()), (0, 0));
        assert!(subscription.try_recv().unwrap_err().missed().is_none());
    }
}

#[test]
fn an_envelope_without_a_subject_reaches_subscribers_that_do_not_filter_by_one() {
    let bus = Bus::<u64>::new();
    let everything = bus.subscribe();
    let subjects = bus
        .subscribe_with(SubscribeOptions::new().pattern(pattern(">")))
        .unwrap();
    assert_eq!(
        bus.publish(Envelope::new("counter", 7)).unwrap().matched(),
        1
    );
    assert_eq!((everything.len(), subjects.len()), (1, 0));
}

/// NATS has no empty tokens.
#[test]
fn an_empty_token_is_a_token_that_wildcards_match() {
    let bus = MessageBus::new();
    let by = |text: &str| {
        let options = SubscribeOptions::new().pattern(pattern(text));
        bus.subscribe_with(options).unwrap()
    };
    let matching = [
        "event.custom.web.*",
        "event.custom.web.>",
        r"event.custom.web.\e",
    ]
    .map(by);
    let others = ["event.custom.web", r"event.custom.web.\e.>"].map(by);
    let event = Event::Custom {
        module_id: "web".into(),
        kind: String::new(),
        payload: Value::Null,
    };
    bus.emit_event("web", event).unwrap();
    assert!(matching.iter().all(|it| it.len() == 1));
    assert!(others.iter().all(Subscription::is_empty));
}

#[test]
fn a_pattern_is_no_longer_than_it_may_be() {
    let parse = |text: &str| text.parse::<Pattern>();
    let offset = |text: &str| parse(text).unwrap_err().offset();
    // Each token counts one byte more.
    let token = "x".repeat(MAX_PATTERN_BYTES - 3);
    assert_eq!(offset(&format!("{token}.yy")), token.len() + 1);
    for longest in [format!("{token}.y"), format!("{token}.*.>")] {
        assert_eq!(parse(&longest).unwrap().to_string(), longest);
    }
    let escaped = r"\u{1f}".repeat(MAX_PATTERN_BYTES - 1);
    assert_eq!(parse(&escaped).unwrap().to_string(), escaped);
    let error = parse(&(escaped + "x")).unwrap_err();
    assert_eq!(error.offset(), 0);
    assert!((error.to_string()).ends_with("` at byte 0: a pattern has no more than 4096 bytes"));
    let subject = Subject::new([&*token, "yy"]).to_string();
    assert!(Pattern::try_from(subject).is_err());
}

#[test]
fn a_pattern_has_no_more_tokens_than_it_may_have_and_matches_what_has_more() {
    let most = vec!["a"; MAX_PATTERN_TOKENS];
    let longer = vec!["a"; MAX_PATTERN_TOKENS + 1];
    let text = most.join(".");
    assert!(pattern(&text).matches(&Subject::new(most.iter().copied())));
    let rest = pattern(&format!("{text}.>"));
    assert!(rest.matches(&Subject::new(longer.iter().copied())));
    let error = longer.join(".").parse::<Pattern>().unwrap_err();
    assert_eq!(error.offset(), 2 * MAX_PATTERN_TOKENS);
    assert!(error.to_string().ends_with("no more than 16 tokens"));
}

#[test]
fn a_subject_has_the_tokens_it_was_made_of_however_many() {
    let all = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    for count in 0..=all.len() {
        let given = &all[..count];
        assert_eq!(Subject::new(given.iter().copied()).tokens(), given);
    }
    assert_eq!(Subject::new([]), Subject::none());
}

#[test]
fn whatever_takes_a_pattern_takes_text_as_well() {
    let bus = MessageBus::new();
    let text = "command.ping".to_owned();
    let compiled = pattern(&text);
    let options = (SubscribeOptions::new()
        .pattern("command.ping")
        .pattern(&text))
    .pattern(text.clone())
    .pattern(&compiled)
    .pattern(compiled.clone())
    .patterns([&text, &text])
    .patterns(vec![compiled.clone()]);
    let pings = bus.subscribe_with(options).unwrap();
    let listed = || bus.stats().subscriptions[0].patterns.clone();
    assert_eq!(listed(), vec![compiled.clone(); 8]);
    pings.set_patterns(["event.>", ">"]).unwrap();
    assert_eq!(listed(), [pattern("event.>"), pattern(">")]);
    pings.set_patterns([&compiled]).unwrap();
    assert_eq!(listed(), [compiled]);
}

#[test]
fn a_text_that_is_no_pattern_is_the_first_error_of_what_it_was_given_to() {
    let bus = MessageBus::new();
    let bad = |text: &str| text.parse::<Pattern>().unwrap_err();
    let options = SubscribeOptions::new().patterns(["event.>", "a..b"]);
    let options = options.pattern("c*").pattern(">");
    for options in [options.clone(), options] {
        let error = bus.subscribe_with(options).unwrap_err();
        assert_eq!(error, SubscribeError::Pattern(bad("a..b")));
        assert_eq!(error.to_string(), bad("a..b").to_string());
        let source = std::error::Error::source(&error).unwrap();
        assert_eq!(source.downcast_ref(), Some(&bad("a..b")));
    }
    let subscription = bus
        .subscribe_with(SubscribeOptions::new().pattern(">"))
        .unwrap();
    assert_eq!(
        subscription.set_patterns(["event.>", "c*"]),
        Err(SetPatternsError::Pattern(bad("c*")))
    );
    let listed = bus.stats().subscriptions[0].patterns.clone();
    assert_eq!(listed, [pattern(">")], "as before");
    let narrowed = bus.publisher("logger", "log:write").narrow(["", ">.a"]);
    assert_eq!(narrowed.unwrap_err(), bad(""));
}

#[test]
fn the_error_of_a_pattern_shows_its_text_escaped_and_cut() {
    let told = |text: &str| text.parse::<Pattern>().unwrap_err().to_string();
    assert_eq!(
        told("event.sensor*"),
        r"invalid pattern `event.sensor*` at byte 12: `*`, `>` and `\e` must be whole tokens (`\*` and `\>` are literal)"
    );
    let hidden = told("a\u{202e}..\n");
    assert!(hidden.starts_with(r"invalid pattern `a\u{202e}..\n` at byte 5: empty"));
    let fits = format!("{}.", "ä".repeat(63));
    assert!(told(&fits).starts_with(&format!("invalid pattern `{fits}` at byte 127: ")));
    let longer = format!("{}..", "ä".repeat(63));
    assert!(told(&longer).starts_with(&format!("invalid pattern `{fits}…` at byte 127: ")));
}

#[test]
fn a_pattern_is_text_in_the_formats_of_serde() {
    let custom = pattern(r"event.custom.web\.browser.*.>");
    let json = serde_json::to_string(&custom).unwrap();
    assert_eq!(json, r#""event.custom.web\\.browser.*.>""#);
    assert_eq!(serde_json::from_str::<Pattern>(&json).unwrap(), custom);
    let error = serde_json::from_str::<Pattern>(r#""a..b""#).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("invalid pattern `a..b` at byte 2: ")
    );
}

#[test]
fn one_pattern_is_subscribed_to_with_the_other_options_as_they_are() {
    let bus = MessageBus::new();
    let compiled = pattern("event.>");
    let mut events = bus.subscribe_to(&compiled).unwrap();
    bus.send_command("kernel", Command::Ping).unwrap();
    let pong = Event::Pong {
        from: "echo".into(),
    };
    let id = bus.emit_event("echo", pong).unwrap();
    assert_eq!(events.capacity(), DEFAULT_CAPACITY);
    assert_eq!((events.len(), events.recv().unwrap().id), (1, id));
    let error = bus.subscribe_to("event.sensor*").unwrap_err();
    assert!(matches!(error, SubscribeError::Pattern(error) if error.offset() == 12));
    assert_eq!(bus.subscriber_count(), 1);
    bus.close();
    let error = bus.subscribe_to(compiled).unwrap_err();
    assert_eq!(error, SubscribeError::Closed);
}
