//! The start of a link: joins the engine, the subscription and the publishers.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use crate::bus::handle::Bus;
use crate::bus::lifecycle::WeakBus;
use crate::bus::options::SubscribeOptions;
use crate::link::builder::LinkBuilder;
use crate::link::engine::{Engine, LinkPlan};
use crate::link::error::LinkError;
use crate::link::frames::subject;
use crate::link::handle::{Link, LinkThread};
use crate::link::inbound::gap_patience::GapPatience;
use crate::link::name::is_name;
use crate::link::running::driver::Driver;
use crate::link::running::exporting::Outlet;
use crate::link::running::publishing::Inlet;
use crate::link::running::seen::SeenIds;
use crate::link::state::linked::Linked;
use crate::link::state::settings::Settings;
use crate::link::stream::StreamError;
use crate::message::id::stamp;
use crate::message::subject::Payload;

/// After this many frames a round trip confirms them. No other frame is sent meanwhile: that takes some 65 µs, and
/// longer if the server is behind.
const CONFIRM_FRAMES: u64 = 4096;
const CONFIRM_AFTER: Duration = Duration::from_millis(20);

/// How long after the last frame a mark is sent. By the mark, importers notice whether the last frames are missing.
const MARK_AFTER: Duration = Duration::from_secs(1);

const PATIENCE: GapPatience = GapPatience {
    ask_again: Duration::from_millis(250),
    give_up: Duration::from_secs(10),
    held: 1 << 17, // the window and the history of an exporter
    held_bytes: 64 << 20,
};

/// # Running
impl<E, M> LinkBuilder<E, M>
where
    E: Engine,
    M: Payload + Serialize + DeserializeOwned,
{
    /// Connects, and runs the link as a task of the current runtime.
    ///
    /// What is published on the bus after this has returned is exported. What others send is received once the link is
    /// [ready](crate::link::Link::ready).
    ///
    /// # Errors
    ///
    /// [`LinkError`] if something is missing or wrong, or the engine does not connect within the
    /// [time limit](Self::time_limit).
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime, or in one whose clock is not enabled.
    ///
    /// # Cancel safety
    ///
    /// If it is cancelled, there is no link.
    pub async fn connect(self, bus: &Bus<M>) -> Result<Link, LinkError> {
        let (link, driver) = self.join(bus.downgrade()).await?;
        tokio::spawn(driver.run());
        Ok(link)
    }

    /// Connects, and runs the link on a thread of its own. This call waits until the engine has connected.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect), and [`LinkError::Thread`] if the thread could not be started.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use oxide_bus::kernel::{Command, MessageBus};
    /// use oxide_bus::link::Link;
    /// use oxide_bus::link::memory::MemoryServer;
    ///
    /// let bus = MessageBus::new();
    /// let engine = MemoryServer::new().engine();
    /// let link = Link::over(engine).name("north").export("command.>").spawn(&bus)?;
    /// bus.send("kernel", Command::Ping)?;
    /// link.drain(Duration::from_secs(10))?;
    /// assert_eq!(link.stats().export.confirmed, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn spawn(self, bus: &Bus<M>) -> Result<LinkThread, LinkError> {
        let (told, hear) = crossbeam_channel::bounded(1);
        let bus = bus.downgrade();
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let runtime = match runtime {
                Ok(runtime) => runtime,
                Err(error) => {
                    let _gone = told.send(Err(LinkError::Thread(error)));
                    return;
                }
            };
            runtime.block_on(async {
                match self.join(bus).await {
                    Ok((link, driver)) => {
                        let _gone = told.send(Ok(LinkThread::new(link)));
                        driver.run().await;
                    }
                    Err(error) => {
                        let _gone = told.send(Err(error));
                    }
                }
            });
        };
        let name = "oxide-bus link".to_owned();
        (thread::Builder::new().name(name).spawn(run)).map_err(LinkError::Thread)?;
        // The thread answers, unless the engine's code panics. Then there is no link.
        hear.recv().unwrap_or(Err(LinkError::Closed))
    }

    /// Connects, and joins the engine, the subscription and the publishers.
    async fn join(
        self,
        bus: WeakBus<M>,
    ) -> Result<(Link, Driver<M, E::Sender, E::Receiver>), LinkError> {
        self.check()?;
        let (engine, exports) = (&self.engine, self.exported());
        let inlets: Vec<_> = (self.imports.iter())
            .map(|import| Inlet {
                imported: import.imported.clone(),
                publisher: import.publisher.clone().into_async().downgrade(),
            })
            .collect();
        let limit = self.time_limit;
        let mut plan = LinkPlan::new(&*self.name);
        plan.exports = (exports.iter())
            .map(|export| subject::from_origin(&self.name, export))
            .collect();
        plan.imports = (inlets.iter())
            .map(|inlet| inlet.imported.subject.clone())
            .collect();
        plan.start = self.start;
        let (sender, receiver) = (timeout(limit, engine.open(&plan)).await)
            .map_err(|_| LinkError::TimedOut(limit))?
            .map_err(|error| {
                (error.into_stream_error()).map_or_else(LinkError::Engine, LinkError::Stream)
            })?;
        let alive = bus.upgrade().filter(|bus| !bus.is_closed());
        let alive = alive.ok_or(LinkError::Closed)?;
        alive.core.requests.remember_given_up();
        let outlet = self.outlet(&alive)?;
        let linked = Arc::new(Linked::new(Settings {
            name: self.name.as_str().into(),
            is_durable: E::IS_DURABLE,
            incarnation: stamp().0.as_u64_pair().1,
            began: Instant::now(),
            codec: self.codec,
            bounds: self.bounds,
            patience: GapPatience {
                give_up: self.patience,
                ..PATIENCE
            },
            call: limit,
            confirm_frames: CONFIRM_FRAMES,
            confirm_after: CONFIRM_AFTER,
            mark_after: MARK_AFTER,
            exports,
            is_transit: self.is_transit,
            imports: inlets.iter().map(|inlet| inlet.imported.clone()).collect(),
        }));
        #[cfg(all(unix, feature = "inspect"))]
        alive
            .core
            .links
            .add(Arc::downgrade(&(Arc::clone(&linked) as _)));
        let (asking, commands) = mpsc::unbounded_channel();
        let driver = Driver {
            link: Arc::clone(&linked),
            seen: SeenIds::of(&alive),
            bus,
            outlet,
            inlets,
            sender,
            receiver,
            commands,
        };
        Ok((Link::new(linked, asking), driver))
    }

    fn check(&self) -> Result<(), LinkError> {
        if !is_name(&self.name) {
            return Err(LinkError::Name(self.name.clone()));
        }
        if let Some(name) = &self.bad_origin {
            return Err(LinkError::Origin(name.clone()));
        }
        if let Some(name) = &self.bad_group {
            return Err(LinkError::Group(name.clone()));
        }
        if let Some(error) = &self.bad_pattern {
            return Err(LinkError::Pattern(error.clone()));
        }
        let mut groups = self
            .imports
            .iter()
            .filter_map(|it| it.imported.group.clone());
        if let (true, Some(group)) = (E::IS_DURABLE, groups.next()) {
            return Err(LinkError::Stream(StreamError::Group(group)));
        }
        if self.imports.is_empty() && self.exported().is_empty() {
            return Err(LinkError::Idle);
        }
        Ok(())
    }

    /// Returns what is exported, as the server sees it.
    fn exported(&self) -> Vec<String> {
        if self.exports_everything {
            return vec![">".to_owned()];
        }
        self.exports.iter().map(subject::of_pattern).collect()
    }

    fn outlet(&self, bus: &Bus<M>) -> Result<Outlet<M>, LinkError> {
        let name = format!("link {}", self.name);
        if self.exported().is_empty() {
            let end = SubscribeOptions::new()
                .name(name)
                .pattern("advisory.closed");
            let end = bus.advisories_with(end).map_err(LinkError::Subscribe)?;
            return Ok(Outlet::Nothing(end.into_async()));
        }
        let mut options = SubscribeOptions::new()
            .name(name)
            .capacity(self.capacity)
            .overflow(self.overflow);
        if !self.exports_everything {
            options = options.patterns(self.exports.iter().cloned());
        }
        let subscription = bus.subscribe_with(options).map_err(LinkError::Subscribe)?;
        Ok(Outlet::Exports(subscription.into_async()))
    }
}
