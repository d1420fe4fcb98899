//! What a snapshot says is so.

use std::time::Duration;
#[cfg(feature = "link")]
use std::time::Instant;

use oxide_bus::inspect::{LookError, SubscriptionSnapshot, look};
use oxide_bus::{Bus, Grant, Overflow, SubscribeOptions};

use super::Inspected;

#[test]
fn a_snapshot_has_the_figures_of_the_bus() {
    let it = Inspected::new();
    let options = (SubscribeOptions::new().name("slow").capacity(2)).overflow(Overflow::DropOldest);
    let _slow = it.bus.subscribe_with(options.source("a\nb")).unwrap();
    let mut all = it.bus.subscribe();
    for _ in 0..5 {
        it.bus.send("a\nb", 7).unwrap();
    }
    all.recv().unwrap();

    let snapshot = it.look();
    let stats = it.bus.stats();
    assert_eq!(snapshot.process, std::process::id());
    assert!(!snapshot.closed);
    assert_eq!(
        (
            snapshot.published,
            snapshot.denied,
            snapshot.pending_requests
        ),
        (stats.published, stats.denied, stats.pending_requests)
    );
    let of = |it: &SubscriptionSnapshot| it.stats.clone();
    let shown: Vec<_> = snapshot.subscriptions.iter().map(of).collect();
    assert_eq!(shown, stats.subscriptions);
    assert_eq!(stats.subscriptions[1].dropped, 3, "it is the slow one");
    let [newest] = &snapshot.newest[..] else {
        panic!("{:?}", snapshot.newest);
    };
    assert_eq!(&*newest.source, "a\nb");
    assert!((1..=5).contains(&newest.envelopes), "{newest:?}");
    assert_eq!(snapshot.capabilities, []);
    assert_eq!(snapshot.links, []);
}

#[test]
fn capabilities_are_shown_with_their_publishers_and_denials() {
    let it = Inspected::new();
    (it.bus.grant(Grant::new("log:write").sources(["log"]))).unwrap();
    let publisher = it.bus.publisher("llm", "log:write");
    assert!(publisher.publish(1).unwrap_err().is_denied());

    let snapshot = it.look();
    assert_eq!(snapshot.capabilities, it.bus.grants());
    let capability = &snapshot.capabilities[0];
    assert_eq!((capability.publishers, capability.denied), (1, 1));
    let note = snapshot.advisories.last().expect("the denial was told");
    assert_eq!(note.kind, "denied");
    assert!(note.text.starts_with("llm, "), "{}", note.text);
}

#[test]
fn losses_are_told_of_the_subscription_that_has_them() {
    let it = Inspected::new();
    let slow = it
        .bus
        .subscribe_with(SubscribeOptions::new().capacity(1))
        .unwrap();
    it.bus.send("counter", 1).unwrap();
    it.bus.send("counter", 2).unwrap();
    let told = || {
        let mut told = it.look().advisories;
        told.retain(|note| note.kind == "lagging");
        told
    };
    let first = told();
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].subscription, Some(slow.id().to_string()));
    assert_eq!(&*first[0].text, "1 lost so far");
    assert_eq!(told(), first, "it is kept for the next look");
}

#[test]
fn no_more_than_256_advisories_are_kept() {
    let it = Inspected::new();
    for round in 0..2 {
        for number in 0..500 {
            it.bus.revoke(format!("{round}:{number}"));
        }
        let advisories = it.look().advisories;
        assert_eq!(advisories.len(), 256);
        assert_eq!(&*advisories[255].text, format!("{round}:499"));
    }
}

#[test]
fn the_oldest_envelope_waits_from_look_to_look() {
    let it = Inspected::new();
    let mut subscription = it.bus.subscribe();
    it.bus.send("counter", 1).unwrap();
    let waits = || {
        let snapshot = it.look();
        (snapshot.clock_ms, snapshot.subscriptions[0].oldest_ms)
    };
    let (first, none) = waits();
    assert_eq!(none, None, "nobody has looked before");
    let (second, waited) = waits();
    assert_eq!(waited, Some(second - first));
    subscription.recv().unwrap();
    assert_eq!(waits().1, None);
}

#[test]
fn a_thousand_subscriptions_are_shown_in_one_answer() {
    let it = Inspected::new();
    let options = (0..1_000).map(|number| {
        let name = format!("module {number}");
        SubscribeOptions::new()
            .name(name)
            .source(format!("source {number}"))
    });
    let _subscriptions = it.bus.subscribe_many(options).unwrap();
    it.bus.send("source 999", 1).unwrap();
    let snapshot = it.look();
    assert_eq!(snapshot.subscriptions.len(), 1_000);
    let last = &snapshot.subscriptions[999].stats;
    assert_eq!((last.name.as_deref(), last.queued), (Some("module 999"), 1));
}

#[test]
fn filters_beyond_sixteen_are_counted() {
    let it = Inspected::new();
    let sources = (0..100).map(|number| number.to_string());
    let options = SubscribeOptions::new().sources(sources);
    let _subscription = it.bus.subscribe_with(options).unwrap();
    let subscription = it.look().subscriptions.remove(0);
    assert_eq!(subscription.stats.sources.len(), 16);
    assert_eq!(subscription.more_filters, 84);
}

#[test]
fn each_overflow_policy_comes_across() {
    let it = Inspected::new();
    let policies = [
        Overflow::DropNewest,
        Overflow::DropOldest,
        Overflow::Evict,
        Overflow::Block,
        Overflow::BlockFor(Duration::from_millis(1_500)),
    ];
    let options = policies.map(|policy| SubscribeOptions::new().overflow(policy));
    let _subscriptions = it.bus.subscribe_many(options).unwrap();
    let shown = it.look().subscriptions;
    let shown: Vec<_> = shown.iter().map(|it| it.stats.overflow).collect();
    assert_eq!(shown, policies);
}

#[test]
fn a_closed_bus_is_shown_and_one_that_is_gone_is_said_to_be() {
    let it = Inspected::new();
    let _subscription = it.bus.subscribe();
    it.bus.close();
    let snapshot = it.look();
    assert!(snapshot.closed);
    assert_eq!(snapshot.subscriptions, []);
    assert_eq!(snapshot.advisories.last().unwrap().kind, "closed");

    let Inspected {
        bus,
        inspection,
        folder: _folder,
    } = it;
    drop(bus);
    let refused = look(inspection.path()).unwrap_err();
    assert!(matches!(&refused, LookError::Refused { reason } if reason == "the bus is gone"));
}

#[test]
fn a_bus_that_has_closed_already_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let bus = Bus::<u32>::new();
    bus.close();
    let inspection = bus.serve_inspection(folder.path().join("s")).unwrap();
    let snapshot = look(inspection.path()).unwrap();
    assert!(snapshot.closed);
    assert_eq!(snapshot.advisories, []);
}

#[test]
fn an_inspection_does_not_keep_the_bus_open() {
    let Inspected {
        bus,
        inspection,
        folder: _folder,
    } = Inspected::new();
    let mut subscription = bus.subscribe();
    look(inspection.path()).unwrap();
    drop(bus);
    assert!(subscription.recv().is_err_and(|end| end.is_end()));
}

#[cfg(feature = "link")]
#[test]
fn links_are_shown_while_they_run() {
    use oxide_bus::link::Link;
    use oxide_bus::link::memory::MemoryServer;

    let it = Inspected::new();
    let engine = MemoryServer::new().engine();
    let link = Link::over(engine).name("north").export_everything();
    let link = link.spawn(&it.bus).unwrap();
    it.bus.send("counter", 1).unwrap();
    link.drain(Duration::from_secs(30)).unwrap();
    let links = it.look().links;
    assert_eq!(links.len(), 1);
    assert_eq!(
        (&*links[0].name, links[0].exported, links[0].pending),
        ("north", 1, 0)
    );
    drop(link);
    // The thread of the link may be about to end.
    let deadline = Instant::now() + Duration::from_secs(30);
    while !it.look().links.is_empty() {
        assert!(Instant::now() < deadline, "the link is gone");
    }
}
