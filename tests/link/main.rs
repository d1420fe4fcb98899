//! Tests of links between buses. The clock stands still, and goes on when all tasks wait: so no test takes long. Those
//! with a NATS server are in a module of their own; their clock runs.

mod behaviour;
mod crossing;
mod drains;
mod durable;
mod ends;
mod faults;
mod greedy;
mod groups;
mod hostile;
mod loops;
#[cfg(feature = "nats")]
mod nats;
mod requests;
mod subjects;
mod transit;

use std::time::Duration;

use oxide_bus::link::memory::{Faults, MemoryEngine, MemoryServer};
use oxide_bus::link::{ImportStats, Link, LinkBuilder};
use oxide_bus::{Bus, Payload, Subject};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Long, by a clock that stands still.
const LONG: Duration = Duration::from_mins(5);

/// A payload whose subject is what the test says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Note {
    subject: Vec<String>,
    number: u64,
}

impl Payload for Note {
    fn subject(&self) -> Subject<'_> {
        Subject::new(self.subject.iter().map(String::as_str))
    }
}

fn note(subject: &str, number: u64) -> Note {
    let subject = subject.split('.').map(str::to_owned).collect();
    Note { subject, number }
}

/// Faults of a server that loses everything.
fn loses_all() -> Faults {
    Faults {
        loss: 1.0,
        ..Faults::default()
    }
}

/// Waits until the figures of what comes from an origin are as they should be.
async fn until(link: &Link, origin: &str, is_so: impl Fn(&ImportStats) -> bool) {
    let waiting = async {
        loop {
            let stats = link.stats();
            if stats
                .imports
                .iter()
                .any(|it| &*it.origin == origin && is_so(it))
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await; // the clock stands still: it only lets others run
        }
    };
    let in_time = tokio::time::timeout(LONG, waiting).await;
    assert!(in_time.is_ok(), "{:#?}", link.stats());
}

/// Links a bus that sends everything with a subject.
async fn exporter(server: &MemoryServer, name: &str, bus: &Bus<Note>) -> Link {
    let link = Link::over(server.engine()).name(name).export(">");
    link.connect(bus).await.expect("it connects")
}

/// Links a bus that brings everything with a subject, and waits until it is ready.
async fn importer(server: &MemoryServer, name: &str, bus: &Bus<Note>) -> Link {
    let link = Link::over(server.engine()).name(name);
    ready(link.import(">", bus.trusted_publisher("link")), bus).await
}

/// Connects a link, and waits until it is ready.
async fn ready<M>(link: LinkBuilder<MemoryEngine, M>, bus: &Bus<M>) -> Link
where
    M: Payload + Serialize + DeserializeOwned,
{
    let link = link.connect(bus).await.expect("it connects");
    link.ready(LONG).await.expect("it is ready");
    link
}
