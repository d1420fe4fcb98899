//! A cable between a client and its server that a test can cut.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use parking_lot::Mutex;

/// What carries connections from a port of its own to the server.
pub(super) struct Cable {
    port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    condition: Condition,
    ends: Vec<TcpStream>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Condition {
    #[default]
    Whole,
    /// What is sent is lost, and no end learns of it.
    Swallows,
    /// Connections end, and others are not made.
    Cut,
}

impl Cable {
    pub(super) fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
        let port = listener.local_addr().expect("it is bound").port();
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                // If it fails the client sees that its connection ends, and tries again.
                let _ = join(&client, server, &shared);
            }
        });
        Cable { port, state }
    }

    pub(super) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// From now on what is sent is lost.
    pub(super) fn swallow(&self) {
        self.state.lock().condition = Condition::Swallows;
    }

    pub(super) fn cut(&self) {
        let mut state = self.state.lock();
        state.condition = Condition::Cut;
        for end in state.ends.drain(..) {
            let _ = end.shutdown(Shutdown::Both); // it may have ended already
        }
    }

    pub(super) fn mend(&self) {
        self.state.lock().condition = Condition::Whole;
    }
}

/// Joins a client to the server by two threads, which end with the connection.
fn join(client: &TcpStream, server: u16, state: &Arc<Mutex<State>>) -> io::Result<()> {
    let server = TcpStream::connect(("127.0.0.1", server))?;
    let mut shared = state.lock();
    if shared.condition == Condition::Cut {
        return Ok(()); // both ends are dropped
    }
    for (from, to) in [(client, &server), (&server, client)] {
        from.set_nodelay(true)?;
        shared.ends.push(from.try_clone()?);
        let (from, to, state) = (from.try_clone()?, to.try_clone()?, Arc::clone(state));
        thread::spawn(move || carry(from, to, &state));
    }
    Ok(())
}

fn carry(mut from: TcpStream, mut to: TcpStream, state: &Mutex<State>) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if state.lock().condition == Condition::Whole && to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both); // it may have ended already
}
