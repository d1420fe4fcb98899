//! Requests and their answers.

use oxide_bus::{Envelope, MessageBus, SubscribeOptions, Subscription};

use super::channel::{Channel, Named};
use super::crossbeam::Crossbeam;
use super::crossfire::Crossfire;
use super::flume::Flume;
use super::kanal::Kanal;
use super::{CAPACITY, Conversation, Entrant, Role, channel, entrant_with, read};

type Make = fn() -> Conversation;

/// Between two threads.
pub(crate) fn between_threads() -> Vec<Entrant<Make>> {
    fn pair<C: Named + Channel<Envelope>>() -> Entrant<Make> {
        entrant_with(C::NAME, Role::Peer, || {
            let way = channel::between_threads::<C>;
            Conversation::between(way(), way())
        })
    }
    vec![
        entrant_with("oxide-bus", Role::Ours, || {
            ours(|questions, answer| answer(&questions.recv().expect("asked")))
        }),
        entrant_with("oxide-bus recv_ref", Role::Ours, || {
            ours(|questions, answer| answer(questions.recv_ref().expect("asked")))
        }),
        pair::<Crossbeam>(),
        pair::<Crossfire>(),
        pair::<Flume>(),
        pair::<Kanal>(),
        entrant_with("crossbeam, a channel for each answer", Role::Peer, one_each),
    ]
}

/// The source of all questions.
const CLIENT: &str = "client";

fn questions() -> SubscribeOptions {
    SubscribeOptions::new().capacity(CAPACITY).source(CLIENT)
}

/// Receives a question, and answers it.
type Receive = fn(&mut Subscription, &mut dyn FnMut(&Envelope));

fn ours(receive: Receive) -> Conversation {
    let bus = MessageBus::new();
    let client = oxide_bus::Source::from(CLIENT);
    let server = bus.trusted_publisher("server");
    let mut questions = bus.subscribe_with(questions()).expect("open");
    Conversation::new(
        move |envelopes| {
            for message in envelopes.take_messages(1) {
                read(&bus.request(&client, message).expect("an answer"));
            }
        },
        move |envelopes| {
            receive(&mut questions, &mut |question| {
                read(question);
                for message in envelopes.take_messages(1) {
                    server.reply(question, message).expect("open");
                }
            });
        },
    )
}

/// Makes a conversation in which each question carries a channel of its own, so that several threads may ask.
fn one_each() -> Conversation {
    let (sender, mut receiver) = Crossbeam::bounded(CAPACITY);
    Conversation::new(
        move |envelopes| {
            for envelope in envelopes.take(1) {
                let (answer, mut answers) = Crossbeam::bounded(1);
                Crossbeam::send(&sender, (envelope, answer));
                read(&Crossbeam::receive(&mut answers).expect("an answer"));
            }
        },
        move |envelopes| {
            let (question, answer) = Crossbeam::receive(&mut receiver).expect("asked");
            read(&question);
            for envelope in envelopes.take(1) {
                Crossbeam::send(&answer, envelope);
            }
        },
    )
}

/// Between two tasks.
#[cfg(feature = "tokio")]
pub(crate) mod tasks {
    use oxide_bus::kernel::{AsyncMessageBus, Message};
    use oxide_bus::{AsyncPublisher, AsyncSubscription, Envelope, MessageBus, Source};
    use tokio::sync::{mpsc, oneshot};

    use super::{CLIENT, questions};
    use crate::run::contestants::{CAPACITY, Role, read};
    use crate::run::envelopes::Envelopes;

    /// Two ends that talk to each other.
    pub(crate) trait Talk: 'static {
        const NAME: &'static str;
        const ROLE: Role = Role::Peer;
        type Asks: Send + 'static;
        type Answers: Send + 'static;

        fn new() -> (Self::Asks, Self::Answers);
        /// Asks, and waits for the answer.
        fn ask(end: &mut Self::Asks, envelopes: &mut Envelopes) -> impl Future<Output = ()> + Send;
        /// Waits for a question, and answers it.
        fn answer(
            end: &mut Self::Answers,
            envelopes: &mut Envelopes,
        ) -> impl Future<Output = ()> + Send;
    }

    pub(crate) enum Oxide {}

    impl Talk for Oxide {
        const NAME: &'static str = "oxide-bus";
        const ROLE: Role = Role::Ours;
        type Asks = (AsyncMessageBus, Source);
        type Answers = (AsyncPublisher<Message>, AsyncSubscription);

        fn new() -> (Self::Asks, Self::Answers) {
            let bus = MessageBus::new();
            let questions = bus.subscribe_with(questions()).expect("open").into_async();
            let bus = bus.into_async();
            let server = bus.trusted_publisher("server");
            ((bus, Source::from(CLIENT)), (server, questions))
        }

        async fn ask((bus, client): &mut Self::Asks, envelopes: &mut Envelopes) {
            let message = envelopes.take_messages(1).next().expect("one");
            read(&bus.request(&*client, message).await.expect("an answer"));
        }

        async fn answer((server, questions): &mut Self::Answers, envelopes: &mut Envelopes) {
            let question = questions.recv().await.expect("asked");
            read(&question);
            let message = envelopes.take_messages(1).next().expect("one");
            server.reply(&question, message).await.expect("open");
        }
    }

    /// Like `Oxide`, but receives by reference.
    pub(crate) enum ByReference {}

    impl Talk for ByReference {
        const NAME: &'static str = "oxide-bus recv_ref";
        const ROLE: Role = Role::Ours;
        type Asks = <Oxide as Talk>::Asks;
        type Answers = <Oxide as Talk>::Answers;

        fn new() -> (Self::Asks, Self::Answers) {
            Oxide::new()
        }

        async fn ask(end: &mut Self::Asks, envelopes: &mut Envelopes) {
            Oxide::ask(end, envelopes).await;
        }

        async fn answer((server, questions): &mut Self::Answers, envelopes: &mut Envelopes) {
            let question = questions.recv_ref().await.expect("asked");
            read(question);
            let message = envelopes.take_messages(1).next().expect("one");
            server.reply(question, message).await.expect("open");
        }
    }

    /// Each question carries the sender for its answer.
    pub(crate) enum WithOneshot {}

    type Question = (Envelope, oneshot::Sender<Envelope>);

    impl Talk for WithOneshot {
        const NAME: &'static str = "tokio mpsc with oneshot";
        type Asks = mpsc::Sender<Question>;
        type Answers = mpsc::Receiver<Question>;

        fn new() -> (Self::Asks, Self::Answers) {
            mpsc::channel(CAPACITY)
        }

        async fn ask(sender: &mut Self::Asks, envelopes: &mut Envelopes) {
            let envelope = envelopes.take(1).next().expect("one");
            let (answer, answered) = oneshot::channel();
            let sent = sender.send((envelope, answer)).await;
            assert!(sent.is_ok(), "disconnected");
            read(&answered.await.expect("an answer"));
        }

        async fn answer(receiver: &mut Self::Answers, envelopes: &mut Envelopes) {
            let (question, answer) = receiver.recv().await.expect("asked");
            read(&question);
            let envelope = envelopes.take(1).next().expect("one");
            assert!(answer.send(envelope).is_ok(), "nobody waits");
        }
    }
}
