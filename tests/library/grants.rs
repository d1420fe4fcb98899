//! Tests of what a capability is granted for, and of the answer that each caller gets when it does not suffice.

use std::time::{Duration, Instant};

use oxide_bus::kernel::{Command, Event, Message};
use oxide_bus::{
    Bus, Capability, Denial, Draft, Envelope, Grant, GrantError, MessageBus, Pattern, Payload,
    PublishError, Subject,
};
use uuid::Uuid;

fn ping() -> Message {
    Command::Ping.into()
}

fn stop() -> Message {
    Command::Stop {
        module_id: "browser".into(),
    }
    .into()
}

/// Returns the refusals of the publisher, of a publish by capability name, and of a forwarded envelope from `source`.
fn told(bus: &MessageBus, source: &str, message: &Message) -> [Option<Denial>; 3] {
    let capability = Capability::new("log:write");
    let publisher = bus.publisher(source, &capability);
    let envelope = || Envelope::new(source, message.clone());
    [
        publisher.publish(message.clone()),
        bus.publish_with_capability(envelope(), &capability),
        publisher.forward(envelope()),
    ]
    .map(|published| published.err().map(|error| error.denial().unwrap()))
}

#[test]
fn each_way_to_publish_asks_the_scope() {
    let bus = MessageBus::new();
    let grant = || Grant::new("log:write").forwards();
    bus.grant(grant().patterns(["command.ping", "event.>"]))
        .unwrap();
    assert_eq!(told(&bus, "logger", &ping()), [None; 3]);
    assert_eq!(told(&bus, "logger", &stop()), [Some(Denial::Subject); 3]);

    bus.grant(grant().sources(["logger", "auditor"])).unwrap();
    assert_eq!(told(&bus, "logger", &stop()), [None; 3]);
    assert_eq!(told(&bus, "auditor", &stop()), [None; 3]);
    assert_eq!(told(&bus, "kernel", &stop()), [Some(Denial::Source); 3]);

    bus.grant(grant().sources(["logger"]).patterns(["event.>"]))
        .unwrap();
    assert_eq!(told(&bus, "logger", &stop()), [Some(Denial::Subject); 3]);
    assert_eq!(told(&bus, "kernel", &stop()), [Some(Denial::Source); 3]);

    bus.grant(grant()).unwrap();
    assert_eq!(told(&bus, "kernel", &stop()), [None; 3]);
    bus.grant("log:write").unwrap();
    let forwarding = Some(Denial::Forwarding);
    assert_eq!(told(&bus, "kernel", &stop()), [None, None, forwarding]);
}

#[test]
fn a_restriction_to_nothing_lets_nothing_pass() {
    let bus = MessageBus::new();
    let forwards = || Grant::new("log:write").forwards();
    bus.grant(forwards().patterns([""; 0])).unwrap();
    assert_eq!(told(&bus, "logger", &ping()), [Some(Denial::Subject); 3]);
    bus.grant(forwards().sources(Vec::<String>::new())).unwrap();
    assert_eq!(told(&bus, "logger", &ping()), [Some(Denial::Source); 3]);
}

#[test]
fn a_grant_ends_when_it_expires_and_another_revives_it() {
    let bus = MessageBus::new();
    let capability = Capability::new("log:write");
    bus.grant(Grant::new(&capability).expires_at(Instant::now()))
        .unwrap();
    assert!(!bus.is_granted(&capability));
    assert!(!bus.publisher("logger", &capability).is_granted());
    assert_eq!(told(&bus, "logger", &ping()), [Some(Denial::Expired); 3]);

    for time in [Duration::from_hours(1), Duration::MAX] {
        let grant = Grant::new(&capability).expires_in(time);
        bus.grant(grant.forwards()).unwrap();
        assert!(bus.is_granted(&capability));
        assert_eq!(told(&bus, "logger", &ping()), [None; 3]);
    }
}

#[test]
fn a_rate_refuses_what_is_over_it_and_what_is_refused_for_another_reason_takes_nothing() {
    let bus = MessageBus::new();
    #[cfg(feature = "testing")]
    let _stands_still = oxide_bus::testing::ManualClock::new().enter();
    let hourly = Grant::new("log:write")
        .rate(1, 3)
        .patterns(["command.ping"]);
    bus.grant(hourly).unwrap();
    let publisher = bus.publisher("logger", "log:write");
    for _ in 0..10 {
        let error = publisher.publish(stop()).unwrap_err();
        assert_eq!(error.denial(), Some(Denial::Subject));
    }
    let started = Instant::now();
    let error = publisher.publish_batch(vec![ping(); 4]).unwrap_err();
    assert_eq!(error.cause().denial(), Some(Denial::RateLimited));
    publisher.publish_batch(vec![ping(); 3]).unwrap();
    let error = publisher.clone().publish(ping()).unwrap_err();
    if cfg!(feature = "testing") || started.elapsed() < Duration::from_secs(1) {
        assert_eq!(error.denial(), Some(Denial::RateLimited));
        assert_eq!(
            error.to_string(),
            "`logger` may not publish: capability `log:write` is over its rate limit"
        );
    }
}

#[test]
fn what_is_too_heavy_takes_nothing_out_of_the_allowance() {
    let bus = MessageBus::builder().max_payload(8, 1).build();
    bus.grant(Grant::new("log:write").rate(1, 1)).unwrap();
    let publisher = bus.publisher("logger", "log:write");
    assert!(publisher.publish(stop()).is_ok());
    bus.grant(Grant::new("log:write").rate(1, 1)).unwrap();
    let heavy = Command::Stop {
        module_id: "x".repeat(9),
    };
    for _ in 0..3 {
        let heavy = || Message::from(heavy.clone());
        let one = publisher.publish(heavy()).unwrap_err();
        let batch = publisher.publish_batch([heavy()]).unwrap_err();
        let envelope = Envelope::new("logger", heavy());
        let by_name = bus.publish_with_capability(envelope, &"log:write".into());
        for error in [&one, batch.cause(), &by_name.unwrap_err()] {
            assert!(matches!(error, PublishError::TooLarge { .. }), "{error}");
        }
    }
    assert!(publisher.publish(ping()).is_ok());
}

#[test]
fn a_batch_passes_whole_or_not_at_all() {
    let bus = MessageBus::new();
    let subscription = bus.subscribe();
    bus.grant(Grant::new("log:write").patterns(["command.ping"]))
        .unwrap();
    let publisher = bus.publisher("logger", "log:write");
    let error = publisher
        .publish_batch([ping(), ping(), stop()])
        .unwrap_err();
    assert_eq!(error.cause().denial(), Some(Denial::Subject));
    assert_eq!(error.receipt().published(), 0);
    assert_eq!(error.into_envelopes().len(), 3);
    assert!(subscription.is_empty());
    assert_eq!(bus.stats().denied, 1);
}

#[test]
fn a_publisher_grows_only_weaker_by_being_narrowed() {
    let bus = MessageBus::new();
    bus.grant(Grant::new("log:write").patterns(["event.>", "command.ping"]))
        .unwrap();
    let whole = bus.publisher("logger", "log:write");
    let events = whole.narrow(["event.>"]).unwrap();
    let wider_again = events.narrow([">"]).unwrap();
    let stops = events.narrow(["*.stopped.*", "command.ping"]).unwrap();
    let nothing = events.narrow(["command.>"]).unwrap();
    let nothing_at_all = whole.narrow([""; 0]).unwrap();
    let outside = whole.narrow(["command.stop.*"]).unwrap();

    let started: Message = Event::ModuleStarted {
        module_id: "echo".into(),
    }
    .into();
    let stopped: Message = Event::ModuleStopped {
        module_id: "echo".into(),
    }
    .into();
    let passes = |publisher: &oxide_bus::Publisher| {
        [&ping(), &started, &stopped, &stop()]
            .map(|message| publisher.clone().publish(message.clone()).is_ok())
    };
    assert_eq!(passes(&whole), [true, true, true, false]);
    assert_eq!(passes(&events), [false, true, true, false]);
    assert_eq!(passes(&wider_again), [false, true, true, false]);
    assert_eq!(passes(&stops), [false, false, true, false]);
    assert_eq!(passes(&nothing), [false; 4]);
    assert_eq!(passes(&nothing_at_all), [false; 4]);
    assert_eq!(passes(&outside), [false; 4], "the grant has the last word");

    bus.grant("log:write").unwrap();
    assert_eq!(passes(&whole), [true; 4]);
    assert_eq!(passes(&events), [false, true, true, false]);
    let error = events.publish_batch([started, stop()]).unwrap_err();
    assert_eq!(error.cause().denial(), Some(Denial::Subject));
}

#[test]
fn a_forwarded_envelope_keeps_what_it_came_with_and_speaks_only_for_sources_that_the_grant_allows()
{
    let bus = MessageBus::new();
    let mut subscription = bus.subscribe();
    bus.grant(Grant::new("relay").forwards()).unwrap();
    let relay = bus.publisher("relay", "relay");
    let mut envelope = Envelope::new("relay", ping()).with_correlation_id(Uuid::new_v4());
    envelope.timestamp -= Duration::from_secs(1_000_000);
    let receipt = relay.forward(envelope.clone()).unwrap();
    assert_eq!(receipt.id(), envelope.id);
    assert_eq!(*subscription.recv().unwrap(), envelope);

    let foreign = Envelope::new("north", ping());
    let error = relay.forward(foreign.clone()).unwrap_err();
    assert_eq!(error.denial(), Some(Denial::Source));
    assert_eq!(error.into_envelope(), foreign);

    // A publisher that may speak for others need not be one of them.
    bus.grant(Grant::new("relay").sources(["north"]).forwards())
        .unwrap();
    relay.forward(foreign).unwrap();
    let error = relay.publish(ping()).unwrap_err();
    assert_eq!(error.denial(), Some(Denial::Source));
}

#[test]
fn a_grant_that_is_not_well_formed_changes_nothing() {
    let bus = MessageBus::new();
    let pings = Grant::new("log:write").patterns(["command.ping"]);
    bus.grant(pings.forwards()).unwrap();
    let refuse = |grant: Grant, error: GrantError| assert_eq!(bus.grant(grant), Err(error));
    refuse(Grant::new("log:write").rate(0, 1), GrantError::ZeroRate);
    refuse(Grant::new("log:write").rate(1, 0), GrantError::ZeroRate);
    let (bytes, limit) = (257, 256);
    let too_long = GrantError::NameTooLong { bytes, limit };
    refuse(Grant::new("x".repeat(257)), too_long.clone());
    refuse(Grant::new("log:write").sources(["y".repeat(257)]), too_long);
    let long = || (0..=64).map(|it| format!("{it}{}", "x".repeat(4_080)));
    let bytes = long().map(|it| it.len() + 1).sum();
    let too_long = GrantError::PatternsTooLong { bytes };
    refuse(Grant::new("log:write").patterns(long()), too_long);
    let bad = Grant::new("log:write").pattern("event.>").pattern("a..b");
    let first = GrantError::Pattern("a..b".parse::<Pattern>().unwrap_err());
    refuse(bad.patterns(["c*", ">"]), first);
    let limits = GrantError::NameTooLong { bytes: 257, limit };
    assert_eq!(bus.grant_capability("x".repeat(257)), Err(limits));
    assert!(!bus.is_granted("x".repeat(257)));
    bus.grant(Grant::new("x".repeat(256))).unwrap();
    assert_eq!(told(&bus, "logger", &stop()), [Some(Denial::Subject); 3]);
}

#[test]
fn no_pattern_covers_a_payload_without_a_subject() {
    let bus = Bus::<u64>::new();
    let count = Capability::new("count");
    let counter = bus.publisher("counter", &count);
    let publish = |counter: &oxide_bus::Publisher<u64>| {
        let published = counter.publish(2);
        published.err().and_then(|error| error.denial())
    };
    bus.grant(Grant::new(&count).patterns([">"])).unwrap();
    assert_eq!(publish(&counter), Some(Denial::NoSubject));
    assert_eq!(
        counter.publish(3).unwrap_err().to_string(),
        "`counter` may not publish: capability `count` covers some subjects, and the payload has none"
    );
    bus.grant(&count).unwrap();
    assert_eq!(publish(&counter), None);
    let narrowed = counter.narrow(["number.*"]).unwrap().publish(5);
    assert_eq!(narrowed.unwrap_err().denial(), Some(Denial::NoSubject));
}

#[test]
fn why_a_publish_was_refused_is_told_and_counted_by_capability() {
    let bus = Bus::<String>::new();
    let (write, read) = (Capability::new("log:write"), Capability::new("log:read"));
    let publisher = bus.publisher("logger", &write);
    let secret = || "secret".to_owned();
    let text = |published: Result<_, oxide_bus::PublishError<String>>| {
        let error = published.unwrap_err();
        assert!(!format!("{error:?} {error}").contains("secret"));
        error.to_string()
    };
    assert_eq!(
        text(publisher.publish(secret())),
        "`logger` may not publish: capability `log:write` is not granted"
    );
    bus.grant(&write).unwrap();
    bus.revoke(&write);
    assert_eq!(
        text(publisher.publish(secret())),
        "`logger` may not publish: capability `log:write` is revoked"
    );
    assert_eq!(
        text(bus.publisher("logger", &read).publish(secret())),
        "`logger` may not publish: capability `log:read` is not granted"
    );
    let error = publisher.publish_batch([secret()]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "1 envelopes not published: `logger` may not publish: capability `log:write` is revoked"
    );

    let denied = |bus: &Bus<String>| -> Vec<_> {
        (bus.grants().into_iter())
            .map(|it| (it.capability, it.denied))
            .collect()
    };
    assert_eq!((bus.stats().denied, denied(&bus)), (4, vec![(write, 3)]));
    drop(publisher);
    assert_eq!((bus.stats().denied, denied(&bus)), (4, vec![]), "forgotten");
}

/// Counts how often the bus asks it.
struct Asked(std::sync::Arc<std::sync::atomic::AtomicUsize>);

impl Payload for Asked {
    fn subject(&self) -> Subject<'_> {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Subject::new(["asked"])
    }
}

#[test]
fn a_grant_without_patterns_asks_for_no_subject() {
    let bus = Bus::<Asked>::new();
    let count = std::sync::Arc::default();
    bus.grant("ask").unwrap();
    let publisher = bus.publisher("asker", "ask");
    publisher
        .publish(Asked(std::sync::Arc::clone(&count)))
        .unwrap();
    bus.grant(Grant::new("ask").sources(["asker"])).unwrap();
    publisher
        .publish(Asked(std::sync::Arc::clone(&count)))
        .unwrap();
    assert_eq!(count.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[test]
fn each_restriction_holds_by_itself() {
    let bus = MessageBus::new();
    let publisher = bus.publisher("logger", "log:write");
    let denial = |grant: Grant| {
        bus.grant(grant).unwrap();
        let refused = publisher.publish_batch(vec![ping(); 2]);
        refused.err().map(|error| error.cause().denial().unwrap())
    };
    let grant = || Grant::new("log:write");
    assert_eq!(denial(grant()), None);
    assert_eq!(denial(grant().forwards()), None);
    for (grant, due) in [
        (grant().patterns(["event.>"]), Denial::Subject),
        (grant().sources(["kernel"]), Denial::Source),
        (grant().expires_at(Instant::now()), Denial::Expired),
        (grant().rate(1, 1), Denial::RateLimited),
    ] {
        assert_eq!(denial(grant), Some(due));
        assert_eq!(denial(Grant::new("log:write")), None);
    }
}

#[test]
fn a_grant_may_be_for_some_headers_only() {
    let bus = Bus::<u64>::new();
    let publisher = bus.publisher("counter", "count");
    let with = |name: &str| Draft::new(1).with_header(name, "1").unwrap();
    bus.grant(Grant::new("count")).unwrap();
    publisher.publish(with("role")).unwrap();

    let some = Grant::new("count").headers(["tenant", "a", "Role"]);
    bus.grant(some.forwards()).unwrap();
    publisher.publish(1).unwrap();
    publisher
        .publish(with("tenant").with_header("a", "2").unwrap())
        .unwrap();
    let more = || with("tenant").with_header("role", "admin").unwrap();
    let foreign = || {
        Envelope::new("counter", 1)
            .with_header("role", "1")
            .unwrap()
    };
    for refused in [
        publisher.publish(more()),
        publisher.try_publish(more()),
        publisher.reply(&foreign(), more()),
        publisher.forward(foreign()),
    ] {
        let error = refused.unwrap_err();
        assert_eq!(error.denial(), Some(Denial::Header));
        assert!(
            error
                .to_string()
                .ends_with("`count` does not cover a header")
        );
    }
    let error = publisher
        .publish_batch([with("tenant"), more()])
        .unwrap_err();
    assert!(error.to_string().ends_with("does not cover a header"));
    assert_eq!(error.into_envelopes().len(), 2);

    let none = Grant::new("count").headers(Vec::<String>::new());
    bus.grant(none).unwrap();
    publisher.publish(1).unwrap();
    let error = publisher.publish(with("tenant")).unwrap_err();
    assert_eq!(error.denial(), Some(Denial::Header));
}

#[test]
fn headers_are_looked_at_after_source_and_subject() {
    let bus = MessageBus::new();
    let scoped = || Grant::new("log:write").headers(["tenant"]);
    let publisher = bus.publisher("logger", "log:write");
    let denial = |grant| {
        bus.grant(grant).unwrap();
        let role = Draft::from(Command::Ping).with_header("role", "admin");
        publisher.publish(role.unwrap()).unwrap_err().denial()
    };
    let elsewhere = ["event.>"];
    let foreign = scoped().sources(["auditor"]).patterns(elsewhere);
    assert_eq!(denial(foreign), Some(Denial::Source));
    assert_eq!(denial(scoped().patterns(elsewhere)), Some(Denial::Subject));
    assert_eq!(denial(scoped().rate(1, 1)), Some(Denial::Header));
    publisher.publish(Command::Ping).unwrap(); // the refusals took nothing from the rate
}

#[test]
fn what_is_granted_or_held_is_listed_by_name() {
    let bus = Bus::<u64>::new();
    assert_eq!(bus.grants(), []);
    bus.grant("plain").unwrap();
    let name = "named".to_owned();
    bus.grant(name).unwrap();
    let given = Capability::new("given");
    bus.grant(&given).unwrap();
    bus.grant(given).unwrap();
    let scoped = (Grant::new("scoped").source("b").source("a"))
        .pattern("x.>")
        .rate(3, 5)
        .forwards();
    bus.grant(scoped).unwrap();
    bus.grant(Grant::new("expired").expires_at(Instant::now()))
        .unwrap();
    let held = bus.publisher("a", "held");
    let (clone, other) = (held.clone(), bus.publisher("b", "held"));
    assert!(held.publish(1).is_err() && clone.publish_batch([2, 3]).is_err());

    let listed: Vec<_> = (bus.grants().into_iter())
        .map(|it| {
            assert_eq!(it.in_flight, 0);
            let scope = it.scope.as_deref().map(str::to_owned);
            (it.capability, it.granted, scope, it.publishers, it.denied)
        })
        .collect();
    let line = |name: &str, granted| (Capability::new(name), granted, None, 0, 0);
    let scope = "subjects `x.>`; sources `a`, `b`; 3 a second, 5 at once; may forward";
    let expected = [
        line("expired", false),
        line("given", true),
        (Capability::new("held"), false, None, 2, 2),
        line("named", true),
        line("plain", true),
        (
            Capability::new("scoped"),
            true,
            Some(scope.to_owned()),
            0,
            0,
        ),
    ];
    assert_eq!(listed, expected);

    assert!(!bus.revoke("expired") && !bus.revoke("held") && !bus.revoke("unknown"));
    assert!(bus.revoke("given") && bus.revoke("named".to_owned()));
    drop((held, clone, other));
    let names: Vec<_> = bus.grants().into_iter().map(|it| it.capability).collect();
    assert_eq!(names, ["plain", "scoped"]);
}

#[test]
fn a_capability_compares_with_text_and_is_text_in_the_formats_of_serde() {
    let write = Capability::new("log:write");
    assert_eq!(write, "log:write");
    assert_eq!("log:write", write);
    assert_eq!(write, *"log:write");
    assert_eq!(write, String::from("log:write"));
    assert_ne!(write, "log:read");
    assert_eq!(write.split_once(':'), Some(("log", "write")));
    let json = serde_json::to_string(&write).unwrap();
    assert_eq!(json, r#""log:write""#);
    assert_eq!(serde_json::from_str::<Capability>(&json).unwrap(), write);
}
