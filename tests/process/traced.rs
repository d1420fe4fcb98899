//! Tests of advisories as events of `tracing`.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::is_alone;
use oxide_bus::{Bus, Envelope, SubscribeOptions};

/// Writes events down, one per line.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() != "id" {
            write!(self.0, " {field}={value:?}").unwrap();
        }
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("oxide_bus")
    }
    fn event(&self, event: &Event<'_>) {
        let mut text = self.0.lock().unwrap();
        write!(text, "{}", event.metadata().level()).unwrap();
        event.record(&mut Line(&mut text));
        text.push('\n');
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// `tracing` caches for the whole process which events are wanted. Another test on a thread without a subscriber could
/// have it cache that nobody wants them.
#[test]
fn a_loss_is_a_warning_and_a_pruned_subscriber_is_for_debugging() {
    if !is_alone("traced::a_loss_is_a_warning_and_a_pruned_subscriber_is_for_debugging") {
        return;
    }
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || {
        let bus = Bus::<u64>::new();
        // No event tells of an advisory subscriber's own losses.
        let _advisories = bus.advisories_with(SubscribeOptions::new().capacity(1));
        let slow = SubscribeOptions::new().name("slow").capacity(1);
        let slow = bus.subscribe_with(slow).unwrap();
        for number in 0..2 {
            bus.publish(Envelope::new("counter", number)).unwrap();
        }
        drop(slow);
        bus.grant("count").unwrap();
        bus.revoke("count");
        assert!(bus.publisher("me", "count").publish(1).is_err());
        bus.close();
    });
    let expected = [
        r#"DEBUG message=subscribed name="slow""#,
        r#"WARN message=subscriber lagging; envelopes dropped name="slow" dropped=1"#,
        r#"DEBUG message=unsubscribed name="slow""#,
        r#"INFO message=capability granted capability="count""#,
        r#"INFO message=capability revoked capability="count""#,
        r#"WARN message=publish denied source="me" claimed="me" capability="count" denial=NotGranted suppressed=0"#,
        "INFO message=bus closed",
    ];
    let log = log.0.lock().unwrap();
    assert_eq!(log.lines().collect::<Vec<_>>(), expected);
}
