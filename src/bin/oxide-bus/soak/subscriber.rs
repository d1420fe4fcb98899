//! A subscription of a thread or of a task, and all ways to receive from it.

use std::time::Duration;

use oxide_bus::{AsyncSubscription, RecvError, RecvTimeoutError, Subscription, TryRecvError};

use super::account::{Account, End};
use super::load::Load;
use super::worker::Worker;

pub(super) enum Subscriber {
    Thread(Subscription<Load>),
    Task(AsyncSubscription<Load>),
}

/// One way to receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Wait,
    Lent,
    Batch,
    Iterate,
    Timed,
    Look,
    Each,
}

/// Those that do not wait for long.
pub(super) const BRIEF: [Way; 4] = [Way::Timed, Way::Look, Way::Look, Way::Each];

pub(super) const ALL: [Way; 8] = [
    Way::Wait,
    Way::Wait,
    Way::Lent,
    Way::Batch,
    Way::Iterate,
    Way::Timed,
    Way::Look,
    Way::Each,
];

/// What a timed receive waits for.
const TIMEOUT: Duration = Duration::from_micros(500);

impl Subscriber {
    pub(super) fn new(subscription: Subscription<Load>, task: bool) -> Self {
        if task {
            Subscriber::Task(subscription.into_async())
        } else {
            Subscriber::Thread(subscription)
        }
    }

    pub(super) fn inner(&self) -> &Subscription<Load> {
        match self {
            Subscriber::Thread(subscription) => subscription,
            Subscriber::Task(subscription) => subscription,
        }
    }

    /// Receives in this way, and takes down what comes; false if there was nothing.
    pub(super) async fn receive(
        &mut self,
        way: Way,
        worker: &Worker,
        account: &mut Account,
    ) -> Result<bool, End> {
        let done = match way {
            Way::Timed | Way::Look | Way::Each => worker.round.done(),
            _ => Vec::new(),
        };
        let outcome = match way {
            Way::Wait => match self {
                Subscriber::Thread(it) => it.recv(),
                Subscriber::Task(it) => it.recv().await,
            }
            .map(|delivery| account.delivery(worker, &delivery))
            .map_err(TryRecvError::from),
            Way::Iterate => match self {
                Subscriber::Thread(it) => match it.iter().next() {
                    Some(item) => item,
                    None => return Err(End::Disconnected),
                },
                Subscriber::Task(it) => it.recv().await,
            }
            .map(|delivery| account.delivery(worker, &delivery))
            .map_err(TryRecvError::from),
            Way::Lent => match self {
                Subscriber::Thread(it) => it.recv_ref(),
                Subscriber::Task(it) => it.recv_ref().await,
            }
            .map(|envelope| account.envelope(worker, envelope, None))
            .map_err(TryRecvError::from),
            Way::Batch => self
                .batch(worker, account)
                .await
                .map_err(TryRecvError::from),
            Way::Timed => match self {
                Subscriber::Thread(it) => it.recv_timeout(TIMEOUT),
                Subscriber::Task(it) => it.recv_timeout(TIMEOUT).await,
            }
            .map(|delivery| account.delivery(worker, &delivery))
            .map_err(untimed),
            Way::Look => match self {
                Subscriber::Thread(it) => it.try_recv(),
                Subscriber::Task(it) => it.try_recv(),
            }
            .map(|delivery| account.delivery(worker, &delivery)),
            Way::Each => {
                let before = account.received;
                let look = |envelope: &_| account.envelope(worker, envelope, None);
                let shown = match self {
                    Subscriber::Thread(it) => it.try_recv_each(look),
                    Subscriber::Task(it) => it.try_recv_each(look),
                };
                let received = account.received - before;
                if *shown.as_ref().unwrap_or(&0) as u64 != received {
                    worker.broken(format!("was shown {received}, and told {shown:?}"));
                }
                shown.map(drop)
            }
        };
        match outcome {
            Ok(()) => {
                worker.step("has received in all", account.received);
                Ok(true)
            }
            Err(TryRecvError::Lagged { missed }) => {
                account.lagged(worker, missed);
                Ok(true)
            }
            Err(TryRecvError::Empty) => {
                account.is_empty(worker, &done);
                Ok(false)
            }
            Err(TryRecvError::Disconnected) => Err(End::Disconnected),
            Err(TryRecvError::Evicted) => Err(End::Evicted),
        }
    }

    async fn batch(&mut self, worker: &Worker, account: &mut Account) -> Result<(), RecvError> {
        let mut batch = Vec::new();
        let received = match self {
            Subscriber::Thread(it) => it.recv_batch(&mut batch, 50)?,
            Subscriber::Task(it) => it.recv_batch(&mut batch, 50).await?,
        };
        if received != batch.len() || received == 0 {
            worker.broken(format!("received {} as a batch of {received}", batch.len()));
        }
        for delivery in &batch {
            account.delivery(worker, delivery);
        }
        Ok(())
    }
}

fn untimed(error: RecvTimeoutError) -> TryRecvError {
    match error {
        RecvTimeoutError::Timeout => TryRecvError::Empty,
        RecvTimeoutError::Lagged { missed } => TryRecvError::Lagged { missed },
        RecvTimeoutError::Disconnected => TryRecvError::Disconnected,
        RecvTimeoutError::Evicted => TryRecvError::Evicted,
    }
}
