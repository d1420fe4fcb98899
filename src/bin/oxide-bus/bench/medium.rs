//! The medium that carries the load: the bus, or a channel instead. Each publish makes an envelope in any case.

use std::ops::Deref;
use std::sync::Arc;

use crossbeam_channel::bounded;
use oxide_bus::{
    AsyncPublisher, AsyncSubscription, Bus, Delivery, Envelope, Publisher, Receipt, RecvError,
    Source, SubscribeOptions, Subscription,
};
use tokio::sync::broadcast;

use super::super::failure::Failure;
use super::super::overflow::OverflowName;
use super::contestant::Contestant;
use super::payload::BenchLoad;
use super::point::BenchPoint;

/// After this many envelopes a task that publishes on a channel lets others run, as the bus does by itself.
const YIELDS: u64 = 128;

/// An envelope as a channel carries it.
pub(super) type SharedLoad = Arc<Envelope<BenchLoad>>;

/// The capability of all publishers.
const SPEAK: &str = "bench:publish";

type Channels = Vec<crossbeam_channel::Sender<SharedLoad>>;

/// The medium of one round.
pub(super) enum Medium {
    Bus(Bus<BenchLoad>),
    Tokio(broadcast::Sender<SharedLoad>),
    Crossbeam {
        channels: Channels,
        receivers: Vec<crossbeam_channel::Receiver<SharedLoad>>,
        waits: bool,
    },
}

/// A publisher's end. `P` is the publisher of the bus, for threads or for tasks.
pub(super) enum LoadSender<P> {
    Bus(P),
    Channel(ChannelSender),
}

/// A publisher's end of a channel, and the source of its envelopes.
pub(super) enum ChannelSender {
    Tokio(Source, broadcast::Sender<SharedLoad>),
    Crossbeam {
        source: Source,
        channels: Channels,
        waits: bool,
    },
}

/// A subscriber's end. `S` is the subscription of the bus, for threads or for tasks.
pub(super) enum LoadReceiver<S> {
    Bus(S),
    Channel(ChannelReceiver),
}

/// A subscriber's end of a channel.
pub(super) enum ChannelReceiver {
    Tokio(broadcast::Receiver<SharedLoad>),
    Crossbeam(crossbeam_channel::Receiver<SharedLoad>),
}

/// An envelope that a task has received.
pub(super) enum ReceivedLoad {
    Delivery(Delivery<BenchLoad>),
    Shared(SharedLoad),
}

/// The fate of an envelope: how many subscribers have it, and how many lost it at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct LoadReceipt {
    pub(super) delivered: u64,
    pub(super) dropped: u64,
}

impl LoadReceipt {
    /// The receipt of an answered request.
    pub(super) const ANSWERED: LoadReceipt = LoadReceipt {
        delivered: 1,
        dropped: 0,
    };
}

impl Medium {
    pub(super) fn new(point: &BenchPoint) -> Self {
        match point.by {
            Contestant::OxideBus => {
                let bus = Bus::new();
                bus.grant(SPEAK).expect("a short name");
                Medium::Bus(bus)
            }
            Contestant::Tokio => Medium::Tokio(broadcast::Sender::new(point.capacity)),
            Contestant::Crossbeam => {
                let (channels, receivers) = (0..point.subscribers)
                    .map(|_| bounded(point.capacity))
                    .unzip();
                Medium::Crossbeam {
                    channels,
                    receivers,
                    waits: point.overflow == OverflowName::Block,
                }
            }
        }
    }

    pub(super) fn sender(&self, name: &str) -> LoadSender<Publisher<BenchLoad>> {
        LoadSender::Channel(match self {
            Medium::Bus(bus) => return LoadSender::Bus(bus.publisher(name, SPEAK)),
            Medium::Tokio(channel) => ChannelSender::Tokio(name.into(), channel.clone()),
            Medium::Crossbeam {
                channels, waits, ..
            } => ChannelSender::Crossbeam {
                source: name.into(),
                channels: channels.clone(),
                waits: *waits,
            },
        })
    }

    pub(super) fn receiver(
        &self,
        number: u16,
        terms: SubscribeOptions<BenchLoad>,
    ) -> Result<LoadReceiver<Subscription<BenchLoad>>, Failure> {
        Ok(match self {
            Medium::Bus(bus) => LoadReceiver::Bus(bus.subscribe_with(terms).map_err(Failure::new)?),
            Medium::Tokio(channel) => {
                LoadReceiver::Channel(ChannelReceiver::Tokio(channel.subscribe()))
            }
            Medium::Crossbeam { receivers, .. } => {
                let receiver = receivers[usize::from(number)].clone();
                LoadReceiver::Channel(ChannelReceiver::Crossbeam(receiver))
            }
        })
    }

    /// Returns the bus, if it is one.
    pub(super) fn bus(&self) -> Option<&Bus<BenchLoad>> {
        match self {
            Medium::Bus(bus) => Some(bus),
            _ => None,
        }
    }

    /// Lets the subscribers receive what is queued, and then end. A channel closes with its last sender.
    pub(super) fn close(self) {
        if let Medium::Bus(bus) = self {
            bus.close();
        }
    }
}

impl LoadSender<Publisher<BenchLoad>> {
    pub(super) fn into_async(self) -> LoadSender<AsyncPublisher<BenchLoad>> {
        match self {
            LoadSender::Bus(publisher) => LoadSender::Bus(publisher.into_async()),
            LoadSender::Channel(channel) => LoadSender::Channel(channel),
        }
    }
}

impl LoadSender<AsyncPublisher<BenchLoad>> {
    /// Publishes as a task. The bus itself lets other tasks run now and then; a channel does not.
    pub(super) async fn publish(
        &self,
        load: BenchLoad,
        published: u64,
    ) -> Result<LoadReceipt, Failure> {
        match self {
            LoadSender::Bus(publisher) => {
                let receipt = publisher.publish(load).await.map_err(Failure::new)?;
                Ok(receipt.into())
            }
            LoadSender::Channel(channel) => {
                let receipt = channel.send(load);
                if published.is_multiple_of(YIELDS) {
                    tokio::task::yield_now().await;
                }
                Ok(receipt)
            }
        }
    }
}

impl ChannelSender {
    pub(super) fn send(&self, load: BenchLoad) -> LoadReceipt {
        let (delivered, dropped) = match self {
            ChannelSender::Tokio(source, channel) => {
                let load = Arc::new(Envelope::new(source, load));
                (channel.send(load).unwrap_or(0), 0) // it fails if nobody has subscribed
            }
            ChannelSender::Crossbeam {
                source,
                channels,
                waits,
            } => {
                let load = Arc::new(Envelope::new(source, load));
                let sent = channels.iter().filter(|channel| {
                    let load = Arc::clone(&load);
                    if *waits {
                        channel.send(load).is_ok()
                    } else {
                        channel.try_send(load).is_ok()
                    }
                });
                let sent = sent.count();
                (sent, channels.len() - sent)
            }
        };
        LoadReceipt {
            delivered: delivered as u64,
            dropped: dropped as u64,
        }
    }
}

impl LoadReceiver<Subscription<BenchLoad>> {
    pub(super) fn into_async(self) -> LoadReceiver<AsyncSubscription<BenchLoad>> {
        match self {
            LoadReceiver::Bus(subscription) => LoadReceiver::Bus(subscription.into_async()),
            LoadReceiver::Channel(channel) => LoadReceiver::Channel(channel),
        }
    }
}

impl LoadReceiver<AsyncSubscription<BenchLoad>> {
    pub(super) async fn recv(&mut self) -> Result<ReceivedLoad, RecvError> {
        match self {
            LoadReceiver::Bus(subscription) => {
                subscription.recv().await.map(ReceivedLoad::Delivery)
            }
            LoadReceiver::Channel(channel) => {
                let received = match channel {
                    ChannelReceiver::Tokio(receiver) => told(receiver.recv().await),
                    ChannelReceiver::Crossbeam(_) => channel.recv(),
                };
                received.map(ReceivedLoad::Shared)
            }
        }
    }
}

impl ChannelReceiver {
    pub(super) fn recv(&mut self) -> Result<SharedLoad, RecvError> {
        match self {
            ChannelReceiver::Tokio(receiver) => told(receiver.blocking_recv()),
            ChannelReceiver::Crossbeam(receiver) => {
                receiver.recv().map_err(|_| RecvError::Disconnected)
            }
        }
    }
}

/// Translates the result of tokio's channel into that of the bus.
fn told(result: Result<SharedLoad, broadcast::error::RecvError>) -> Result<SharedLoad, RecvError> {
    result.map_err(|error| match error {
        broadcast::error::RecvError::Lagged(missed) => RecvError::Lagged { missed },
        broadcast::error::RecvError::Closed => RecvError::Disconnected,
    })
}

impl From<Receipt> for LoadReceipt {
    fn from(receipt: Receipt) -> Self {
        LoadReceipt {
            delivered: receipt.delivered() as u64,
            dropped: receipt.dropped() as u64,
        }
    }
}

impl Deref for ReceivedLoad {
    type Target = Envelope<BenchLoad>;

    fn deref(&self) -> &Envelope<BenchLoad> {
        match self {
            ReceivedLoad::Delivery(delivery) => delivery,
            ReceivedLoad::Shared(envelope) => envelope,
        }
    }
}
