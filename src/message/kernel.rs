//! The messages of a modular kernel: commands and events.
//!
//! They keep the vocabulary of the `oxide-k` micro-kernel, so that its users find what they know. A program with its
//! own message type does not need them.

use serde_json::Value;

use crate::message::subject::{Payload, Subject};

/// The payload of a [`MessageBus`](crate::kernel::MessageBus): a command or an event.
///
/// A program with its own message type uses [`Bus<M>`](crate::Bus) instead and never needs this one.
///
/// # Examples
///
/// ```
/// use oxide_bus::kernel::{Command, Message};
/// use oxide_bus::Payload;
///
/// let message = Message::from(Command::Start { module_id: "echo".into() });
/// assert_eq!(message.subject().to_string(), "command.start.echo");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// A command sent to a module.
    Command(Command),
    /// An event emitted by a module.
    Event(Event),
}

/// An instruction to a module, or to the kernel, to do something.
///
/// # Examples
///
/// ```
/// use oxide_bus::kernel::Command;
///
/// let invoke = Command::Invoke {
///     module_id: "browser".into(),
///     method: "navigate".into(),
///     payload: serde_json::json!({ "url": "https://example.org" }),
/// };
/// assert_ne!(invoke, Command::Ping);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Start a module.
    Start {
        /// The module to start.
        module_id: String,
    },
    /// Stop a module.
    Stop {
        /// The module to stop.
        module_id: String,
    },
    /// Invoke a method of a module.
    Invoke {
        /// The module that has the method.
        module_id: String,
        /// The method's name.
        method: String,
        /// The method's arguments.
        payload: Value,
    },
    /// Ask every subscriber whether it is alive.
    Ping,
}

/// A report that something has happened.
///
/// # Examples
///
/// ```
/// use oxide_bus::kernel::Event;
///
/// let event = Event::Custom {
///     module_id: "thermometer".into(),
///     kind: "reading".into(),
///     payload: serde_json::json!({ "celsius": 21.5 }),
/// };
/// assert_ne!(event, Event::Pong { from: "thermometer".into() });
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A module has started.
    ModuleStarted {
        /// The module that started.
        module_id: String,
    },
    /// A module has stopped.
    ModuleStopped {
        /// The module that stopped.
        module_id: String,
    },
    /// Any other report of a module.
    Custom {
        /// The module that reports it.
        module_id: String,
        /// What kind of event it is; free-form.
        kind: String,
        /// The event's data.
        payload: Value,
    },
    /// The answer to a [`Command::Ping`].
    Pong {
        /// The module that answers.
        from: String,
    },
}

impl From<Command> for Message {
    fn from(command: Command) -> Self {
        Message::Command(command)
    }
}

impl From<Event> for Message {
    fn from(event: Event) -> Self {
        Message::Event(event)
    }
}

impl Payload for Message {
    /// Returns `command.start.<module>`, `command.stop.<module>`, `command.invoke.<module>.<method>`,
    /// `command.ping`, `event.started.<module>`, `event.stopped.<module>`,
    /// `event.custom.<module>.<kind>` or `event.pong.<from>`.
    fn subject(&self) -> Subject<'_> {
        match self {
            Message::Command(command) => match command {
                Command::Start { module_id } => Subject::new(["command", "start", module_id]),
                Command::Stop { module_id } => Subject::new(["command", "stop", module_id]),
                Command::Invoke {
                    module_id, method, ..
                } => Subject::new(["command", "invoke", module_id, method]),
                Command::Ping => Subject::new(["command", "ping"]),
            },
            Message::Event(event) => match event {
                Event::ModuleStarted { module_id } => Subject::new(["event", "started", module_id]),
                Event::ModuleStopped { module_id } => Subject::new(["event", "stopped", module_id]),
                Event::Custom {
                    module_id, kind, ..
                } => Subject::new(["event", "custom", module_id, kind]),
                Event::Pong { from } => Subject::new(["event", "pong", from]),
            },
        }
    }
}
