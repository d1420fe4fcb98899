//! Envelopes as JSON, and publishes that are written to a file, beside what a user would derive and build.

use std::fs::File;
use std::hint::black_box;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::thread::{self, JoinHandle};

use chrono::{DateTime, Utc};
use crossbeam_channel::{Receiver, Sender, bounded};
use oxide_bus::audit::{AuditLog, Options};
use oxide_bus::codec::Codec;
use oxide_bus::kernel::{Command, Event, Message};
use oxide_bus::{Envelope, MessageBus};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{Entrant, Role, entrant_with};
use crate::run::envelopes::Envelopes;

const DERIVED: &str = "serde_json, derived";

/// An envelope that is written and read.
pub(crate) trait Json {
    fn encode(&self) -> String;
    fn decode(&self, json: &str);
    /// Returns whether reading gives what was written.
    fn reads_back(&self, json: &str) -> bool;
}

pub(crate) fn json(envelope: &Envelope) -> Vec<Entrant<Box<dyn Json>>> {
    let ours = Ours {
        codec: Codec::new(),
        envelope: envelope.clone(),
    };
    let derived = Derived::from(envelope.clone());
    vec![
        entrant_with("oxide-bus", Role::Ours, Box::new(ours) as Box<dyn Json>),
        entrant_with(DERIVED, Role::Peer, Box::new(derived)),
    ]
}

struct Ours {
    codec: Codec,
    envelope: Envelope,
}

impl Json for Ours {
    fn encode(&self) -> String {
        self.codec
            .encode(&self.envelope)
            .expect("it can be written")
    }

    fn decode(&self, json: &str) {
        black_box::<Envelope>(self.codec.decode(json).expect("it was written"));
    }

    fn reads_back(&self, json: &str) -> bool {
        self.codec
            .decode(json)
            .is_ok_and(|read: Envelope| read == self.envelope)
    }
}

/// An envelope of the same shape, with derived serialization.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Derived {
    id: Uuid,
    source: String,
    correlation_id: Option<Uuid>,
    timestamp: DateTime<Utc>,
    message: DerivedMessage,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum DerivedMessage {
    Command(DerivedCommand),
    Event(DerivedEvent),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum DerivedCommand {
    Ping,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum DerivedEvent {
    Custom {
        module_id: String,
        #[serde(rename = "custom_kind")]
        kind: String,
        payload: Value,
    },
}

impl From<Envelope> for Derived {
    fn from(envelope: Envelope) -> Self {
        let message = match envelope.message {
            Message::Command(Command::Ping) => DerivedMessage::Command(DerivedCommand::Ping),
            Message::Event(Event::Custom {
                module_id,
                kind,
                payload,
            }) => DerivedMessage::Event(DerivedEvent::Custom {
                module_id,
                kind,
                payload,
            }),
            other => unreachable!("nobody publishes {other:?}"),
        };
        Derived {
            id: envelope.id,
            source: envelope.source.as_str().to_owned(),
            correlation_id: envelope.correlation_id,
            timestamp: envelope.timestamp,
            message,
        }
    }
}

impl Json for Derived {
    fn encode(&self) -> String {
        serde_json::to_string(self).expect("it can be written")
    }

    fn decode(&self, json: &str) {
        black_box::<Derived>(serde_json::from_str(json).expect("it was written"));
    }

    fn reads_back(&self, json: &str) -> bool {
        serde_json::from_str(json).is_ok_and(|read: Derived| read == *self)
    }
}

/// A bus that writes each publish to a file, as a line.
pub(crate) trait Audited {
    fn publish(&mut self, envelopes: &mut Envelopes, count: usize);
    /// Waits until all that was published is written, though perhaps not yet on disk.
    fn flush(&mut self);
}

/// How many envelopes may wait to be written.
pub(crate) const AUDIT_CAPACITY: usize = 1_024;

/// Makes the contestants. Each writes to a file of its own name in this folder.
pub(crate) fn audited(folder: &Path) -> Vec<Entrant<Box<dyn Audited>>> {
    const WRITER: &str = "crossbeam and a thread that writes lines";
    let options = || Options::new().capacity(AUDIT_CAPACITY).sync(false);
    let ours = |name, options| {
        let logged = Logged::start(&folder.join(name), options);
        entrant_with(name, Role::Ours, Box::new(logged) as Box<dyn Audited>)
    };
    let writer = Writer::start(&folder.join(WRITER));
    vec![
        ours("oxide-bus", options()),
        #[cfg(feature = "hash-chain")]
        ours("oxide-bus, hash chain", options().hash_chain(true)),
        entrant_with(WRITER, Role::Peer, Box::new(writer)),
    ]
}

struct Logged {
    bus: MessageBus,
    log: AuditLog,
}

impl Logged {
    fn start(path: &Path, options: Options) -> Self {
        let bus = MessageBus::new();
        let log = AuditLog::start(&bus, path, options).expect("a new file");
        Logged { bus, log }
    }
}

impl Audited for Logged {
    fn publish(&mut self, envelopes: &mut Envelopes, count: usize) {
        for envelope in envelopes.take(count) {
            self.bus.publish(envelope).expect("open");
        }
    }

    fn flush(&mut self) {
        self.log.flush().expect("it writes");
    }
}

enum ToWrite {
    Envelope(Envelope),
    Flush(Sender<()>),
}

struct Writer {
    sender: Option<Sender<ToWrite>>,
    thread: Option<JoinHandle<()>>,
}

/// A line of the same shape as ours.
#[derive(Serialize)]
struct Line {
    record: u64,
    sequence: u64,
    envelope: Derived,
}

impl Writer {
    fn start(path: &Path) -> Self {
        let (sender, receiver) = bounded(AUDIT_CAPACITY);
        let file = BufWriter::new(File::create(path).expect("a new file"));
        Writer {
            sender: Some(sender),
            thread: Some(thread::spawn(move || write_lines(file, &receiver))),
        }
    }

    fn send(&self, item: ToWrite) {
        let sender = self.sender.as_ref().expect("not dropped");
        assert!(sender.send(item).is_ok(), "the thread writes");
    }
}

fn write_lines(mut file: BufWriter<File>, receiver: &Receiver<ToWrite>) {
    let mut record = 0;
    for item in receiver {
        match item {
            ToWrite::Envelope(envelope) => {
                let line = Line {
                    record,
                    sequence: record,
                    envelope: envelope.into(),
                };
                serde_json::to_writer(&mut file, &line).expect("there is room");
                file.write_all(b"\n").expect("there is room");
                record += 1;
            }
            ToWrite::Flush(done) => {
                file.flush().expect("there is room");
                done.send(()).expect("somebody waits");
            }
        }
    }
}

impl Audited for Writer {
    fn publish(&mut self, envelopes: &mut Envelopes, count: usize) {
        for envelope in envelopes.take(count) {
            self.send(ToWrite::Envelope(envelope));
        }
    }

    fn flush(&mut self) {
        let (done, is_done) = bounded(1);
        self.send(ToWrite::Flush(done));
        is_done.recv().expect("the thread writes");
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.sender = None;
        let thread = self.thread.take().expect("not dropped");
        thread.join().expect("it has written all");
    }
}
