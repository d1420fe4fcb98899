//! Runs a script of operations on a bus and on the model side by side, and compares every result.

use std::sync::Arc;
use std::time::{Duration, Instant};

use oxide_bus::{
    Bus, BusBuilder, Delivery, Envelope, Overflow, Pattern, Payload, PublishError, Publisher,
    Receipt, RecvError, RecvTimeoutError, SetPatternsError, Subject, SubscribeError,
    SubscribeOptions, Subscription, TryRecvError,
};

use super::model::{Key, Model, NotSet, NotSubscribed, Policy, Published, Received, Terms, Token};

pub(crate) type Tokens = &'static [&'static str];

/// One operation. Indices wrap around the list of what exists. Where nothing exists, nothing happens.
#[derive(Debug, Clone)]
pub(crate) enum Operation {
    Subscribe(Terms),
    Unsubscribe(usize),
    /// Through the subscription.
    EndSubscription(usize),
    /// Through its id.
    EndById(usize),
    SetPatterns(usize, Vec<Vec<Token>>),
    /// A pattern, and the most envelopes to keep.
    Retain(Vec<Token>, usize),
    Forget(Vec<Token>),
    Publish {
        source: &'static str,
        subject: Tokens,
        under: Option<&'static str>,
    },
    TryPublish {
        source: &'static str,
        subject: Tokens,
    },
    Receive {
        subscription: usize,
        how: How,
    },
    Grant(&'static str),
    Revoke(&'static str),
    NewPublisher {
        source: &'static str,
        capability: &'static str,
    },
    /// Publishes through a publisher.
    Speak {
        publisher: usize,
        subject: Tokens,
    },
    DropPublisher(usize),
    CloneBus,
    DropBus,
    Close,
}

/// The ways to receive. A way that waits is replaced by `Try` where it would wait.
#[derive(Debug, Clone, Copy)]
pub(crate) enum How {
    Try,
    Wait,
    Lend,
    Timeout(Duration),
    PastDeadline,
    Iterate,
    TryIterate,
}

pub(crate) struct Numbered {
    number: u64,
    subject: Tokens,
    /// Counts the payloads that are alive.
    _alive: Arc<()>,
}

impl Payload for Numbered {
    fn subject(&self) -> Subject<'_> {
        Subject::new(self.subject.iter().copied())
    }
}

/// Panics where bus and model disagree.
pub(crate) fn run(bus: BusBuilder<Numbered>, operations: &[Operation]) {
    let mut both = Both::new(bus.build());
    let alive = Arc::clone(&both.alive);
    for operation in operations {
        both.perform(operation);
        both.compare_all();
    }
    both.finish();
    assert_eq!(Arc::strong_count(&alive), 1, "some payload is not freed");
}

struct Both {
    model: Model,
    buses: Vec<Bus<Numbered>>,
    publishers: Vec<Publisher<Numbered>>,
    subscriptions: Vec<(Key, Subscription<Numbered>)>,
    published: u64,
    alive: Arc<()>,
}

impl Both {
    fn new(bus: Bus<Numbered>) -> Self {
        Both {
            model: Model::default(),
            buses: vec![bus],
            publishers: Vec::new(),
            subscriptions: Vec::new(),
            published: 0,
            alive: Arc::default(),
        }
    }

    fn perform(&mut self, operation: &Operation) {
        match operation {
            Operation::Subscribe(terms) => self.subscribe(terms),
            Operation::Unsubscribe(index) => {
                if let Some(index) = around(*index, &self.subscriptions) {
                    let (key, subscription) = self.subscriptions.swap_remove(index);
                    drop(subscription);
                    self.model.unsubscribe(key);
                }
            }
            Operation::EndSubscription(index) => {
                if let Some(index) = around(*index, &self.subscriptions) {
                    let (key, subscription) = &self.subscriptions[index];
                    subscription.close();
                    self.model.end_subscription(*key);
                }
            }
            Operation::EndById(index) => {
                if let (Some(index), Some(bus)) =
                    (around(*index, &self.subscriptions), self.buses.first())
                {
                    let (key, subscription) = &self.subscriptions[index];
                    // `unsubscribe` does not find a subscription that has ended: a member of an evicted group does not
                    // leave by it.
                    let was_subscribed = bus.unsubscribe(subscription.id());
                    let expected = !self.model.has_ended(*key) && self.model.end_subscription(*key);
                    assert_eq!(was_subscribed, expected);
                }
            }
            Operation::SetPatterns(index, patterns) => {
                if let Some(index) = around(*index, &self.subscriptions) {
                    let (key, subscription) = &self.subscriptions[index];
                    let outcome = subscription.set_patterns(patterns.iter().map(|it| pattern(it)));
                    let expected = self.model.set_patterns(*key, patterns.clone());
                    assert_eq!(outcome.map_err(NotSet::from), expected);
                }
            }
            Operation::Retain(pattern, count) => {
                if let Some(bus) = self.buses.first() {
                    let outcome = bus.retain(self::pattern(pattern), *count);
                    assert_eq!(outcome.is_ok(), self.model.retain(pattern, *count));
                }
            }
            Operation::Forget(pattern) => {
                if let Some(bus) = self.buses.first() {
                    let outcome = bus.retain(self::pattern(pattern), 0);
                    assert_eq!(outcome.is_ok(), self.model.forget(pattern));
                }
            }
            Operation::Publish {
                source,
                subject,
                under,
            } => self.publish(source, subject, *under),
            Operation::TryPublish { source, subject } => self.try_publish(source, subject),
            Operation::Receive { subscription, how } => {
                if let Some(index) = around(*subscription, &self.subscriptions) {
                    self.receive(index, *how);
                }
            }
            Operation::Grant(capability) => {
                if let Some(bus) = self.buses.first() {
                    bus.grant(*capability).unwrap();
                    self.model.grant(capability);
                }
            }
            Operation::Revoke(capability) => {
                if let Some(bus) = self.buses.first() {
                    bus.revoke(*capability);
                    self.model.revoke(capability);
                }
            }
            Operation::NewPublisher { source, capability } => {
                if let Some(bus) = self.buses.first() {
                    self.publishers.push(bus.publisher(*source, *capability));
                }
            }
            Operation::Speak { publisher, subject } => {
                if let Some(index) = around(*publisher, &self.publishers) {
                    self.speak(index, subject);
                }
            }
            Operation::DropPublisher(index) => {
                if let Some(index) = around(*index, &self.publishers) {
                    self.publishers.swap_remove(index);
                    self.close_without_handles();
                }
            }
            Operation::CloneBus => self.buses.extend(self.buses.first().cloned()),
            Operation::DropBus => {
                self.buses.pop();
                self.close_without_handles();
            }
            Operation::Close => {
                if let Some(bus) = self.buses.first() {
                    bus.close();
                    self.model.close();
                }
            }
        }
    }

    fn subscribe(&mut self, terms: &Terms) {
        let Some(bus) = self.buses.first() else {
            return;
        };
        match (
            bus.subscribe_with(options(terms)),
            self.model.subscribe(terms.clone()),
        ) {
            (Ok(subscription), Ok(key)) => self.subscriptions.push((key, subscription)),
            (Err(SubscribeError::Closed), Err(NotSubscribed::Closed))
            | (Err(SubscribeError::GroupMismatch { .. }), Err(NotSubscribed::OtherTerms)) => {}
            (bus, model) => panic!("subscribed: bus {bus:?}, model {model:?}"),
        }
    }

    fn publish(&mut self, source: &'static str, subject: Tokens, under: Option<&'static str>) {
        let message = self.message(subject);
        let Some(bus) = self.buses.last() else { return };
        let number = self.published;
        let outcome = match under {
            None => {
                let envelope = Envelope::new(source, message);
                let id = envelope.id;
                let outcome = bus.publish(envelope);
                if let Ok(receipt) = &outcome {
                    assert_eq!(receipt.id(), id);
                }
                outcome
            }
            Some(capability) => bus.publisher(source, capability).publish(message),
        };
        let expected = self.model.publish(number, source, subject, under);
        assert_eq!(published(outcome, number, source), expected);
    }

    fn try_publish(&mut self, source: &'static str, subject: Tokens) {
        let message = self.message(subject);
        let Some(bus) = self.buses.last() else { return };
        let outcome = bus.try_publish(Envelope::new(source, message));
        let expected = self.model.try_publish(self.published, source, subject);
        assert_eq!(published(outcome, self.published, source), expected);
    }

    fn speak(&mut self, index: usize, subject: Tokens) {
        let message = self.message(subject);
        let (number, publisher) = (self.published, &self.publishers[index]);
        let source = publisher.source().as_str();
        let capability = publisher.capability().expect("it is not a trusted one");
        let outcome = publisher.publish(message);
        let expected = (self.model).publish(number, source, subject, Some(capability.as_str()));
        assert_eq!(published(outcome, number, source), expected);
    }

    fn message(&mut self, subject: Tokens) -> Numbered {
        self.published += 1;
        Numbered {
            number: self.published,
            subject,
            _alive: Arc::clone(&self.alive),
        }
    }

    fn receive(&mut self, index: usize, how: How) {
        let (key, subscription) = &mut self.subscriptions[index];
        let how = match how {
            How::Wait | How::Lend | How::Iterate if self.model.would_wait(*key) => How::Try,
            how => how,
        };
        let end = self.model.end(*key);
        let received = receive(subscription, how, end);
        (self.model).observe(*key, Some(&received), subscription.dropped());
        assert_eq!(received, self.model.receive(*key), "by {how:?}");
    }

    /// Drops the last handle, which closes the bus.
    fn close_without_handles(&mut self) {
        if self.buses.is_empty() && self.publishers.is_empty() {
            self.model.close();
        }
    }

    fn compare_all(&mut self) {
        for (key, subscription) in &self.subscriptions {
            (self.model).observe(*key, None, subscription.dropped());
            let len = self.model.len(*key);
            assert_eq!(subscription.len(), len);
            assert_eq!(subscription.is_empty(), len == 0);
            assert_eq!(subscription.is_closed(), self.model.has_ended(*key));
            if !self.model.has_left(*key) {
                assert_eq!(subscription.dropped(), self.model.dropped(*key));
            }
        }
        for bus in &self.buses {
            assert_eq!(bus.subscriber_count(), self.model.subscriber_count());
            assert_eq!(bus.is_closed(), self.model.is_closed());
        }
        for publisher in &self.publishers {
            let capability = publisher.capability().expect("none is trusted");
            let granted = self.model.is_granted(capability.as_str());
            assert_eq!(publisher.is_granted(), granted);
            for bus in &self.buses {
                assert_eq!(bus.is_granted(capability), granted);
            }
        }
    }

    /// Drops all handles, and receives what is left up to the end.
    fn finish(mut self) {
        self.buses.clear();
        self.publishers.clear();
        self.model.close();
        for (key, mut subscription) in self.subscriptions {
            loop {
                let end = self.model.end(key);
                let received = receive(&mut subscription, How::Wait, end);
                (self.model).observe(key, Some(&received), subscription.dropped());
                assert_eq!(received, self.model.receive(key));
                if received == end {
                    break;
                }
            }
        }
    }
}

fn around<T>(index: usize, list: &[T]) -> Option<usize> {
    index.checked_rem(list.len())
}

fn options(terms: &Terms) -> SubscribeOptions<Numbered> {
    let options = SubscribeOptions::new()
        .capacity(terms.capacity)
        .overflow(match terms.policy {
            Policy::DropNewest => Overflow::DropNewest,
            Policy::DropOldest => Overflow::DropOldest,
            Policy::Evict => Overflow::Evict,
            Policy::Block => Overflow::BlockFor(Duration::ZERO),
        });
    let options = (terms.filter.patterns.iter()).fold(options, |options, pattern| {
        options.pattern(self::pattern(pattern))
    });
    let options =
        (terms.filter.sources.iter()).fold(options, |options, &source| options.source(source));
    let options = if terms.filter.even {
        options.predicate(|envelope: &Envelope<Numbered>| envelope.message.number.is_multiple_of(2))
    } else {
        options
    };
    match terms.group {
        Some(name) => options.group(name),
        None => options,
    }
}

fn pattern(tokens: &[Token]) -> Pattern {
    text(tokens).parse().expect("it is a pattern")
}

impl From<SetPatternsError> for NotSet {
    fn from(error: SetPatternsError) -> Self {
        match error {
            SetPatternsError::Unfiltered => NotSet::Unfiltered,
            SetPatternsError::Grouped => NotSet::Grouped,
            SetPatternsError::Ended => NotSet::Ended,
            other => panic!("{other}"),
        }
    }
}

fn text(pattern: &[Token]) -> String {
    let tokens: Vec<_> = (pattern.iter())
        .map(|token| match token {
            Token::Literal(literal) => Subject::new([*literal]).to_string(),
            Token::AnyOne => "*".to_owned(),
            Token::Rest => ">".to_owned(),
        })
        .collect();
    tokens.join(".")
}

fn published(
    outcome: Result<Receipt, PublishError<Numbered>>,
    number: u64,
    source: &str,
) -> Published {
    match outcome {
        Ok(receipt) => {
            let (delivered, dropped) = (receipt.delivered(), receipt.dropped());
            assert_eq!(receipt.matched(), delivered + dropped);
            Published::To { delivered, dropped }
        }
        Err(error) => {
            let refused = if error.is_closed() {
                Published::Closed
            } else if error.is_full() {
                Published::Full
            } else {
                Published::Denied
            };
            let envelope = error.into_envelope();
            assert_eq!(envelope.message.number, number, "another was handed back");
            assert_eq!(envelope.source, source);
            refused
        }
    }
}

/// Receives in one of the ways. `end` says what the end of an iterator means.
fn receive(subscription: &mut Subscription<Numbered>, how: How, end: Received) -> Received {
    match how {
        How::Try => received(subscription.try_recv()),
        How::Wait => received(subscription.recv()),
        How::Lend => match subscription.recv_ref() {
            Ok(envelope) => Received::Envelope(envelope.message.number),
            Err(error) => error.into(),
        },
        How::Timeout(timeout) => received(subscription.recv_timeout(timeout)),
        How::PastDeadline => {
            let now = Instant::now();
            let past = now.checked_sub(Duration::from_millis(1)).unwrap_or(now);
            received(subscription.recv_deadline(past))
        }
        How::Iterate => item(subscription.iter().next(), end),
        How::TryIterate => item(subscription.try_iter().next(), end),
    }
}

fn received<E: Into<Received>>(result: Result<Delivery<Numbered>, E>) -> Received {
    match result {
        Ok(delivery) => Received::Envelope(delivery.message.number),
        Err(error) => error.into(),
    }
}

fn item(item: Option<Result<Delivery<Numbered>, RecvError>>, end: Received) -> Received {
    match item {
        Some(result) => received(result),
        None => end,
    }
}

impl From<RecvError> for Received {
    fn from(error: RecvError) -> Self {
        match error {
            RecvError::Lagged { missed } => Received::Lagged(missed),
            RecvError::Disconnected => Received::Disconnected,
            RecvError::Evicted => Received::Evicted,
        }
    }
}

impl From<TryRecvError> for Received {
    fn from(error: TryRecvError) -> Self {
        match error {
            TryRecvError::Lagged { missed } => Received::Lagged(missed),
            TryRecvError::Empty => Received::Empty,
            TryRecvError::Disconnected => Received::Disconnected,
            TryRecvError::Evicted => Received::Evicted,
        }
    }
}

impl From<RecvTimeoutError> for Received {
    fn from(error: RecvTimeoutError) -> Self {
        match error {
            RecvTimeoutError::Lagged { missed } => Received::Lagged(missed),
            RecvTimeoutError::Timeout => Received::Empty,
            RecvTimeoutError::Disconnected => Received::Disconnected,
            RecvTimeoutError::Evicted => Received::Evicted,
        }
    }
}
