//! Tests of publishes of tasks that wait, and that are dropped while they wait.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Waker};
use std::thread::yield_now;
use std::time::Duration;

use oxide_bus::limits::{LimitExceeded, Measure, Meter};
use oxide_bus::{
    AsyncBus, AsyncSubscription, Bus, Denial, Draft, Envelope, Grant, Payload, PublishError,
    Receipt, Subject, SubscribeOptions,
};

use crate::support::task::Task;
use crate::{Counter, LOSSLESS, current_thread, envelope, poll_once, sum, two_threads};

/// Nobody drives a clock here.
const LONG: Duration = Duration::from_secs(10);

/// Returns two blocking subscriptions with room for one envelope each, and one that does not block.
fn three(bus: &Bus<u64>) -> [AsyncSubscription<u64>; 3] {
    let lossless = || SubscribeOptions::new().capacity(1).overflow(LOSSLESS);
    [
        lossless(),
        lossless().source("counter"),
        SubscribeOptions::new(),
    ]
    .map(|options| bus.subscribe_with(options).unwrap().into_async())
}

fn queued(subscription: &mut AsyncSubscription<u64>) -> Vec<u64> {
    let numbers = subscription.try_iter().map(|item| item.unwrap().message);
    numbers.collect()
}

#[test]
fn a_publish_that_is_given_up_at_any_point_is_in_all_queues_or_in_none() {
    for first_to_make_room in [0, 1] {
        for polls in 0..=3 {
            let bus = Bus::new();
            let mut subscriptions = three(&bus);
            bus.publish(envelope(0)).unwrap();
            let (counter, waker) = Counter::new();
            let bus = bus.into_async();
            let mut is_published = false;
            {
                let mut publish = pin!(bus.publish(envelope(1)));
                for poll in 0..polls {
                    if poll > 0 {
                        let makes_room = (first_to_make_room + poll - 1) % 2;
                        let made = subscriptions[makes_room].try_recv();
                        assert_eq!(made.unwrap().message, 0);
                    }
                    assert!(poll < 2 || counter.woken() > 0, "there is room");
                    is_published = poll_once(publish.as_mut(), &waker).is_ready();
                }
            }
            assert_eq!(is_published, polls == 3);
            drop(waker);
            assert_eq!(Arc::strong_count(&counter), 1, "it keeps no waker");
            for subscription in &mut subscriptions {
                assert_eq!(queued(subscription).contains(&1), is_published);
                assert_eq!(subscription.dropped(), 0);
            }
            let receipt = current_thread().block_on(bus.publish(envelope(2)));
            assert_eq!(receipt.unwrap().delivered(), 3, "nothing is in its way");
        }
    }
}

type Publish = fn(&AsyncBus<u64>, u64) -> Pin<Box<dyn Future<Output = Receipt> + '_>>;

const WITH_A_TIME_OUT: [Publish; 2] = [
    |bus, number| {
        Box::pin(async move { bus.publish_timeout(envelope(number), LONG).await.unwrap() })
    },
    |bus, number| {
        let publisher = bus.publisher("counter", "count");
        Box::pin(async move { publisher.publish_timeout(number, LONG).await.unwrap() })
    },
];

fn publishes_in_time_or_not_at_all(publish: Publish, bus: Bus<u64>) {
    let runtime = current_thread();
    let _inside = runtime.enter();
    let mut subscriptions = three(&bus);
    bus.grant("count").unwrap();
    bus.publish(envelope(0)).unwrap();
    let bus = bus.into_async();
    let (counter, waker) = Counter::new();
    // First two have no room, then one, then none.
    for full in &mut subscriptions[..2] {
        assert!(poll_once(publish(&bus, 1).as_mut(), &waker).is_pending());
        assert_eq!(full.try_recv().unwrap().message, 0);
    }
    drop(waker);
    assert_eq!((Arc::strong_count(&counter), counter.woken()), (1, 0));
    let published = poll_once(publish(&bus, 2).as_mut(), Waker::noop());
    let Poll::Ready(receipt) = published else {
        panic!("nothing is in its way")
    };
    assert_eq!((receipt.delivered(), receipt.dropped()), (3, 0));
    for (subscription, left) in subscriptions.iter_mut().zip([vec![2], vec![2], vec![0, 2]]) {
        assert_eq!(queued(subscription), left);
        assert_eq!(subscription.dropped(), 0);
    }
}

#[test]
fn a_publish_with_a_time_out_that_is_given_up_is_in_no_queue() {
    for publish in WITH_A_TIME_OUT {
        for bus in [Bus::builder(), Bus::builder().total_order()] {
            let bus = bus.build();
            // A publish that blocked would never end.
            Task::start(move || publishes_in_time_or_not_at_all(publish, bus)).end();
        }
    }
}

/// Returns whether the publish completes within this many polls. After that the future is dropped.
fn is_published_in(
    polls: u32,
    publish: impl Future<Output = Result<Receipt, PublishError<u64>>>,
) -> bool {
    let mut publish = pin!(publish);
    (0..polls).any(|poll| match poll_once(publish.as_mut(), Waker::noop()) {
        Poll::Ready(receipt) => {
            let receipt = receipt.unwrap();
            assert_eq!((receipt.delivered(), receipt.dropped()), (4, 0));
            true
        }
        Poll::Pending => {
            if poll > 1 {
                yield_now(); // lets the receivers run, on few processors too
            }
            false
        }
    })
}

/// Some are dropped before they are polled, some while they wait, and some are complete by then.
#[test]
fn publishes_given_up_under_load_are_in_no_queue_and_all_others_in_all() {
    // Where other programs keep the processors busy, each `yield_now` may take some milliseconds.
    const EACH: u64 = 400;
    let options = || SubscribeOptions::new().overflow(LOSSLESS);
    for ordered in [false, true] {
        let bus = Bus::<u64>::builder();
        let bus = if ordered { bus.total_order() } else { bus }.build();
        let receiving = [
            options().capacity(3),
            options().capacity(5),
            options().capacity(2).source("counter"),
            options().capacity(4).predicate(|_| true),
        ]
        .map(|options| {
            let mut subscription = bus.subscribe_with(options).unwrap();
            Task::start(move || {
                let mut received = Vec::new();
                for delivery in &mut subscription {
                    received.push(delivery.unwrap().message);
                    if received.len().is_multiple_of(7) {
                        yield_now(); // the queues fill
                    }
                }
                received
            })
        });
        let publishing = [0, 1, 2].map(|publisher| {
            let seed = 0x5eed + publisher;
            println!("publisher {publisher}, total order {ordered}: seed {seed:#x}");
            let bus = bus.clone().into_async();
            Task::start(move || {
                let mut random = fastrand::Rng::with_seed(seed);
                let mut published = Vec::new();
                for number in publisher * EACH..(publisher + 1) * EACH {
                    // The last publish is never blocked for ever.
                    let is_last = number % EACH == EACH - 1;
                    let polls = if is_last { u32::MAX } else { random.u32(..6) };
                    if is_published_in(polls, bus.publish(envelope(number))) {
                        published.push(number);
                    }
                }
                published
            })
        });
        let published = publishing.map(Task::end);
        bus.close();
        let received = receiving.map(Task::end);
        for received in &received {
            let all: usize = published.iter().map(Vec::len).sum();
            assert_eq!(received.len(), all);
            for (publisher, published) in (0..).zip(&published) {
                let its_own = received.iter().filter(|&it| it / EACH == publisher);
                assert!(its_own.eq(published), "of publisher {publisher}");
            }
        }
        let [first, second, ..] = &received;
        assert_eq!(first, second, "those who follow agree on the order");
        assert!(!ordered || received.iter().all(|it| it == first));
        println!("{} published of {}", first.len(), 3 * EACH);
    }
}

/// Some queues are full at one moment and not at the next. One stays full, and the publish does not go there.
#[test]
fn a_task_that_waits_for_room_is_woken_though_another_subscriber_has_none() {
    const EACH: u64 = 3_000;
    let bus = Bus::new();
    let narrow = |source: &str| {
        let options = SubscribeOptions::new().capacity(1).source(source);
        bus.subscribe_with(options.overflow(LOSSLESS)).unwrap()
    };
    let _full = narrow("other");
    bus.publish(Envelope::new("other", 0)).unwrap();
    let runtime = two_threads();
    let subscribers = [(); 2].map(|()| runtime.spawn(sum(narrow("counter").into_async())));
    let publishers = [(); 4].map(|()| {
        let bus = bus.clone().into_async();
        let publish_all = async move {
            for number in 1..=EACH {
                bus.publish(envelope(number)).await.unwrap();
            }
        };
        Task::start({
            let publishing = runtime.spawn(publish_all);
            move || futures::executor::block_on(publishing).unwrap()
        })
    });
    publishers.into_iter().for_each(Task::end);
    bus.close();
    for subscriber in subscribers {
        let sum = runtime.block_on(subscriber).unwrap();
        assert_eq!(sum, 4 * EACH * (EACH + 1) / 2);
    }
}

#[test]
fn a_batch_that_is_given_up_has_published_its_first_envelopes_and_no_others() {
    let bus = Bus::new();
    let mut subscriptions = three(&bus);
    let bus = bus.into_async();
    let (_, waker) = Counter::new();
    {
        let mut publish = pin!(bus.publish_batch((0..5).map(envelope)));
        assert!(poll_once(publish.as_mut(), &waker).is_pending());
        for subscription in &mut subscriptions[..2] {
            assert_eq!(queued(subscription), [0]);
        }
        assert!(poll_once(publish.as_mut(), &waker).is_pending());
    }
    for (subscription, left) in subscriptions.iter_mut().zip([vec![1], vec![1], vec![0, 1]]) {
        assert_eq!(queued(subscription), left);
        assert_eq!(subscription.dropped(), 0);
    }
}

/// Counts how often the bus asks it for its subject, and how often for its weight.
#[derive(Clone, Default)]
struct Asked {
    for_subject: Arc<AtomicUsize>,
    for_size: Arc<AtomicUsize>,
}

impl Payload for Asked {
    fn subject(&self) -> Subject<'_> {
        self.for_subject.fetch_add(1, Ordering::Relaxed);
        Subject::new(["asked"])
    }
}

impl Measure for Asked {
    fn measure(&self, meter: &mut Meter) -> Result<(), LimitExceeded> {
        self.for_size.fetch_add(1, Ordering::Relaxed);
        meter.bytes(1)
    }
}

type Way = fn(Bus<Asked>, Vec<Asked>) -> Pin<Box<dyn Future<Output = ()>>>;

fn ways_to_wait() -> Vec<Way> {
    fn envelopes(messages: Vec<Asked>) -> impl Iterator<Item = Envelope<Asked>> {
        (messages.into_iter()).map(|message| Envelope::new("asker", message))
    }
    vec![
        |bus, messages| {
            Box::pin(async move {
                let bus = bus.into_async();
                for envelope in envelopes(messages) {
                    bus.publish(envelope).await.map_err(drop).unwrap();
                }
            })
        },
        |bus, messages| {
            Box::pin(async move {
                let bus = bus.into_async();
                for envelope in envelopes(messages) {
                    let publish = bus.publish_timeout(envelope, LONG);
                    publish.await.map_err(drop).unwrap();
                }
            })
        },
        |bus, messages| {
            Box::pin(async move {
                let bus = bus.into_async();
                let publish = bus.publish_batch(envelopes(messages));
                publish.await.map_err(drop).unwrap();
            })
        },
        |bus, messages| {
            Box::pin(async move {
                let publisher = bus.publisher("asker", "ask").into_async();
                for message in messages {
                    publisher.publish(message).await.map_err(drop).unwrap();
                }
            })
        },
        |bus, messages| {
            Box::pin(async move {
                let publisher = bus.publisher("asker", "ask").into_async();
                let publish = publisher.publish_batch(messages);
                publish.await.map_err(drop).unwrap();
            })
        },
    ]
}

/// Publishes `count` envelopes, each of which must wait for room. Returns how often the payloads were asked.
fn wait(grant: Grant, way: Way, count: usize) -> Asked {
    let bus = Bus::<Asked>::builder().max_payload(1 << 20, 60).build();
    let lossless = SubscribeOptions::new().capacity(1).overflow(LOSSLESS);
    let mut subscription = bus.subscribe_with(lossless).unwrap();
    bus.publish(Envelope::new("other", Asked::default()))
        .map_err(drop)
        .unwrap();
    bus.grant(grant).unwrap();
    let asked = Asked::default();
    let mut publish = way(bus, vec![asked.clone(); count]);
    let (counter, waker) = Counter::new();
    let mut received = 0;
    let runtime = current_thread();
    let _time = runtime.enter();
    while poll_once(publish.as_mut(), &waker).is_pending() {
        assert!(
            poll_once(publish.as_mut(), &waker).is_pending(),
            "no room yet"
        );
        received += subscription.try_iter().count();
    }
    assert_eq!(received, count, "all but the last had to wait");
    assert!(counter.woken() > 0);
    asked
}

#[test]
fn what_waits_is_asked_and_weighed_once() {
    const COUNT: usize = 10;
    let grant = || Grant::new("ask");
    let scoped = || grant().patterns(["asked"]);
    let grants = [
        (grant(), 0),
        (scoped(), 1),
        (scoped().rate(1_000, 1_000), 1),
    ];
    for (grant, asked_each) in grants {
        for (way, publish) in ways_to_wait().into_iter().enumerate() {
            let asked = wait(grant.clone(), publish, COUNT);
            let is_guarded = usize::from(way > 2);
            let for_subject = asked.for_subject.load(Ordering::Relaxed);
            assert_eq!(for_subject, COUNT * asked_each * is_guarded, "way {way}");
            let for_size = asked.for_size.load(Ordering::Relaxed);
            assert_eq!(for_size, COUNT, "way {way}");
        }
    }
}

/// Panics when it is first measured, and is too heavy.
struct Moody(AtomicUsize);

impl Payload for Moody {}

impl Measure for Moody {
    fn measure(&self, meter: &mut Meter) -> Result<(), LimitExceeded> {
        assert!(
            self.0.fetch_add(1, Ordering::Relaxed) > 0,
            "a payload's own"
        );
        meter.bytes(usize::MAX)
    }
}

#[test]
fn what_panics_as_it_is_weighed_is_not_weighed_yet() {
    let bus = Bus::<Moody>::builder().max_payload(1 << 20, 60).build();
    let bus = bus.into_async();
    let mut publish = pin!(bus.publish(Envelope::new("moody", Moody(AtomicUsize::new(0)))));
    let mut poll = || poll_once(publish.as_mut(), Waker::noop());
    assert!(catch_unwind(AssertUnwindSafe(&mut poll)).is_err());
    let Poll::Ready(Err(error)) = poll() else {
        panic!("it is too heavy");
    };
    assert!(matches!(error, PublishError::TooLarge { .. }), "{error}");
}

#[cfg(feature = "testing")]
#[test]
fn a_task_waits_longer_than_the_subscriber_asks_for_unless_it_has_a_clock() {
    let clock = oxide_bus::testing::ManualClock::new();
    let moment = Duration::from_millis(1);
    let overflow = oxide_bus::Overflow::BlockFor(moment);
    let options = || SubscribeOptions::new().capacity(1).overflow(overflow);
    for options in [options(), options().source("counter")] {
        let bus = Bus::new();
        let mut subscription = bus.subscribe_with(options).unwrap();
        bus.publish(envelope(0)).unwrap();
        assert_eq!(bus.publish(envelope(1)).unwrap().dropped(), 1);
        let bus = bus.into_async();
        let (counter, waker) = Counter::new();
        let _entered = clock.enter();
        let mut publish = pin!(bus.publish(envelope(2)));
        assert!(poll_once(publish.as_mut(), &waker).is_pending());
        clock.advance(5 * moment);
        assert!(poll_once(publish.as_mut(), &waker).is_pending());
        assert_eq!(counter.woken(), 0);
        current_thread().block_on(async {
            let receipt = bus.publish_timeout(envelope(3), moment).await.unwrap();
            assert_eq!((receipt.delivered(), receipt.dropped()), (0, 1));
        });
        assert_eq!(subscription.recv().unwrap().message, 0);
        assert!(poll_once(publish.as_mut(), &waker).is_ready());
        assert_eq!(subscription.dropped(), 2);
    }
}

#[test]
fn what_is_too_heavy_is_refused_to_tasks_too() {
    let bus = Bus::<String>::builder().max_payload(10, 1).build();
    let queue = bus.subscribe();
    let bus = bus.into_async();
    let heavy = || Envelope::new("counter", "x".repeat(1_000));
    futures::executor::block_on(async {
        assert!(bus.publish(heavy()).await.is_err());
        let light = Envelope::new("counter", String::new());
        let error = bus.publish_batch([light, heavy()]).await.unwrap_err();
        assert_eq!(error.into_envelopes().len(), 2);
    });
    assert!(queue.is_empty());
}

#[test]
fn what_a_task_forwards_speaks_only_for_sources_that_the_grant_allows() {
    let bus = Bus::<u64>::new();
    let subscription = bus.subscribe();
    let relay = bus.publisher("relay", "relay").into_async();
    futures::executor::block_on(async {
        let denial = async |source| {
            let forwarded = relay.forward(Envelope::new(source, 1)).await;
            forwarded.err().and_then(|error| error.denial())
        };
        bus.grant("relay").unwrap();
        assert_eq!(denial("relay").await, Some(Denial::Forwarding));
        bus.grant(Grant::new("relay").forwards()).unwrap();
        assert_eq!(denial("relay").await, None);
        assert_eq!(denial("north").await, Some(Denial::Source));
        bus.grant(Grant::new("relay").forwards().sources(["north"]))
            .unwrap();
        assert_eq!(denial("north").await, None);
        let mut nil = Envelope::new("north", 1);
        nil.id = uuid::Uuid::nil();
        let error = relay.forward(nil).await.unwrap_err();
        assert!(matches!(error, PublishError::Unwritable { .. }), "{error}");
        let answer = Draft::new(1).with_correlation_id(uuid::Uuid::nil());
        let error = relay.publish(answer).await;
        assert_eq!(error.unwrap_err().denial(), Some(Denial::Source));
        assert_eq!(subscription.len(), 2);
    });
}

#[test]
fn a_task_sends_and_answers_as_a_thread_does() {
    let bus = AsyncBus::<u64>::new();
    futures::executor::block_on(async {
        let mut subscription = bus.subscribe().await;
        bus.grant("answer").unwrap();
        let server = bus.publisher("server", "answer");
        let asked = Draft::new(6).with_correlation_id(uuid::Uuid::new_v4());
        let id = bus.send("client", asked.clone()).await.unwrap().id();
        let question = subscription.recv().await.unwrap();
        assert_eq!((question.id, question.source.as_str()), (id, "client"));
        assert_eq!(question.correlation_id, asked.correlation_id);
        server.reply(&question, asked).await.unwrap();
        assert_eq!(subscription.recv().await.unwrap().correlation_id, Some(id));
        bus.close();
        assert!(bus.send("client", 7).await.unwrap_err().is_closed());
    });
}

#[test]
fn what_a_task_sends_belongs_to_the_trace_that_is_current_when_it_runs() {
    let current = Arc::new(AtomicUsize::new(1));
    let trace = Arc::clone(&current);
    let bus = Bus::<u64>::builder()
        .trace_context(move || Some(trace.load(Ordering::Relaxed).to_string()))
        .build();
    let (mut numbers, bus) = (bus.subscribe(), bus.into_async());
    let publisher = bus.trusted_publisher("counter");
    let (sent, published) = (bus.send("kernel", 1), publisher.publish(2));
    current.store(2, Ordering::Relaxed);
    futures::executor::block_on(async {
        sent.await.unwrap();
        published.await.unwrap();
    });
    for _ in 0..2 {
        assert_eq!(numbers.try_recv().unwrap().header("traceparent"), Some("2"));
    }
}
