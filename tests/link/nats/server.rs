//! A NATS server of a test's own: on a free port of the loopback interface, with its files in a temporary folder.

use std::env;
use std::fs;
use std::future::Future;
use std::io::{BufRead, BufReader, ErrorKind};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use oxide_bus::link::engine::{Engine, EngineEvent, EngineReceiver, EngineSender, Frame};
use oxide_bus::link::nats::{Nats, NatsReceiver, NatsSender, Permissions};
use tempfile::TempDir;

use super::support::signal;

/// Nothing takes longer.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// The configuration of a server with streams.
pub(crate) const STREAMS: &str = "jetstream { store_dir: streams }\n";

/// How often a server is started anew whose port has been taken meanwhile.
const STARTS: usize = 20;

/// A server that can be killed, started again, and stopped for a while. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Server {
    /// Starts a server that lets everybody do everything. `None` if the program is not installed.
    pub(crate) fn start() -> Option<Self> {
        Server::with("")
    }

    /// Starts a server with this configuration.
    pub(crate) fn with(configuration: &str) -> Option<Self> {
        let folder = TempDir::new().expect("there is a place for files");
        fs::write(folder.path().join("server.conf"), configuration).expect("it can be written");
        let Some((child, port)) = launch(&folder, None) else {
            assert!(env::var_os("CI").is_none(), "nats-server is not installed");
            eprintln!("skipped: nats-server is not installed");
            return None;
        };
        Some(Server {
            child,
            port,
            folder,
        })
    }

    /// Starts a server that has streams, and keeps them in its folder.
    pub(crate) fn with_streams() -> Option<Self> {
        Server::with(STREAMS)
    }

    /// Starts a server with the stream `ALL`, for a test without a runtime.
    pub(crate) fn with_stream_of_all() -> Option<Self> {
        let server = Server::with_streams()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime
            .expect("a runtime")
            .block_on(server.make_stream("ALL", "ob.>"));
        Some(server)
    }

    /// Removes what is stored, of a server that was killed.
    pub(crate) fn empty_store(&self) {
        fs::remove_dir_all(self.folder.path().join("streams")).expect("it has a store");
    }

    /// Makes a request about streams, and returns the answer.
    pub(crate) async fn ask(&self, request: &str, body: String) -> String {
        let client = soon(async_nats::connect(self.url())).await;
        let client = client.expect("the server is there");
        let answer = soon(client.request(format!("$JS.API.{request}"), body.into())).await;
        let answer = answer.expect("the server has streams").payload;
        String::from_utf8(answer.to_vec()).expect("it is a text")
    }

    /// Makes a stream that keeps these subjects.
    pub(crate) async fn make_stream(&self, name: &str, subjects: &str) {
        let body = format!(r#"{{"name":"{name}","subjects":["{subjects}"]}}"#);
        let answer = self.ask(&format!("STREAM.CREATE.{name}"), body).await;
        assert!(!answer.contains("error"), "{answer}");
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn nats(&self) -> Nats {
        Nats::new(self.url())
    }

    /// Connects an engine by this name.
    pub(crate) async fn connect(&self, name: &str) -> (NatsSender, NatsReceiver) {
        let ends = soon(self.nats().connect(name)).await;
        ends.expect("the server is there")
    }

    /// Kills it, as a crash does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it is dead");
    }

    /// Starts it again at the same port, after it was killed. It keeps nothing but streams.
    pub(crate) fn restart(&mut self) {
        let again = (0..STARTS).find_map(|_| launch(&self.folder, Some(self.port)));
        (self.child, self.port) = again.expect("it starts again");
    }

    /// Changes its configuration while it runs.
    pub(crate) fn reload(&self, configuration: &str) {
        fs::write(self.folder.path().join("server.conf"), configuration)
            .expect("it can be written");
        self.signal("HUP");
    }

    /// Keeps it from running, until it is let go on.
    pub(crate) fn pause(&self) {
        self.signal("STOP");
    }

    pub(crate) fn go_on(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        signal(name, self.child.id());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may be dead already
        let _ = self.child.wait();
    }
}

/// A configuration with two users, `north` and `south`, each with the permissions of a link, and the password `secret`.
pub(crate) fn two_users() -> String {
    let user = |name| {
        let permissions = Permissions::new(name).expect("a good name");
        format!("{{ user: {name}, password: secret\n{permissions} }}\n")
    };
    let users = ["north", "south"].map(user).concat();
    format!("authorization {{ users: [\n{users}] }}\n")
}

/// Starts the program, and waits until it says that it is ready. `None` if there is no such program, or it ends at
/// once.
fn launch(folder: &TempDir, port: Option<u16>) -> Option<(Child, u16)> {
    let port = port.map_or("-1".to_owned(), |port| port.to_string());
    let child = Command::new("nats-server")
        .args(["-a", "127.0.0.1", "-p", &port, "-c"])
        .arg(folder.path().join("server.conf"))
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match child {
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        child => child.expect("the program starts"),
    };
    let mut log = BufReader::new(child.stderr.take().expect("it is piped")).lines();
    let mut port = None;
    let mut said = Vec::new();
    for line in log.by_ref().map_while(Result::ok) {
        if let Some((_, address)) = line.split_once("client connections on ") {
            port = address
                .rsplit(':')
                .next()
                .and_then(|port| port.parse().ok());
        }
        if line.contains("Server is ready") {
            thread::spawn(move || log.for_each(drop));
            return Some((child, port.expect("it has said where it listens")));
        }
        said.push(line);
    }
    child.wait().expect("it has ended");
    eprintln!("nats-server has ended: {said:#?}");
    None
}

/// Waits for what comes soon. Fails if it does not.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    let value = tokio::time::timeout(DEADLINE, future).await;
    value.unwrap_or_else(|_| panic!("it has not come to that within {DEADLINE:?}"))
}

pub(crate) fn frame(subject: impl AsRef<str>, body: impl Into<String>) -> Frame {
    Frame::new(subject.as_ref(), body.into())
}

/// Subscribes, so that it is in force.
pub(crate) async fn subscribe(sender: &mut NatsSender, subject: &str) {
    sender
        .subscribe(subject, None)
        .await
        .expect("it is a good one");
    soon(sender.round_trip())
        .await
        .expect("the server is there");
}

/// Returns the next event.
pub(crate) async fn event(receiver: &mut NatsReceiver) -> EngineEvent {
    soon(receiver.next()).await.expect("it is not closed")
}

/// Returns the body of the next event, which is a frame.
pub(crate) async fn body(receiver: &mut NatsReceiver) -> String {
    match event(receiver).await {
        EngineEvent::Frame(frame) => {
            String::from_utf8(frame.body().to_vec()).expect("it is a text")
        }
        other => panic!("no frame: {other:?}"),
    }
}
