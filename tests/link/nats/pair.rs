//! Two buses over a server, one sending numbers to the other.

use std::time::Duration;

use oxide_bus::link::nats::Nats;
use oxide_bus::link::{Link, LinkStats};
use oxide_bus::{AsyncSubscription, Bus, Overflow, SubscribeOptions};
use tokio::time::{interval, timeout};

use super::server::{DEADLINE, soon};

/// Whether the long forms of the tests run.
pub(super) fn is_long() -> bool {
    std::env::var_os("OXIDE_LINK_LONG").is_some()
}

/// A bus that sends numbers to another.
pub(super) struct Pair {
    pub(super) north: Bus<u64>,
    pub(super) south: Bus<u64>,
    pub(super) from: Link,
    pub(super) to: Link,
    pub(super) numbers: AsyncSubscription<u64>,
}

impl Pair {
    /// Joins two buses. A call of the engine may take this long.
    pub(super) async fn join(from: Nats, to: Nats, limit: Duration) -> Self {
        let (north, south) = (Bus::new(), Bus::new());
        let all = SubscribeOptions::new().overflow(Overflow::Block);
        let numbers = south
            .subscribe_with(all)
            .expect("good options")
            .into_async();
        let to = Link::over(to)
            .name("south")
            .import_everything(south.trusted_publisher("link"))
            .time_limit(limit)
            .connect(&south);
        let to = soon(to).await.expect("the server is there");
        to.ready(DEADLINE).await.expect("the server is there");
        let from = Link::over(from)
            .name("north")
            .export_everything()
            .time_limit(limit)
            .connect(&north);
        let from = soon(from).await.expect("the server is there");
        Pair {
            north,
            south,
            from,
            to,
            numbers,
        }
    }

    /// Receives the next numbers, each once and in order.
    pub(super) async fn receive(&mut self, from: u64, to: u64) {
        for due in from..to {
            let number = timeout(DEADLINE, self.numbers.recv()).await;
            let stats = || (self.from.stats(), self.to.stats());
            let number = number.unwrap_or_else(|_| panic!("{due} has not come: {:#?}", stats()));
            assert_eq!(number.expect("it is open").message, due, "{:#?}", stats());
        }
    }

    /// Checks that this many were sent and received, and nothing else.
    pub(super) async fn check(mut self, count: u64) -> (LinkStats, LinkStats) {
        self.from
            .drain(DEADLINE)
            .await
            .expect("the server is there");
        let sent = self.from.stats();
        assert_eq!(sent.export.exported, count, "{sent:?}");
        assert_eq!(sent.export.confirmed, count, "{sent:?}");
        assert_eq!((sent.export.lost, sent.export.pending), (0, 0), "{sent:?}");
        let more = timeout(Duration::from_millis(100), self.numbers.recv()).await;
        assert!(more.is_err(), "no more comes");
        let came = self.to.stats();
        assert_eq!(came.imports.len(), 1, "{came:?}");
        let import = &came.imports[0];
        assert_eq!(&*import.origin, "north");
        assert_eq!(
            (import.received, import.missed, import.held),
            (count, 0, 0),
            "{came:?}"
        );
        assert_eq!((import.refused, import.denied), (0, 0), "{came:?}");
        println!("{sent:?}\n{came:?}");
        drop(self.south);
        (sent, came)
    }
}

/// Publishes these numbers, this many each 10 ms if a number is given.
pub(super) async fn publish(bus: Bus<u64>, numbers: std::ops::Range<u64>, at_once: Option<u64>) {
    let publisher = bus.trusted_publisher("counter").into_async();
    let mut pace = interval(Duration::from_millis(10));
    for number in numbers {
        if at_once.is_some_and(|at_once| number % at_once == 0) {
            pace.tick().await;
        }
        publisher.publish(number).await.expect("the bus is open");
    }
}
