//! The envelopes that are published: a fresh one for every publish, the same for every contestant.

use std::mem;

use oxide_bus::kernel::{Command, Event, Message};
use oxide_bus::{Envelope, Source};
use serde_json::{Value, json};

/// What the envelopes of a row carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Payload {
    /// A command without data.
    Ping,
    /// A custom event with about 200 bytes of JSON.
    Json,
    /// A command to each of this many modules in turn.
    ToModule(usize),
}

impl Payload {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Payload::Ping => "ping",
            Payload::Json => "json",
            Payload::ToModule(_) => "to one module",
        }
    }
}

/// Returns the id of a module that a command of [`Payload::ToModule`] is for.
pub(crate) fn module_id(index: usize) -> String {
    format!("module-{index}")
}

/// A supply of envelopes.
///
/// [`prepare`](Envelopes::prepare) makes messages that own memory before the clock starts: filling in a JSON document
/// is the user's work, not the bus's. The envelope around a message is made when it is published, because its id and
/// its time are part of publishing.
#[derive(Debug)]
pub(crate) struct Envelopes {
    source: Source,
    payload: Payload,
    messages: Vec<Message>,
    whole: Vec<Envelope>,
    modules_done: usize,
}

impl Envelopes {
    pub(crate) fn new(payload: Payload) -> Self {
        Envelopes {
            source: Source::from("thermometer"),
            payload,
            messages: Vec::new(),
            whole: Vec::new(),
            modules_done: 0,
        }
    }

    /// Makes the messages of the next `count` envelopes.
    pub(crate) fn prepare(&mut self, count: usize) {
        let payload = self.payload;
        self.messages.clear();
        match payload {
            Payload::Ping => {}
            Payload::Json => {
                let reading = Message::Event(reading());
                self.messages.resize(count, reading);
            }
            Payload::ToModule(modules) => {
                let stop = |index| Command::Stop {
                    module_id: module_id(index % modules),
                };
                let indices = (self.modules_done..).map(|number| number * 617).take(count);
                (self.messages).extend(indices.map(stop).map(Message::Command));
                self.modules_done += count;
            }
        }
    }

    /// Makes the next `count` envelopes whole, for contestants that publish a batch.
    pub(crate) fn prepare_whole(&mut self, count: usize) {
        self.prepare(count);
        let made = (0..count).map(|_| self.make()).collect();
        self.whole = made;
    }

    /// Yields the next `count` envelopes.
    pub(crate) fn take(&mut self, count: usize) -> impl Iterator<Item = Envelope> {
        (0..count).map(|_| match self.whole.pop() {
            Some(envelope) => envelope,
            None => self.make(),
        })
    }

    /// Returns all whole envelopes, for contestants that publish a batch as one.
    pub(crate) fn take_whole(&mut self) -> Vec<Envelope> {
        mem::take(&mut self.whole)
    }

    /// Yields the next `count` messages, for contestants that put them into envelopes themselves.
    pub(crate) fn take_messages(&mut self, count: usize) -> impl Iterator<Item = Message> {
        (0..count).map(|_| self.message())
    }

    fn make(&mut self) -> Envelope {
        let message = self.message();
        Envelope::new(&self.source, message)
    }

    fn message(&mut self) -> Message {
        match self.payload {
            Payload::Ping => Message::Command(Command::Ping),
            Payload::Json | Payload::ToModule(_) => self.messages.pop().expect("prepared"),
        }
    }
}

fn reading() -> Event {
    Event::Custom {
        module_id: "thermometer".into(),
        kind: "reading".into(),
        payload: document(),
    }
}

/// Returns 201 bytes of JSON.
fn document() -> Value {
    json!({
        "sensor": "attic-north-2",
        "celsius": 21.5,
        "humidity": 0.43,
        "battery": { "volts": 3.71, "charging": false },
        "samples": [21.4, 21.5, 21.5, 21.6],
        "labels": ["attic", "north", "calibrated"],
        "note": "within the expected range",
    })
}
