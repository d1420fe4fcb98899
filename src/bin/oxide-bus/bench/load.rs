//! The loops of the publishers and subscribers of the benchmark.

use std::ops::Deref;
use std::thread;
use std::time::Instant;

use oxide_bus::{AsyncPublisher, AsyncSubscription, Envelope, Publisher, RecvError, Subscription};

use super::super::failure::Failure;
use super::duty::Duty;
use super::intake::Intake;
use super::medium::{LoadReceipt, LoadReceiver, LoadSender};
use super::payload::BenchLoad;
use super::scenario::Scenario;
use super::sent::{Orders, Sent, record};

/// Publishes until the quota is reached or the publisher must stop.
pub(super) fn publish(
    handle: &LoadSender<Publisher<BenchLoad>>,
    orders: &Orders,
) -> Result<Sent, Failure> {
    match handle {
        LoadSender::Bus(publisher) if orders.scenario == Scenario::Request => {
            publish_each(orders, |sent, load| {
                let asked = Instant::now();
                publisher.request(load).map_err(Failure::new)?;
                record(&mut sent.latency, asked.elapsed());
                Ok(LoadReceipt::ANSWERED)
            })
        }
        LoadSender::Bus(publisher) => publish_each(orders, |_, load| {
            let receipt = publisher.publish(load).map_err(Failure::new)?;
            Ok(receipt.into())
        }),
        LoadSender::Channel(channel) => publish_each(orders, |_, load| Ok(channel.send(load))),
    }
}

/// Publishes by a function. Each way has its own copy of the loop, so none is slower because of the others.
fn publish_each(
    orders: &Orders,
    publish: impl Fn(&mut Sent, BenchLoad) -> Result<LoadReceipt, Failure>,
) -> Result<Sent, Failure> {
    let mut sent = Sent::begin(orders.publisher, orders.address);
    while let Some(load) = sent.next(orders) {
        let receipt = publish(&mut sent, load)?;
        sent.count(receipt);
        if let Some(pause) = sent.report(orders) {
            thread::sleep(pause);
        }
    }
    Ok(sent.end())
}

/// Does the same as a task.
pub(super) async fn publish_async(
    handle: &LoadSender<AsyncPublisher<BenchLoad>>,
    orders: &Orders,
) -> Result<Sent, Failure> {
    let mut sent = Sent::begin(orders.publisher, orders.address);
    while let Some(load) = sent.next(orders) {
        let receipt = match handle {
            LoadSender::Bus(handle) if orders.scenario == Scenario::Request => {
                let asked = Instant::now();
                handle.request(load).await.map_err(Failure::new)?;
                record(&mut sent.latency, asked.elapsed());
                LoadReceipt::ANSWERED
            }
            _ => handle.publish(load, sent.published).await?,
        };
        sent.count(receipt);
        if let Some(pause) = sent.report(orders) {
            tokio::time::sleep(pause).await;
        }
    }
    Ok(sent.end())
}

/// Receives until the bus closes, or until the subscriber is evicted.
pub(super) fn receive(
    receiver: LoadReceiver<Subscription<BenchLoad>>,
    duty: &Duty,
) -> Result<Intake, Failure> {
    match receiver {
        LoadReceiver::Bus(mut subscription) => receive_each(duty, || subscription.recv()),
        LoadReceiver::Channel(mut channel) => receive_each(duty, || channel.recv()),
    }
}

/// Receives by a function.
fn receive_each<D: Deref<Target = Envelope<BenchLoad>>>(
    duty: &Duty,
    mut receive: impl FnMut() -> Result<D, RecvError>,
) -> Result<Intake, Failure> {
    let mut intake = Intake::begin(duty);
    loop {
        let received = receive();
        if !intake.count(&received) {
            return Ok(intake.end());
        }
        if let Ok(envelope) = &received
            && let Some((draft, publisher)) = duty.perform(envelope)
        {
            intake.count_passed_on(publisher.publish(draft).map_err(Failure::new)?);
        }
    }
}

/// Does the same as a task.
pub(super) async fn receive_async(
    mut receiver: LoadReceiver<AsyncSubscription<BenchLoad>>,
    duty: &Duty,
) -> Result<Intake, Failure> {
    let mut intake = Intake::begin(duty);
    loop {
        let received = receiver.recv().await;
        if !intake.count(&received) {
            return Ok(intake.end());
        }
        if let Some((draft, publisher)) = received.ok().as_deref().and_then(|it| duty.perform(it)) {
            let publisher = publisher.clone().into_async();
            let published = publisher.publish(draft).await;
            intake.count_passed_on(published.map_err(Failure::new)?);
        }
    }
}
