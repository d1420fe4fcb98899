//! Tests of the lines of the threat model: what a module with a publisher and a subscription cannot do.

use std::thread;
use std::time::{Duration, Instant};

use oxide_bus::audit::{self, AuditLog};
use oxide_bus::codec::Codec;
use oxide_bus::kernel::{Command, Event, Message};
use oxide_bus::limits::{LimitExceeded, MAX_PATTERN_SHAPES, MAX_PATTERNS};
use oxide_bus::{
    Advisory, Capability, Denial, Draft, Envelope, Grant, MessageBus, Pattern, PublishError,
    Publisher, RequestError, SetPatternsError, Subject, SubscribeOptions, Subscription,
    TryRecvError,
};

/// Returns a bus, and the publisher and the subscription that the module gets.
fn given(grant: Grant) -> (MessageBus, Publisher, Subscription) {
    let bus = MessageBus::new();
    bus.grant(grant).unwrap();
    let publisher = bus.publisher("module", capability());
    let subscription = bus.subscribe();
    (bus, publisher, subscription)
}

fn capability() -> Capability {
    "module:report".into()
}

fn reports() -> Grant {
    Grant::new(capability()).patterns(["event.custom.module.*"])
}

fn report() -> Message {
    let event = Event::Custom {
        module_id: "module".into(),
        kind: "report".into(),
        payload: serde_json::Value::Null,
    };
    event.into()
}

fn stop() -> Message {
    let command = Command::Stop {
        module_id: "kernel".into(),
    };
    command.into()
}

#[test]
fn each_line_of_the_document_has_its_test() {
    let document = include_str!("../../src/docs/threat_model.rs");
    let tests = include_str!("threat_model.rs");
    let named: Vec<_> = (document.split('`'))
        .filter(|word| word.starts_with("it_cannot_"))
        .collect();
    for name in &named {
        assert!(tests.contains(&format!("#[test]\nfn {name}()")), "{name}");
    }
    assert_eq!(named.len(), tests.matches("#[test]\nfn it_cannot_").count());
}

#[test]
fn it_cannot_speak_for_another() {
    let (bus, publisher, mut subscription) = given(Grant::new(capability()));
    bus.grant(Grant::new(capability()).forwards()).unwrap();
    publisher.publish(report()).unwrap();
    publisher.publish_batch([report()]).unwrap();
    let error = publisher.forward(Envelope::new("kernel", report()));
    assert_eq!(error.unwrap_err().denial(), Some(Denial::Source));
    publisher
        .forward(Envelope::new("module", report()))
        .unwrap();
    let sources: Vec<_> = subscription.try_iter().flatten().collect();
    assert_eq!(sources.len(), 3);
    assert!(sources.iter().all(|delivery| delivery.source == "module"));
}

#[test]
fn it_cannot_choose_an_id_or_a_time() {
    let (bus, publisher, mut subscription) = given(Grant::new(capability()));
    let mut chosen = Envelope::new(publisher.source(), report());
    (chosen.id, chosen.timestamp) = (uuid::Uuid::max(), chrono::DateTime::UNIX_EPOCH);
    for grant in [reports(), Grant::new(capability()).sources(["module"])] {
        bus.grant(grant).unwrap();
        let error = publisher.forward(chosen.clone()).unwrap_err();
        assert_eq!(error.denial(), Some(Denial::Forwarding));
        let error = publisher.narrow([">"]).unwrap();
        let error = error.forward(chosen.clone()).unwrap_err();
        assert_eq!(error.denial(), Some(Denial::Forwarding));
    }
    assert!(subscription.is_empty());
    // A publisher with the right to forward may do so.
    bus.grant(reports().forwards()).unwrap();
    publisher.forward(chosen.clone()).unwrap();
    assert_eq!(*subscription.recv().unwrap(), chosen);
}

#[test]
fn it_cannot_say_more_than_it_was_granted() {
    let (_bus, publisher, mut subscription) = given(reports().forwards());
    let denied = [
        publisher.publish(stop()).unwrap_err().denial(),
        publisher
            .publish_batch([report(), stop()])
            .unwrap_err()
            .cause()
            .denial(),
        publisher
            .forward(Envelope::new("module", stop()))
            .unwrap_err()
            .denial(),
        publisher
            .publish(Draft::new(stop()).with_correlation_id(uuid::Uuid::new_v4()))
            .unwrap_err()
            .denial(),
    ];
    assert_eq!(denied, [Some(Denial::Subject); 4]);
    assert_eq!(subscription.try_recv().unwrap_err(), TryRecvError::Empty);
}

#[test]
fn it_cannot_widen_what_it_may_say() {
    let (bus, publisher, _subscription) = given(reports());
    let wider = publisher.narrow([">"]).unwrap();
    let error = wider.publish(stop()).unwrap_err();
    assert_eq!(error.denial(), Some(Denial::Subject));
    let narrow = publisher.narrow(["event.started.>"]).unwrap();
    drop(publisher);
    bus.grant(capability()).unwrap();
    for publisher in [narrow.clone(), narrow.narrow([">"]).unwrap()] {
        let error = publisher.publish(report()).unwrap_err();
        assert_eq!(error.denial(), Some(Denial::Subject));
    }
}

#[test]
fn it_cannot_go_on_after_a_revoke() {
    let (bus, publisher, mut subscription) = given(reports());
    let clones = [publisher.clone(), publisher.narrow([">"]).unwrap()];
    thread::scope(|scope| {
        for publisher in &clones {
            scope.spawn(move || while publisher.publish(report()).is_ok() {});
        }
        bus.revoke_and_drain(capability(), Duration::from_secs(20))
            .unwrap();
        while subscription.try_recv().is_ok_or_lagged() {}
    });
    for publisher in &clones {
        let error = publisher.publish(report()).unwrap_err();
        assert_eq!(error.denial(), Some(Denial::Revoked));
    }
    assert!(subscription.is_empty());
}

trait Goes {
    fn is_ok_or_lagged(&self) -> bool;
}

impl<T> Goes for Result<T, TryRecvError> {
    fn is_ok_or_lagged(&self) -> bool {
        !matches!(self, Err(TryRecvError::Empty | TryRecvError::Disconnected))
    }
}

#[test]
fn it_cannot_say_it_more_often_than_it_may() {
    let (_bus, publisher, _subscription) = given(reports().rate(1, 5));
    let started = Instant::now();
    let clones = [publisher.clone(), publisher.clone(), publisher];
    let passed = (0..300)
        .filter(|turn| clones[turn % 3].publish(report()).is_ok())
        .count();
    let most = 5 + started.elapsed().as_secs() + 1;
    assert!(passed >= 5 && passed as u64 <= most, "{passed}, not {most}");
}

#[test]
fn it_cannot_hold_up_the_others() {
    let (bus, publisher, stuck) = given(reports());
    let mut other = bus.subscribe();
    for _ in 0..1_000 {
        publisher.publish(report()).unwrap();
        assert!(other.try_recv().is_ok(), "nothing is lost for who receives");
    }
    assert_eq!(stuck.len(), stuck.capacity());
}

#[test]
fn it_cannot_make_the_bus_grow() {
    let (bus, publisher, stuck) = given(reports().forwards());
    let narrowed = publisher.narrow([""; 0]).unwrap();
    let grown = allocation_counter::measure(|| {
        for _ in 0..10_000 {
            drop(publisher.publish(report()));
            drop(narrowed.publish(stop()));
            drop(publisher.clone());
            drop(publisher.forward(Envelope::new("kernel", stop())));
        }
    });
    // One full queue, and the segment for the next envelope.
    assert!(grown.bytes_current < 256 * 1024, "{grown:?}");
    assert_eq!(bus.stats().denied, 20_000);
    assert_eq!(stuck.len(), stuck.capacity());
    let chooses = SubscribeOptions::new().pattern("command.ping");
    let chooses = bus.subscribe_with(chooses).unwrap();
    let patterns = (0..).map(|index| format!("a{index}.b{index}"));
    let too_many = Err(SetPatternsError::TooMany);
    assert_eq!(chooses.set_patterns(patterns.clone()), too_many);
    assert_eq!(
        chooses.set_patterns(patterns.clone().take(MAX_PATTERNS + 1)),
        too_many
    );
    bus.publish(Envelope::new("kernel", Command::Ping.into()))
        .unwrap();
    assert_eq!(chooses.len(), 1, "it has what it had");
    chooses.set_patterns(patterns.take(MAX_PATTERNS)).unwrap();

    // The largest allowed number of patterns, of the largest allowed length.
    let longest = (0..MAX_PATTERNS).map(|index| {
        let tokens: Vec<_> = (0..15)
            .map(|token| format!("{index:04}.{token:010}"))
            .collect();
        Pattern::try_from(Subject::new(tokens.iter().map(String::as_str)).to_string()).unwrap()
    });
    let grown = allocation_counter::measure(|| chooses.set_patterns(longest).unwrap());
    assert!(grown.bytes_current < 16 * 1024 * 1024, "{grown:?}");
    let copied = allocation_counter::measure(|| {
        let stats = bus.stats();
        assert_eq!(stats.subscriptions[1].patterns.len(), MAX_PATTERNS);
    });
    let handles = 2 * (MAX_PATTERNS * size_of::<Pattern>()) as u64;
    assert!(copied.bytes_total < handles, "{copied:?}");
}

#[test]
fn it_cannot_make_others_search_for_long() {
    let bus = MessageBus::new();
    let chooses = SubscribeOptions::new().pattern("command.ping");
    let chooses = bus.subscribe_with(chooses).unwrap();
    // Each pattern has its `*` in other places, so the index has to look for a subject with and without each of them.
    let branching = |shapes: usize| {
        (0..shapes).map(|shape| {
            let token = |place: usize| if shape >> place & 1 == 1 { "*" } else { "a" };
            let tokens: Vec<_> = (0..12).map(token).collect();
            tokens.join(".")
        })
    };
    let refused = Err(SetPatternsError::TooManyShapes);
    assert_eq!(chooses.set_patterns(branching(1_024)), refused);
    assert_eq!(
        chooses.set_patterns(branching(MAX_PATTERN_SHAPES + 1)),
        refused
    );
    chooses.set_patterns(branching(MAX_PATTERN_SHAPES)).unwrap();
    // Many patterns of one shape cost little.
    let invokes = (0..MAX_PATTERNS).map(|it| format!("command.invoke.*.{it}"));
    chooses.set_patterns(invokes).unwrap();
}

#[test]
fn it_cannot_publish_what_others_cannot_hold() {
    let bus = MessageBus::builder().max_payload(1 << 20, 60).build();
    bus.grant(reports()).unwrap();
    let publisher = bus.publisher("module", capability());
    let mut payload = serde_json::json!("x".repeat(2_000_000));
    for limit in [
        LimitExceeded::Bytes { limit: 1 << 20 },
        LimitExceeded::Depth { limit: 60 },
    ] {
        let event = Event::Custom {
            module_id: "module".into(),
            kind: "report".into(),
            payload,
        };
        let error = publisher.publish(event).unwrap_err();
        assert!(matches!(error, PublishError::TooLarge { exceeded, .. } if exceeded == limit));
        payload = (0..61).fold(serde_json::Value::Null, |inner, _| {
            serde_json::json!([inner])
        });
    }
    let bus = MessageBus::builder().writable_by(Codec::new()).build();
    bus.grant(capability()).unwrap();
    let publisher = bus.publisher("module", capability());
    let module_id = "x".repeat(257);
    let error = publisher.publish(Command::Stop { module_id });
    assert!(matches!(error, Err(PublishError::Unwritable { .. })));
}

#[test]
fn it_cannot_drown_what_the_bus_tells() {
    let (bus, publisher, _subscription) = given(reports());
    let mut advisories = bus.advisories();
    let started = Instant::now();
    for _ in 0..10_000 {
        assert!(publisher.publish(stop()).is_err());
    }
    bus.grant("another").unwrap();
    let told = advisories.try_iter().flatten().count() as u64;
    let most = 10 + 10 * (started.elapsed().as_secs() + 1) + 1;
    assert!((11..=most).contains(&told), "{told}, not {most}");
    assert_eq!(advisories.dropped(), 0);
}

#[test]
fn it_cannot_fill_the_disk_with_what_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let (bus, publisher, _subscription) = given(reports());
    let log = AuditLog::start(&bus, &path, audit::Options::new()).unwrap();
    let started = Instant::now();
    for _ in 0..10_000 {
        assert!(publisher.publish(stop()).is_err());
    }
    log.close().unwrap();
    let most = 500 * (15 + 10 * (started.elapsed().as_secs() + 1));
    let bytes = std::fs::metadata(&path).unwrap().len();
    assert!(bytes < most, "{bytes} bytes, not {most}");
}

#[test]
fn it_cannot_hide_in_whose_name_it_tried_to_speak() {
    let (bus, publisher, _subscription) = given(reports().forwards());
    let mut advisories = bus.advisories();
    assert!(publisher.forward(Envelope::new("kernel", stop())).is_err());
    let told = advisories.recv().unwrap().message.clone();
    let Advisory::Denied {
        source,
        claimed,
        subject,
        ..
    } = told
    else {
        panic!("{told:?}");
    };
    assert_eq!((source.as_str(), claimed.as_str()), ("module", "kernel"));
    assert_eq!(subject.as_deref(), Some("command.stop.kernel"));
}

#[test]
fn it_cannot_use_up_the_requests_of_others() {
    let bus = MessageBus::builder().max_requests(4).build();
    let mut questions = bus.subscribe();
    bus.grant(reports()).unwrap();
    bus.grant("other:ask").unwrap();
    let publisher = bus.publisher("module", capability());
    let other = bus.publisher("other", "other:ask");
    let patience = Duration::from_secs(20);
    thread::scope(|scope| {
        let asking: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| publisher.request_timeout(report(), patience)))
            .collect();
        for _ in 0..4 {
            questions.recv().unwrap(); // so the request is pending
        }
        let clone = publisher.narrow([">"]).unwrap();
        for _ in 0..10 {
            let error = clone.request_timeout(report(), patience).unwrap_err();
            assert!(matches!(
                error,
                RequestError::TooManyPending { limit: 4, .. }
            ));
            assert_eq!(error.into_envelope().unwrap().message, report());
        }
        let error = other.request_timeout(stop(), Duration::ZERO).unwrap_err();
        assert!(error.is_timed_out(), "it was asked");
        bus.close();
        for asked in asking {
            assert!(asked.join().unwrap().unwrap_err().is_closed());
        }
    });
}

#[test]
fn it_cannot_see_more_than_it_was_given() {
    let bus = MessageBus::new();
    let options = || SubscribeOptions::new().pattern("command.ping");
    let mut given = bus.subscribe_with(options().fixed()).unwrap();
    let all = || [">"];
    assert_eq!(given.set_patterns(all()), Err(SetPatternsError::Fixed));
    bus.publish(Envelope::new("kernel", stop())).unwrap();
    assert_eq!(given.try_recv().unwrap_err(), TryRecvError::Empty);
    // Without fixed patterns, it can.
    let given = bus.subscribe_with(options()).unwrap();
    given.set_patterns(all()).unwrap();
    bus.publish(Envelope::new("kernel", stop())).unwrap();
    assert_eq!(given.len(), 1);
}

#[test]
fn it_cannot_set_a_header_that_it_was_not_granted() {
    let (bus, publisher, mut subscription) = given(reports().headers(["tenant"]));
    let with = |name: &str| Draft::new(report()).with_header(name, "00-1").unwrap();
    let error = publisher.publish(with("traceparent")).unwrap_err();
    assert_eq!(error.denial(), Some(Denial::Header));
    assert!(subscription.try_recv().is_err());
    publisher.publish(with("tenant")).unwrap();
    assert_eq!(subscription.recv().unwrap().header("tenant"), Some("00-1"));
    assert_eq!(bus.stats().denied, 1);
}
