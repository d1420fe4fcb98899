//! Subscribers that listen to some envelopes only, and a fan-out that asks the same question before it sends.

use oxide_bus::kernel::{Command, Message};
use oxide_bus::{Envelope, SubscribeOptions};

use super::channel::{self, Channel, receive_up_to};
use super::crossbeam::Crossbeam;
use super::{Burst, CAPACITY, Entrant, Role, Shared, entrant, oxide};
use crate::run::envelopes::{Envelopes, module_id};

/// What decides whether a subscriber gets an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    Pattern,
    Source,
    Predicate,
    /// Nothing: each subscriber is a group of one.
    Group,
}

/// Makes this many subscribers that take pings, and this many others that take something else.
pub(crate) fn filtered(
    question: Question,
    matching: usize,
    others: usize,
) -> Vec<Entrant<Box<dyn Burst>>> {
    let indices = || (0..matching).map(|_| None).chain((0..others).map(Some));
    let options = || indices().map(|index| question.options(index));
    let mut entrants = oxide::both_ways(options);
    let fan_out = FanOut::new(indices().map(|index| question.ask(index)).collect());
    entrants.push(entrant("crossbeam fan-out, asking", Role::Peer, fan_out));
    if matching == 1 {
        let alone = channel::OneThread::<Crossbeam>::new();
        entrants.push(entrant("crossbeam, that one channel", Role::Peer, alone));
    }
    entrants
}

fn is_ping(envelope: &Envelope) -> bool {
    matches!(envelope.message, Message::Command(Command::Ping))
}

impl Question {
    /// Returns the options of a subscriber that takes pings, or of the other subscriber with this index.
    fn options(self, other: Option<usize>) -> SubscribeOptions {
        let options = SubscribeOptions::new().capacity(CAPACITY);
        match (self, other.map(module_id)) {
            (Question::Pattern, None) => options.pattern("command.ping"),
            (Question::Pattern, Some(id)) => options.pattern(format!("command.*.{id}")),
            (Question::Source, id) => options.source(id.unwrap_or_else(|| "thermometer".into())),
            (Question::Predicate, None) => options.predicate(is_ping),
            (Question::Predicate, Some(_)) => options.predicate(|envelope| !is_ping(envelope)),
            (Question::Group, _) => options.group(fastrand::u64(..).to_string()),
        }
    }

    /// Returns the same question as a function.
    fn ask(self, other: Option<usize>) -> Ask {
        match (self, other.map(module_id)) {
            (Question::Pattern | Question::Predicate, None) => Box::new(is_ping),
            (Question::Pattern, Some(own_id)) => Box::new(move |envelope| {
                matches!(
                    &envelope.message,
                    Message::Command(Command::Stop { module_id }) if *module_id == own_id
                )
            }),
            (Question::Source, id) => {
                let source = id.unwrap_or_else(|| "thermometer".into());
                Box::new(move |envelope| envelope.source.as_str() == source)
            }
            (Question::Predicate, Some(_)) => Box::new(|envelope| !is_ping(envelope)),
            (Question::Group, _) => Box::new(|_| true),
        }
    }
}

type Ask = Box<dyn Fn(&Envelope) -> bool>;
type Sender = <Crossbeam as Channel<Shared>>::Sender;
type Receiver = <Crossbeam as Channel<Shared>>::Receiver;

struct FanOut {
    senders: Vec<(Ask, Sender)>,
    receivers: Vec<Receiver>,
}

impl FanOut {
    fn new(asks: Vec<Ask>) -> Self {
        let channel = |ask| {
            let (sender, receiver) = Crossbeam::bounded(CAPACITY);
            ((ask, sender), receiver)
        };
        let (senders, receivers) = asks.into_iter().map(channel).unzip();
        FanOut { senders, receivers }
    }
}

impl Burst for FanOut {
    fn publish(&mut self, envelopes: &mut Envelopes, count: usize) {
        for envelope in envelopes.take(count) {
            let envelope = Shared::new(envelope);
            for (ask, sender) in &self.senders {
                if ask(&envelope) {
                    Crossbeam::try_send(sender, Shared::clone(&envelope));
                }
            }
        }
    }

    fn receive(&mut self, subscriber: usize, at_most: usize) -> usize {
        let receiver = &mut self.receivers[subscriber];
        receive_up_to(at_most, || Crossbeam::try_receive(receiver))
    }
}
