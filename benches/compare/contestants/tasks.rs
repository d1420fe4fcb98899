//! The contestants whose tasks publish and receive.

use std::marker::PhantomData;
use std::sync::Arc;

use oxide_bus::kernel::AsyncMessageBus;
use oxide_bus::{AsyncSubscription, Envelope, MessageBus, SubscribeOptions};
use tokio::sync::{broadcast, mpsc};

use super::baseline::BaselineBus;
use super::requests::tasks::Talk;
use super::{
    CAPACITY, Entrant, Role, async_broadcast, baseline, entrant_with, fan_out, read,
    tokio_broadcast,
};
use crate::run::envelopes::Envelopes;

/// A bus of tasks. No task is ever more than its capacity behind.
pub(crate) trait TaskBus: 'static {
    const NAME: &'static str;
    const ROLE: Role = Role::Peer;
    type Publisher: Send + Sync + 'static;
    type Subscriber: Send + 'static;

    fn new(subscribers: usize) -> (Self::Publisher, Vec<Self::Subscriber>);
    fn publish(publisher: &Self::Publisher, envelope: Envelope) -> impl Future<Output = ()> + Send;
    /// Receives and reads one envelope.
    fn receive(subscriber: &mut Self::Subscriber) -> impl Future<Output = ()> + Send;
}

/// What a cell does with each bus of tasks.
pub(crate) trait TaskCell {
    type Brings;

    fn bring<B: TaskBus>() -> Self::Brings;
}

/// Returns all of them, in the order of the table.
pub(crate) fn everybody<C: TaskCell>() -> Vec<Entrant<C::Brings>> {
    fn takes_part<C: TaskCell, B: TaskBus>() -> Entrant<C::Brings> {
        entrant_with(B::NAME, B::ROLE, C::bring::<B>())
    }
    vec![
        takes_part::<C, Oxide>(),
        takes_part::<C, ByReference>(),
        takes_part::<C, TokioBroadcast>(),
        takes_part::<C, AsyncBroadcast>(),
        takes_part::<C, TokioMpsc>(),
        takes_part::<C, Baseline>(),
    ]
}

/// Two buses, one for each direction.
pub(crate) struct Both<B>(PhantomData<B>);

impl<B: TaskBus> Talk for Both<B> {
    const NAME: &'static str = B::NAME;
    const ROLE: Role = B::ROLE;
    type Asks = (B::Publisher, B::Subscriber);
    type Answers = (B::Subscriber, B::Publisher);

    fn new() -> (Self::Asks, Self::Answers) {
        let one = || {
            let (publisher, mut subscribers) = B::new(1);
            (publisher, subscribers.pop().expect("one subscriber"))
        };
        let ((call, hear_call), (answer, hear_answer)) = (one(), one());
        ((call, hear_answer), (hear_call, answer))
    }

    async fn ask((call, hear_answer): &mut Self::Asks, envelopes: &mut Envelopes) {
        let envelope = envelopes.take(1).next().expect("one");
        B::publish(call, envelope).await;
        B::receive(hear_answer).await;
    }

    async fn answer((hear_call, answer): &mut Self::Answers, envelopes: &mut Envelopes) {
        B::receive(hear_call).await;
        let envelope = envelopes.take(1).next().expect("one");
        B::publish(answer, envelope).await;
    }
}

pub(crate) enum Oxide {}

impl TaskBus for Oxide {
    const NAME: &'static str = "oxide-bus";
    const ROLE: Role = Role::Ours;
    type Publisher = AsyncMessageBus;
    type Subscriber = AsyncSubscription;

    fn new(subscribers: usize) -> (Self::Publisher, Vec<Self::Subscriber>) {
        let bus = MessageBus::new();
        let subscribers = (0..subscribers)
            .map(|_| {
                let options = SubscribeOptions::new().capacity(CAPACITY);
                bus.subscribe_with(options).expect("open").into_async()
            })
            .collect();
        (bus.into_async(), subscribers)
    }

    async fn publish(bus: &AsyncMessageBus, envelope: Envelope) {
        bus.publish(envelope).await.expect("open");
    }

    async fn receive(subscription: &mut AsyncSubscription) {
        read(&subscription.recv().await.expect("never behind"));
    }
}

/// Like `Oxide`, but receives by reference.
pub(crate) enum ByReference {}

impl TaskBus for ByReference {
    const NAME: &'static str = "oxide-bus recv_ref";
    const ROLE: Role = Role::Ours;
    type Publisher = AsyncMessageBus;
    type Subscriber = AsyncSubscription;

    fn new(subscribers: usize) -> (Self::Publisher, Vec<Self::Subscriber>) {
        Oxide::new(subscribers)
    }

    async fn publish(bus: &AsyncMessageBus, envelope: Envelope) {
        bus.publish(envelope).await.expect("open");
    }

    async fn receive(subscription: &mut AsyncSubscription) {
        read(subscription.recv_ref().await.expect("never behind"));
    }
}

pub(crate) enum TokioBroadcast {}

impl TaskBus for TokioBroadcast {
    const NAME: &'static str = tokio_broadcast::NAME;
    type Publisher = broadcast::Sender<Arc<Envelope>>;
    type Subscriber = broadcast::Receiver<Arc<Envelope>>;

    fn new(subscribers: usize) -> (Self::Publisher, Vec<Self::Subscriber>) {
        let sender = broadcast::Sender::new(CAPACITY);
        let receivers = (0..subscribers).map(|_| sender.subscribe()).collect();
        (sender, receivers)
    }

    async fn publish(sender: &Self::Publisher, envelope: Envelope) {
        sender.send(Arc::new(envelope)).expect("subscribed");
    }

    async fn receive(receiver: &mut Self::Subscriber) {
        read(&receiver.recv().await.expect("never behind"));
    }
}

pub(crate) enum AsyncBroadcast {}

impl TaskBus for AsyncBroadcast {
    const NAME: &'static str = async_broadcast::NAME;
    type Publisher = ::async_broadcast::Sender<Arc<Envelope>>;
    type Subscriber = ::async_broadcast::Receiver<Arc<Envelope>>;

    fn new(subscribers: usize) -> (Self::Publisher, Vec<Self::Subscriber>) {
        let (sender, first) = ::async_broadcast::broadcast(CAPACITY);
        (sender, vec![first; subscribers])
    }

    async fn publish(sender: &Self::Publisher, envelope: Envelope) {
        (sender.broadcast_direct(Arc::new(envelope)).await).expect("subscribed");
    }

    async fn receive(receiver: &mut Self::Subscriber) {
        read(&receiver.recv_direct().await.expect("open"));
    }
}

pub(crate) enum TokioMpsc {}

impl TaskBus for TokioMpsc {
    const NAME: &'static str = "tokio mpsc fan-out";
    type Publisher = Vec<mpsc::Sender<Arc<Envelope>>>;
    type Subscriber = mpsc::Receiver<Arc<Envelope>>;

    fn new(subscribers: usize) -> (Self::Publisher, Vec<Self::Subscriber>) {
        (0..subscribers).map(|_| mpsc::channel(CAPACITY)).unzip()
    }

    async fn publish(senders: &Self::Publisher, envelope: Envelope) {
        fan_out::send_to_all(senders, envelope, |sender, envelope| {
            sender.try_send(envelope).expect("never behind");
        });
    }

    async fn receive(receiver: &mut Self::Subscriber) {
        read(&receiver.recv().await.expect("connected"));
    }
}

pub(crate) enum Baseline {}

impl TaskBus for Baseline {
    const NAME: &'static str = baseline::NAME;
    const ROLE: Role = Role::Baseline;
    type Publisher = BaselineBus;
    type Subscriber = mpsc::Receiver<Envelope>;

    fn new(subscribers: usize) -> (Self::Publisher, Vec<Self::Subscriber>) {
        BaselineBus::new(subscribers)
    }

    async fn publish(bus: &BaselineBus, envelope: Envelope) {
        bus.publish(envelope).await;
    }

    async fn receive(receiver: &mut Self::Subscriber) {
        read(&receiver.recv().await.expect("connected"));
    }
}
