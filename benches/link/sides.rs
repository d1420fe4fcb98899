//! Two sides, each with a thread and a runtime of its own, as two programs have.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Instant;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Two sides that go on between the rounds: so what they keep is as in a program that has run for a while.
pub(crate) struct Sides<T> {
    begin: UnboundedSender<()>,
    figures: Receiver<T>,
}

/// The side that measures.
pub(crate) struct North<T> {
    begins: UnboundedReceiver<()>,
    heard: UnboundedReceiver<Instant>,
    figures: Sender<T>,
}

/// The other side.
pub(crate) struct South {
    tells: UnboundedSender<Instant>,
}

impl<T: Send + 'static> Sides<T> {
    /// Starts both. They run until the process ends.
    pub(crate) fn start(
        north: impl AsyncFnOnce(North<T>) + Send + 'static,
        south: impl AsyncFnOnce(South) + Send + 'static,
    ) -> Self {
        let (begin, begins) = unbounded_channel();
        let (tells, heard) = unbounded_channel();
        let (figures, measured) = channel();
        let north_side = North {
            begins,
            heard,
            figures,
        };
        run("south", async move || south(South { tells }).await);
        run("north", async move || north(north_side).await);
        Sides {
            begin,
            figures: measured,
        }
    }

    pub(crate) fn round(&self) -> T {
        self.begin.send(()).expect("no side panics");
        self.figures.recv().expect("no side panics")
    }
}

impl<T> North<T> {
    /// Waits until a round begins. Returns whether there is one.
    pub(crate) async fn begins(&mut self) -> bool {
        self.begins.recv().await.is_some()
    }

    /// Waits until the other side has come so far, and returns when that was.
    pub(crate) async fn hear(&mut self) -> Instant {
        self.heard.recv().await.expect("no side panics")
    }

    /// Ends a round.
    pub(crate) fn ends(&self, figure: T) {
        self.figures.send(figure).expect("the bench goes on");
    }
}

impl South {
    /// Tells the other side how far this one is.
    pub(crate) fn tell(&self) {
        self.tells.send(Instant::now()).expect("no side panics");
    }
}

fn run(name: &str, side: impl AsyncFnOnce() + Send + 'static) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime");
    let run = move || runtime.block_on(side());
    let thread = thread::Builder::new().name(name.to_owned());
    thread.spawn(run).expect("a thread");
}
