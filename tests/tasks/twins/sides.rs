//! The methods of threads, and those of tasks on two executors, behind the same traits.

use std::time::{Duration, Instant};

use futures::StreamExt;
use oxide_bus::{
    AsyncSubscription, BatchError, BatchReceipt, Bus, Delivery, Envelope, PublishError, Receipt,
    RecvError, RecvTimeoutError, SubscribeOptions, Subscription, TryRecvError,
};
use tokio::runtime::{Builder, Runtime};

/// The methods of one side.
pub(crate) trait Side: Copy + Send + 'static {
    type Subscription: Send + 'static;

    fn subscribe_with(self, bus: &Bus<u64>, options: SubscribeOptions<u64>) -> Self::Subscription;
    fn publish(self, bus: &Bus<u64>, number: u64) -> Result<Receipt, PublishError<u64>>;
    fn publish_batch(
        self,
        bus: &Bus<u64>,
        numbers: std::ops::Range<u64>,
    ) -> Result<BatchReceipt, BatchError<u64>>;
    fn recv(self, subscription: &mut Self::Subscription) -> Result<Delivery<u64>, RecvError>;
    fn recv_ref(self, subscription: &mut Self::Subscription) -> Result<u64, RecvError>;
    fn recv_batch(
        self,
        subscription: &mut Self::Subscription,
        deliveries: &mut Vec<Delivery<u64>>,
        max: usize,
    ) -> Result<usize, RecvError>;
    fn next(
        self,
        subscription: &mut Self::Subscription,
    ) -> Option<Result<Delivery<u64>, RecvError>>;
    fn try_recv(self, subscription: &mut Self::Subscription)
    -> Result<Delivery<u64>, TryRecvError>;
    fn drain(self, subscription: &mut Self::Subscription) -> Result<Vec<u64>, TryRecvError>;
    fn queued(self, subscription: &Self::Subscription) -> (usize, u64);
}

/// A side that has a clock, too.
pub(crate) trait Timed: Side {
    fn recv_timeout(
        self,
        subscription: &mut Self::Subscription,
        timeout: Duration,
    ) -> Result<Delivery<u64>, RecvTimeoutError>;
    fn recv_deadline(
        self,
        subscription: &mut Self::Subscription,
        deadline: Instant,
    ) -> Result<Delivery<u64>, RecvTimeoutError>;
    fn publish_timeout(
        self,
        bus: &Bus<u64>,
        number: u64,
        timeout: Duration,
    ) -> Result<Receipt, PublishError<u64>>;
}

pub(crate) fn envelope(number: u64) -> Envelope<u64> {
    Envelope::new("counter", number)
}

#[derive(Clone, Copy)]
pub(crate) struct Threads;

impl Side for Threads {
    type Subscription = Subscription<u64>;

    fn subscribe_with(self, bus: &Bus<u64>, options: SubscribeOptions<u64>) -> Subscription<u64> {
        bus.subscribe_with(options).unwrap()
    }

    fn publish(self, bus: &Bus<u64>, number: u64) -> Result<Receipt, PublishError<u64>> {
        bus.publish(envelope(number))
    }

    fn publish_batch(
        self,
        bus: &Bus<u64>,
        numbers: std::ops::Range<u64>,
    ) -> Result<BatchReceipt, BatchError<u64>> {
        bus.publish_batch(numbers.map(envelope))
    }

    fn recv(self, subscription: &mut Subscription<u64>) -> Result<Delivery<u64>, RecvError> {
        subscription.recv()
    }

    fn recv_ref(self, subscription: &mut Subscription<u64>) -> Result<u64, RecvError> {
        Ok(subscription.recv_ref()?.message)
    }

    fn recv_batch(
        self,
        subscription: &mut Subscription<u64>,
        deliveries: &mut Vec<Delivery<u64>>,
        max: usize,
    ) -> Result<usize, RecvError> {
        subscription.recv_batch(deliveries, max)
    }

    fn next(
        self,
        subscription: &mut Subscription<u64>,
    ) -> Option<Result<Delivery<u64>, RecvError>> {
        subscription.iter().next()
    }

    fn try_recv(self, subscription: &mut Subscription<u64>) -> Result<Delivery<u64>, TryRecvError> {
        subscription.try_recv()
    }

    fn drain(self, subscription: &mut Subscription<u64>) -> Result<Vec<u64>, TryRecvError> {
        let mut seen = Vec::new();
        subscription.try_recv_each(|envelope| seen.push(envelope.message))?;
        Ok(seen)
    }

    fn queued(self, subscription: &Subscription<u64>) -> (usize, u64) {
        (subscription.len(), subscription.dropped())
    }
}

impl Timed for Threads {
    fn recv_timeout(
        self,
        subscription: &mut Subscription<u64>,
        timeout: Duration,
    ) -> Result<Delivery<u64>, RecvTimeoutError> {
        subscription.recv_timeout(timeout)
    }

    fn recv_deadline(
        self,
        subscription: &mut Subscription<u64>,
        deadline: Instant,
    ) -> Result<Delivery<u64>, RecvTimeoutError> {
        subscription.recv_deadline(deadline)
    }

    fn publish_timeout(
        self,
        bus: &Bus<u64>,
        number: u64,
        timeout: Duration,
    ) -> Result<Receipt, PublishError<u64>> {
        bus.publish_timeout(envelope(number), timeout)
    }
}

/// Runs one future to its end on this thread.
pub(crate) trait Executor: Copy + Send + 'static {
    fn block_on<F: Future>(self, future: F) -> F::Output;
}

#[derive(Clone, Copy)]
pub(crate) struct Tokio;

impl Executor for Tokio {
    fn block_on<F: Future>(self, future: F) -> F::Output {
        thread_local! {
            static RUNTIME: Runtime = Builder::new_current_thread().enable_time().build().unwrap();
        }
        RUNTIME.with(|runtime| runtime.block_on(future))
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Another;

impl Executor for Another {
    fn block_on<F: Future>(self, future: F) -> F::Output {
        futures::executor::block_on(future)
    }
}

impl<E: Executor> Side for E {
    type Subscription = AsyncSubscription<u64>;

    fn subscribe_with(
        self,
        bus: &Bus<u64>,
        options: SubscribeOptions<u64>,
    ) -> AsyncSubscription<u64> {
        let bus = bus.clone().into_async();
        self.block_on(bus.subscribe_with(options)).unwrap()
    }

    fn publish(self, bus: &Bus<u64>, number: u64) -> Result<Receipt, PublishError<u64>> {
        self.block_on(bus.clone().into_async().publish(envelope(number)))
    }

    fn publish_batch(
        self,
        bus: &Bus<u64>,
        numbers: std::ops::Range<u64>,
    ) -> Result<BatchReceipt, BatchError<u64>> {
        self.block_on(
            bus.clone()
                .into_async()
                .publish_batch(numbers.map(envelope)),
        )
    }

    fn recv(self, subscription: &mut AsyncSubscription<u64>) -> Result<Delivery<u64>, RecvError> {
        self.block_on(subscription.recv())
    }

    fn recv_ref(self, subscription: &mut AsyncSubscription<u64>) -> Result<u64, RecvError> {
        Ok(self.block_on(subscription.recv_ref())?.message)
    }

    fn recv_batch(
        self,
        subscription: &mut AsyncSubscription<u64>,
        deliveries: &mut Vec<Delivery<u64>>,
        max: usize,
    ) -> Result<usize, RecvError> {
        self.block_on(subscription.recv_batch(deliveries, max))
    }

    fn next(
        self,
        subscription: &mut AsyncSubscription<u64>,
    ) -> Option<Result<Delivery<u64>, RecvError>> {
        self.block_on(StreamExt::next(subscription))
    }

    fn try_recv(
        self,
        subscription: &mut AsyncSubscription<u64>,
    ) -> Result<Delivery<u64>, TryRecvError> {
        subscription.try_recv()
    }

    fn drain(self, subscription: &mut AsyncSubscription<u64>) -> Result<Vec<u64>, TryRecvError> {
        let mut seen = Vec::new();
        subscription.try_recv_each(|envelope| seen.push(envelope.message))?;
        Ok(seen)
    }

    fn queued(self, subscription: &AsyncSubscription<u64>) -> (usize, u64) {
        (subscription.len(), subscription.dropped())
    }
}

impl Timed for Tokio {
    fn recv_timeout(
        self,
        subscription: &mut AsyncSubscription<u64>,
        timeout: Duration,
    ) -> Result<Delivery<u64>, RecvTimeoutError> {
        self.block_on(subscription.recv_timeout(timeout))
    }

    fn recv_deadline(
        self,
        subscription: &mut AsyncSubscription<u64>,
        deadline: Instant,
    ) -> Result<Delivery<u64>, RecvTimeoutError> {
        self.block_on(subscription.recv_deadline(deadline))
    }

    fn publish_timeout(
        self,
        bus: &Bus<u64>,
        number: u64,
        timeout: Duration,
    ) -> Result<Receipt, PublishError<u64>> {
        let bus = bus.clone().into_async();
        self.block_on(bus.publish_timeout(envelope(number), timeout))
    }
}
