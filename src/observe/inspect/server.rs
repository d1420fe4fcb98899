//! The thread that serves an inspection, and the handle that ends it.

use std::fmt;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, Builder, JoinHandle};
use std::time::Duration;

use crate::bus::handle::Bus;
use crate::bus::lifecycle::WeakBus;
use crate::message::subject::Payload;
use crate::observe::inspect::error::InspectError;
use crate::observe::inspect::looking::Onlooker;
use crate::observe::inspect::protocol;
use crate::observe::inspect::socket::SocketFile;
use crate::support::panics::catch_panic;
use crate::support::sync::Mutex;

/// How long the thread waits after an accept that failed, so that it does not spin.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// An inspection of a bus that is being served, made by [`Bus::serve_inspection`](crate::Bus::serve_inspection).
///
/// Dropping this ends the thread and removes the socket. A client that is being served is cut off.
pub struct Inspection {
    file: SocketFile,
    shared: Arc<Serving>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread and the handle share.
struct Serving {
    listener: UnixListener,
    /// The same socket as the listener, to wake the thread. It is made at the start, because later no file descriptor
    /// may be left.
    waker: UnixStream,
    client: Mutex<Client>,
}

/// The client that is served now, for the handle to cut off.
#[derive(Default)]
struct Client {
    stream: Option<Arc<UnixStream>>,
    /// Whether the handle is gone: then no further client is served.
    is_over: bool,
}

impl Inspection {
    pub(super) fn start<M: Payload>(bus: &Bus<M>, path: &Path) -> Result<Self, InspectError> {
        let failed = |error| InspectError::Io {
            path: path.to_owned(),
            error,
        };
        let (file, listener) = SocketFile::bind(path)?;
        let waker = OwnedFd::from(listener.try_clone().map_err(failed)?);
        let shared = Arc::new(Serving {
            listener,
            waker: waker.into(),
            client: Mutex::default(),
        });
        let (serving, onlooker, bus) = (Arc::clone(&shared), Onlooker::new(bus), bus.downgrade());
        let thread = Builder::new()
            .name("oxide-bus inspection".to_owned())
            .spawn(move || serving.run(&bus, onlooker));
        let thread = thread.map_err(failed)?;
        Ok(Inspection {
            file,
            shared,
            thread: Some(thread),
        })
    }

    /// The path of the socket.
    pub fn path(&self) -> &Path {
        self.file.path()
    }
}

impl Serving {
    fn run<M: Payload>(&self, bus: &WeakBus<M>, mut onlooker: Onlooker) {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    let stream = Arc::new(stream);
                    let mut client = self.client.lock();
                    if client.is_over {
                        return;
                    }
                    client.stream = Some(Arc::clone(&stream));
                    drop(client);
                    // Errors of a client that hangs, or hangs up, are reported to nobody. A payload's `drop` may run
                    // here, and panic.
                    let _ = catch_panic(|| {
                        protocol::answer(&stream, || Some(onlooker.look(&bus.upgrade()?)))
                    });
                    self.client.lock().stream = None;
                }
                Err(_) if self.client.lock().is_over => return,
                // The client has hung up already, or the process has too many files open.
                Err(_) => thread::sleep(ACCEPT_AGAIN),
            }
        }
    }

    /// Cuts off the client that is being served, and wakes the thread out of `accept`. Returns whether it wakes.
    fn end(&self, path: &Path) -> bool {
        let mut client = self.client.lock();
        client.is_over = true;
        if let Some(stream) = client.stream.take() {
            let _gone = stream.shutdown(Shutdown::Both);
        }
        drop(client);
        // Linux wakes a thread that accepts when its listener is shut down, which the type for streams offers. Other
        // systems do not shut down a listener; there a connection wakes it.
        self.waker.shutdown(Shutdown::Both).is_ok() || UnixStream::connect(path).is_ok()
    }
}

impl Drop for Inspection {
    fn drop(&mut self) {
        let wakes = self.shared.end(self.file.path());
        if let Some(thread) = self.thread.take()
            && wakes
        {
            let _panicked = thread.join();
        }
    }
}

impl fmt::Debug for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspection")
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}
