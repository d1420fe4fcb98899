//! The workers: each publisher and subscriber is a thread, or a task on a runtime.

use std::convert::Infallible;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Barrier};
use std::thread::JoinHandle;

use oxide_bus::{Publisher, Subscription};
use tokio::runtime::{Builder, Runtime};

use super::super::failure::Failure;
use super::super::thread;
use super::duty::Duty;
use super::intake::Intake;
use super::load;
use super::medium::{LoadReceiver, LoadSender};
use super::payload::BenchLoad;
use super::sent::{Orders, Sent};

/// The threads or the runtime of the workers. All workers begin together, once each is ready and
/// [`start`](Workers::start) is called.
pub(super) enum Workers {
    Threads(Arc<Barrier>),
    Tasks(Runtime, Arc<tokio::sync::Barrier>),
}

/// A worker that runs, and returns a `T` at its end.
pub(super) enum WorkerHandle<T> {
    Thread(JoinHandle<T>),
    Task(tokio::task::JoinHandle<T>),
}

impl Workers {
    pub(super) fn of_threads(size: usize) -> Self {
        Workers::Threads(Arc::new(Barrier::new(size + 1)))
    }

    /// Prepares `size` tasks, on a runtime of `workers` threads.
    pub(super) fn of_tasks(size: usize, workers: u16) -> Result<Self, Failure> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(workers.into())
            .enable_time()
            .build()
            .map_err(|error| Failure::new(format_args!("cannot start a runtime: {error}")))?;
        let start = Arc::new(tokio::sync::Barrier::new(size + 1));
        Ok(Workers::Tasks(runtime, start))
    }

    pub(super) fn receive(
        &self,
        name: &str,
        receiver: LoadReceiver<Subscription<BenchLoad>>,
        duty: Duty,
    ) -> Result<WorkerHandle<Result<Intake, Failure>>, Failure> {
        Ok(match self {
            Workers::Threads(start) => {
                let start = Arc::clone(start);
                WorkerHandle::Thread(thread::spawn(name, move || {
                    start.wait();
                    load::receive(receiver, &duty)
                })?)
            }
            Workers::Tasks(runtime, start) => {
                let start = Arc::clone(start);
                WorkerHandle::Task(runtime.spawn(async move {
                    start.wait().await;
                    load::receive_async(receiver.into_async(), &duty).await
                }))
            }
        })
    }

    /// Starts a publisher. It holds on to `running` until it is done.
    pub(super) fn publish(
        &self,
        name: &str,
        sender: LoadSender<Publisher<BenchLoad>>,
        orders: Orders,
        running: Sender<Infallible>,
    ) -> Result<WorkerHandle<Result<Sent, Failure>>, Failure> {
        Ok(match self {
            Workers::Threads(start) => {
                let start = Arc::clone(start);
                WorkerHandle::Thread(thread::spawn(name, move || {
                    start.wait();
                    let sent = load::publish(&sender, &orders);
                    drop((sender, running));
                    sent
                })?)
            }
            Workers::Tasks(runtime, start) => {
                let start = Arc::clone(start);
                WorkerHandle::Task(runtime.spawn(async move {
                    start.wait().await;
                    let sent = load::publish_async(&sender.into_async(), &orders).await;
                    drop(running);
                    sent
                }))
            }
        })
    }

    pub(super) fn start(&self) {
        match self {
            Workers::Threads(start) => {
                start.wait();
            }
            Workers::Tasks(runtime, start) => {
                runtime.block_on(start.wait());
            }
        }
    }

    /// Waits for a worker, and returns its result.
    pub(super) fn join<T>(&self, job: WorkerHandle<T>) -> Result<T, Failure> {
        match (job, self) {
            (WorkerHandle::Thread(thread), _) => {
                (thread.join()).map_err(|_| Failure::new("a thread of the benchmark has panicked"))
            }
            (WorkerHandle::Task(task), Workers::Tasks(runtime, _)) => (runtime.block_on(task))
                .map_err(|_| Failure::new("a task of the benchmark has panicked")),
            (WorkerHandle::Task(_), Workers::Threads(_)) => unreachable!("it started no tasks"),
        }
    }
}
