//! The builder of a link: its name, its exports and imports, and its bounds.

use std::fmt;
use std::time::Duration;

use crate::bus::publisher::Publisher;
use crate::codec::Codec;
use crate::link::engine::StreamEngine;
use crate::link::frames::import_subject::ImportSubject;
use crate::link::frames::subject;
use crate::link::name::is_name;
use crate::link::outbound::outgoing::WindowBounds;
use crate::link::stream::StreamStart;
use crate::message::overflow::Overflow;
use crate::message::pattern::{Pattern, PatternError};

/// The longest time that can be set: an hour.
const LONGEST: Duration = Duration::from_hours(1);

/// Builds a [`Link`](crate::link::Link); begun by [`Link::over`](crate::link::Link::over).
///
/// # Defaults
///
/// | option | default |
/// | --- | --- |
/// | [`name`](Self::name) | none: it must be given |
/// | [`export`](Self::export), [`import`](Self::import) | nothing: one of them must be given |
/// | [`overflow`](Self::overflow) | [`Overflow::Block`] |
/// | [`capacity`](Self::capacity) | 1,024 envelopes |
/// | [`window`](Self::window) | 65,536 frames, 64 MiB |
/// | [`time_limit`](Self::time_limit) | 5 s |
/// | [`patience`](Self::patience) | 10 s |
/// | [`durable`](Self::durable) | not |
/// | [`start`](Self::start) | [`StreamStart::New`] |
/// | [`codec`](Self::codec) | [`Codec::new`] |
#[must_use = "a link is made by `connect` or `spawn`"]
pub struct LinkBuilder<E, M> {
    pub(super) engine: E,
    pub(super) name: String,
    pub(super) exports: Vec<Pattern>,
    pub(super) exports_everything: bool,
    pub(super) is_transit: bool,
    pub(super) imports: Vec<Import<M>>,
    pub(super) bad_pattern: Option<PatternError>,
    pub(super) bad_origin: Option<String>,
    pub(super) bad_group: Option<String>,
    pub(super) overflow: Overflow,
    pub(super) capacity: usize,
    pub(super) bounds: WindowBounds,
    pub(super) time_limit: Duration,
    pub(super) patience: Duration,
    pub(super) codec: Codec,
    pub(super) start: StreamStart,
}

pub(super) struct Import<M> {
    pub(super) imported: ImportSubject,
    pub(super) publisher: Publisher<M>,
}

impl<E, M> LinkBuilder<E, M> {
    pub(super) fn new(engine: E) -> Self {
        LinkBuilder {
            engine,
            name: String::new(),
            exports: Vec::new(),
            exports_everything: false,
            is_transit: false,
            imports: Vec::new(),
            bad_pattern: None,
            bad_origin: None,
            bad_group: None,
            overflow: Overflow::Block,
            capacity: 1024,
            bounds: WindowBounds {
                frames: 1 << 16,
                bytes: 64 << 20,
            },
            time_limit: Duration::from_secs(5),
            patience: Duration::from_secs(10),
            codec: Codec::new(),
            start: StreamStart::New,
        }
    }

    /// Sets the name of the link: 1 to 64 lowercase letters, digits and hyphens. It is the origin of all that the link
    /// sends, so no other link at the same server should have it. If one has, the advisory
    /// [`LinkNamesake`](crate::Advisory::LinkNamesake) says so, unless the links are durable.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sends what matches this pattern. Each call adds a pattern, and one match is enough.
    ///
    /// What a link has brought does not go out again, unless this link is a [transit](Self::transit). A payload without
    /// a subject matches no pattern; see [`export_everything`](Self::export_everything).
    pub fn export<P>(mut self, pattern: P) -> Self
    where
        P: TryInto<Pattern>,
        P::Error: Into<PatternError>,
    {
        match pattern.try_into() {
            Ok(pattern) => self.exports.push(pattern),
            Err(error) => self.note(error.into()),
        }
        self
    }

    /// Sends everything, also payloads without a subject.
    pub fn export_everything(mut self) -> Self {
        self.exports_everything = true;
        self
    }

    /// Also sends what another link of this bus has brought, if an export matches it. What this link itself brings does
    /// not go out. [`docs::links`](crate::docs::links#transit) says what ends circles.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use oxide_bus::kernel::{Command, MessageBus};
    /// use oxide_bus::link::Link;
    /// use oxide_bus::link::memory::MemoryServer;
    ///
    /// let [near, far] = [(); 2].map(|()| MemoryServer::new());
    /// let [north, middle, south] = [(); 3].map(|()| MessageBus::new());
    /// let limit = Duration::from_secs(10);
    /// let to = Link::over(far.engine())
    ///     .name("south")
    ///     .import("command.>", south.trusted_publisher("link"))
    ///     .spawn(&south)?;
    /// let transit = Link::over(far.engine()).name("middle").export("command.>").transit();
    /// let transit = transit.spawn(&middle)?;
    /// let through = Link::over(near.engine())
    ///     .name("middle")
    ///     .import("command.>", middle.trusted_publisher("link"))
    ///     .spawn(&middle)?;
    /// for link in [&to, &transit, &through] {
    ///     link.ready(limit)?;
    /// }
    /// let _from = Link::over(near.engine()).name("north").export("command.>").spawn(&north)?;
    ///
    /// let mut commands = south.subscribe();
    /// north.send("kernel", Command::Ping)?;
    /// assert_eq!(commands.recv()?.header("link-origin"), Some("middle"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn transit(mut self) -> Self {
        self.is_transit = true;
        self
    }

    /// Brings what matches this pattern from all origins, and publishes it by this publisher. A payload without a
    /// subject matches no pattern; see [`import_everything`](Self::import_everything).
    ///
    /// The publisher's grant decides what may pass. It must [forward](crate::Grant::forwards), and name the
    /// [sources](crate::Grant::sources). If several imports match, the first of them is used. Import all that the other
    /// side exports: then a gap is noticed.
    pub fn import<P>(self, pattern: P, publisher: impl Into<Publisher<M>>) -> Self
    where
        P: TryInto<Pattern>,
        P::Error: Into<PatternError>,
    {
        self.bring("*", pattern, None, publisher.into())
    }

    /// Brings what matches this pattern from the link with this name only; see [`import`](Self::import).
    pub fn import_from<P>(
        mut self,
        origin: impl Into<String>,
        pattern: P,
        publisher: impl Into<Publisher<M>>,
    ) -> Self
    where
        P: TryInto<Pattern>,
        P::Error: Into<PatternError>,
    {
        let origin = origin.into();
        if !is_name(&origin) {
            self.bad_origin.get_or_insert(origin);
            return self;
        }
        self.bring(&origin, pattern, None, publisher.into())
    }

    /// Brings everything from all origins, also payloads without a subject; see [`import`](Self::import).
    pub fn import_everything(mut self, publisher: impl Into<Publisher<M>>) -> Self {
        let publisher = publisher.into();
        let subjects = [
            subject::from_origin("*", ">"),
            subject::without_subject("*"),
        ];
        self.imports.extend(subjects.map(|subject| Import {
            imported: ImportSubject::alone(subject),
            publisher: publisher.clone(),
        }));
        self
    }

    /// Brings what matches this pattern, and shares it with all links that import in the same group: each envelope goes
    /// to one of them. The name of a group has the characters of a link's name.
    /// [`docs::links`](crate::docs::links#groups) says where exactness ends.
    ///
    /// A pattern that is shared should not overlap with others of this link. What this link exports itself goes to
    /// other members of the group.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use oxide_bus::kernel::{Command, MessageBus};
    /// use oxide_bus::link::Link;
    /// use oxide_bus::link::memory::MemoryServer;
    ///
    /// let server = MemoryServer::new();
    /// let (desk, worker) = (MessageBus::new(), MessageBus::new());
    /// let to = Link::over(server.engine())
    ///     .name("worker-1") // and others by other names
    ///     .import_shared("workers", "command.>", worker.trusted_publisher("link"))
    ///     .spawn(&worker)?;
    /// to.ready(Duration::from_secs(10))?;
    /// let _from = Link::over(server.engine()).name("desk").export("command.>").spawn(&desk)?;
    ///
    /// let mut commands = worker.subscribe();
    /// desk.send("desk", Command::Ping)?;
    /// assert_eq!(commands.recv()?.source, "desk");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn import_shared<P>(
        mut self,
        group: impl Into<String>,
        pattern: P,
        publisher: impl Into<Publisher<M>>,
    ) -> Self
    where
        P: TryInto<Pattern>,
        P::Error: Into<PatternError>,
    {
        let group = group.into();
        if !is_name(&group) {
            self.bad_group.get_or_insert(group);
            return self;
        }
        self.bring("*", pattern, Some(group), publisher.into())
    }

    fn bring<P>(
        mut self,
        origin: &str,
        pattern: P,
        group: Option<String>,
        publisher: Publisher<M>,
    ) -> Self
    where
        P: TryInto<Pattern>,
        P::Error: Into<PatternError>,
    {
        match pattern.try_into() {
            Ok(pattern) => {
                let subject = subject::from_origin(origin, &subject::of_pattern(&pattern));
                let imported = ImportSubject { subject, group };
                self.imports.push(Import {
                    imported,
                    publisher,
                });
            }
            Err(error) => self.note(error.into()),
        }
        self
    }

    fn note(&mut self, error: PatternError) {
        self.bad_pattern.get_or_insert(error);
    }

    /// Sets what happens when the window is full and the link's queue on the bus is full too. By default publishers
    /// wait, so nothing is lost. With [`Overflow::DropNewest`] no publisher waits for the link, and losses are counted.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// Sets how many envelopes the link's queue on the bus holds.
    pub fn capacity(mut self, envelopes: usize) -> Self {
        self.capacity = envelopes;
        self
    }

    /// Sets how many frames, and how many bytes of them, may be unconfirmed. The link keeps as many confirmed ones, for
    /// importers that ask for them again.
    pub fn window(mut self, frames: usize, bytes: usize) -> Self {
        self.bounds = WindowBounds {
            frames: frames.max(1),
            bytes: bytes.max(1),
        };
        self
    }

    /// Sets the time limit of each call of the engine. A call that takes longer counts as a cut of the connection. At
    /// most an hour.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit.min(LONGEST);
        self
    }

    /// Sets how long the link waits for a missing envelope and asks for it. Then the envelope counts as missed, and the
    /// gap is told. At most an hour.
    ///
    /// The time runs while the exporter is there. While nothing comes from it, the link waits six times as long, so an
    /// exporter that was cut off can still send the missing envelopes. Envelopes behind the gap wait meanwhile.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience.min(LONGEST);
        self
    }

    /// Sets where an importing [durable](Self::durable) link begins if the stream does not know it yet. A link that is
    /// not durable begins with what is sent from then on.
    pub fn start(mut self, start: StreamStart) -> Self {
        self.start = start;
        self
    }

    /// Sets the codec, whose limits hold in both directions.
    pub fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }
}

impl<E: StreamEngine, M> LinkBuilder<E, M> {
    /// Makes the link durable: its exports are stored in this stream of the server, and its imports come from there,
    /// also those that were sent while the link was away. Links on both sides must be durable; see
    /// [`docs::links`](crate::docs::links#durable-links).
    ///
    /// The stream must exist, and keep the subjects of the exports. No [`patience`](Self::patience) is needed.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use oxide_bus::kernel::{Command, MessageBus};
    /// use oxide_bus::link::Link;
    ///
    /// # #[cfg(feature = "nats")]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let bus = MessageBus::new();
    /// let link = Link::nats("nats://localhost").name("north").export("command.>").durable("COMMANDS").spawn(&bus)?;
    /// bus.send("kernel", Command::Ping)?;
    /// link.drain(Duration::from_secs(10))?; // it is stored
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "nats"))]
    /// # fn main() {}
    /// ```
    pub fn durable(self, stream: impl Into<String>) -> LinkBuilder<E::Stream, M> {
        LinkBuilder {
            engine: self.engine.stream(stream.into()),
            name: self.name,
            exports: self.exports,
            exports_everything: self.exports_everything,
            is_transit: self.is_transit,
            imports: self.imports,
            bad_pattern: self.bad_pattern,
            bad_origin: self.bad_origin,
            bad_group: self.bad_group,
            overflow: self.overflow,
            capacity: self.capacity,
            bounds: self.bounds,
            time_limit: self.time_limit,
            patience: self.patience,
            codec: self.codec,
            start: self.start,
        }
    }
}

impl<E, M> fmt::Debug for LinkBuilder<E, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let imports: Vec<_> = self.imports.iter().map(|import| &import.imported).collect();
        f.debug_struct("LinkBuilder")
            .field("name", &self.name)
            .field("exports", &self.exports)
            .field("imports", &imports)
            .finish_non_exhaustive()
    }
}
