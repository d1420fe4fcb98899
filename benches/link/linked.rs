//! A bus with a link.

use std::time::Duration;

use oxide_bus::link::engine::Engine;
use oxide_bus::link::nats::Nats;
use oxide_bus::link::{Link, LinkBuilder, LinkThread};
use oxide_bus::{AsyncSubscription, Bus, Overflow, SubscribeOptions};

use crate::note::Note;

/// Nothing takes longer.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// Where a link runs.
#[derive(Clone, Copy)]
pub(crate) enum Runs {
    /// In the runtime of the publishers and receivers.
    AsTask,
    /// On a thread of its own.
    OnThread,
}

impl Runs {
    /// Starts a link, and waits until it is ready.
    pub(crate) async fn start<E: Engine>(
        self,
        link: LinkBuilder<E, Note>,
        bus: &Bus<Note>,
    ) -> Link {
        let link = match self {
            Runs::AsTask => link.connect(bus).await,
            Runs::OnThread => link.spawn(bus).map(LinkThread::into_async),
        };
        let link = link.expect("the server is there");
        link.ready(LIMIT).await.expect("the server is there");
        link
    }
}

/// Begins the north link of a pair: it sends notes of kind a, and brings those of kind b from the south.
pub(crate) fn north(url: &str, pair: &str, bus: &Bus<Note>) -> LinkBuilder<Nats, Note> {
    link(
        url,
        bus,
        [&format!("{pair}-north"), "a"],
        [&format!("{pair}-south"), "b"],
    )
}

/// Begins the south link of a pair.
pub(crate) fn south(url: &str, pair: &str, bus: &Bus<Note>) -> LinkBuilder<Nats, Note> {
    link(
        url,
        bus,
        [&format!("{pair}-south"), "b"],
        [&format!("{pair}-north"), "a"],
    )
}

fn link(
    url: &str,
    bus: &Bus<Note>,
    [name, sends]: [&str; 2],
    [other, brings]: [&str; 2],
) -> LinkBuilder<Nats, Note> {
    let publisher = bus.trusted_publisher("link");
    Link::nats(url)
        .name(name)
        .export(format!("note.{sends}"))
        .import_from(other, format!("note.{brings}"), publisher)
}

/// Subscribes to one kind of notes, without a loss.
pub(crate) fn subscribe(bus: &Bus<Note>, kind: &str) -> AsyncSubscription<Note> {
    let options = SubscribeOptions::new()
        .pattern(format!("note.{kind}"))
        .overflow(Overflow::Block);
    let notes = bus.subscribe_with(options).expect("good options");
    notes.into_async()
}
