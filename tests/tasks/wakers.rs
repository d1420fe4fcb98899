//! Tests of wakers that use the bus themselves: the bus holds no lock when it calls them.

use std::pin::Pin;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};
use std::time::Duration;

use oxide_bus::{AsyncBus, Bus, Draft, Grant, Publisher, SubscribeOptions};

use uuid::Uuid;

use crate::support::task::Task;
use crate::{LOSSLESS, current_thread, envelope, kinds, poll_once};

/// Nobody drives a clock here.
const LONG: Duration = Duration::from_secs(10);

type Waiting = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs its action when it is first woken.
struct Acts {
    act: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Wake for Acts {
    fn wake(self: Arc<Self>) {
        let act = self.act.lock().unwrap().take();
        if let Some(act) = act {
            act();
        }
    }
}

impl Acts {
    fn have_acted(&self) -> bool {
        self.act.lock().unwrap().is_none()
    }
}

type Act = fn(&Bus<u64>, &Mutex<Option<Waiting>>);

/// What the wakers do with the bus, and with the future that waits.
const ACTS: [Act; 6] = [
    |bus, _| drop(bus.publish(envelope(9))),
    |bus, _| drop((bus.subscribe(), kinds().map(|it| bus.subscribe_with(it)))),
    |bus, _| {
        bus.grant(Grant::new("count").rate(1, 1)).unwrap();
        bus.revoke("count");
    },
    |bus, _| bus.close(),
    |_, waiting| drop(waiting.lock().unwrap().take()),
    |bus, _| {
        let asks = bus.clone().into_async();
        let mut asked = Box::pin(asks.request("counter", 9));
        let _pending = poll_once(asked.as_mut(), Waker::noop());
    },
];

/// How a task comes to wait, and what wakes it.
type Site = fn(&Bus<u64>) -> (Waiting, Box<dyn FnOnce() + Send>);

#[track_caller]
fn assert_wakers_may_act(site: Site) {
    for act in ACTS {
        for ordered in [false, true] {
            let woken = Task::start(move || {
                let runtime = current_thread();
                let _time = runtime.enter();
                let bus = Bus::<u64>::builder();
                let bus = if ordered { bus.total_order() } else { bus }.build();
                let (waits, wake) = site(&bus);
                let waiting = Arc::new(Mutex::new(Some(waits)));
                let acts = Arc::new(Acts {
                    act: Mutex::new(Some(Box::new({
                        let (bus, waiting) = (bus.clone(), Arc::clone(&waiting));
                        move || act(&bus, &waiting)
                    }))),
                });
                {
                    let mut waiting = waiting.lock().unwrap();
                    let waits = waiting.as_mut().unwrap().as_mut();
                    assert!(poll_once(waits, &Waker::from(Arc::clone(&acts))).is_pending());
                }
                wake();
                assert!(acts.have_acted());
                let is_over = bus.publish(envelope(0)).is_err();
                assert_eq!(is_over, bus.is_closed());
                drop(waiting.lock().unwrap().take());
                Arc::strong_count(&acts)
            });
            assert_eq!(woken.end(), 1, "its waker is kept");
        }
    }
}

fn receives(bus: &Bus<u64>, kind: usize) -> Waiting {
    let [.., options] = &kinds()[..=kind] else {
        unreachable!()
    };
    let mut subscription = bus.subscribe_with(options.clone()).unwrap().into_async();
    Box::pin(async move { while subscription.recv().await.is_ok() {} })
}

fn wakes_by_publishing(bus: &Bus<u64>) -> Box<dyn FnOnce() + Send> {
    let bus = bus.clone();
    Box::new(move || drop(bus.publish(envelope(1))))
}

#[test]
fn the_waker_of_a_receiver_may_use_the_bus() {
    assert_wakers_may_act(|bus| (receives(bus, 0), wakes_by_publishing(bus)));
    assert_wakers_may_act(|bus| (receives(bus, 1), wakes_by_publishing(bus)));
    assert_wakers_may_act(|bus| (receives(bus, 2), wakes_by_publishing(bus)));
    assert_wakers_may_act(|bus| (receives(bus, 3), wakes_by_publishing(bus)));
    assert_wakers_may_act(|bus| {
        let closes = bus.clone();
        (receives(bus, 0), Box::new(move || closes.close()))
    });
}

#[test]
fn the_waker_of_a_task_that_holds_an_open_segment_may_use_the_bus() {
    assert_wakers_may_act(|bus| {
        let receives = receives(bus, 0);
        for number in 0..3 {
            bus.publish(envelope(number)).unwrap(); // the last segment has free slots
        }
        (receives, wakes_by_publishing(bus))
    });
}

/// Returns the answer to the request with this id.
fn answer(request: Uuid) -> Draft<u64> {
    Draft::new(1).with_correlation_id(request)
}

/// Answers another request when the answer to its own arrives.
struct Answers {
    publisher: Publisher<u64>,
    next: Option<Uuid>,
}

impl Wake for Answers {
    fn wake(self: Arc<Self>) {
        if let Some(next) = self.next {
            self.publisher.publish(answer(next)).unwrap();
        }
    }
}

#[test]
fn a_waker_may_answer_another_request() {
    let bus = Bus::<u64>::new();
    bus.grant("ask").unwrap();
    let mut questions = bus.subscribe();
    let publisher = bus.publisher("asker", "ask");
    let asks = publisher.clone().with_request_timeout(None).into_async();
    let mut next = None;
    let mut asked = Vec::new();
    for number in 0..5 {
        let mut request = Box::pin(asks.request(number));
        let answers = Answers {
            publisher: publisher.clone(),
            next,
        };
        assert!(poll_once(request.as_mut(), &Waker::from(Arc::new(answers))).is_pending());
        next = Some(questions.try_recv().unwrap().id);
        asked.push(request);
    }
    publisher.publish(answer(next.unwrap())).unwrap();
    assert_eq!(questions.len(), 5);
    for request in &mut asked {
        assert!(poll_once(request.as_mut(), Waker::noop()).is_ready());
    }
}

/// The publisher waits for a subscriber without room.
fn publishes(
    bus: &Bus<u64>,
    options: SubscribeOptions<u64>,
) -> (Waiting, Box<dyn FnOnce() + Send>) {
    let options = options.capacity(1).overflow(LOSSLESS);
    let mut subscription = bus.subscribe_with(options).unwrap();
    bus.publish(envelope(0)).unwrap();
    let tasks = bus.clone().into_async();
    let publishes = Box::pin(async move {
        let _published = tasks.publish(envelope(1)).await;
    });
    let makes_room = Box::new(move || {
        while subscription.try_recv().is_ok() {}
        drop(subscription);
    });
    (publishes, makes_room)
}

#[test]
fn the_waker_of_a_task_that_waits_for_room_may_use_the_bus() {
    assert_wakers_may_act(|bus| publishes(bus, SubscribeOptions::new()));
    assert_wakers_may_act(|bus| publishes(bus, SubscribeOptions::new().source("counter")));
}

#[test]
fn the_waker_of_a_requester_may_use_the_bus() {
    assert_wakers_may_act(|bus| {
        let mut questions = bus.subscribe();
        let tasks = bus.clone().into_async();
        bus.grant("answer").unwrap();
        let server = bus.publisher("server", "answer");
        let asks = Box::pin(async move {
            let _answer = tasks.request("counter", 1).await;
        });
        let answers = move || {
            let question = questions.recv().unwrap();
            drop(server.reply(&question, 2));
        };
        (asks, Box::new(answers))
    });
}

#[test]
fn the_waker_of_a_task_that_waits_for_subscribers_may_use_the_bus() {
    assert_wakers_may_act(|bus| {
        let tasks: AsyncBus<u64> = bus.clone().into();
        let bus = bus.clone();
        let waits = Box::pin(async move {
            let _are_there = tasks.wait_for_subscribers(9, LONG).await;
        });
        (waits, Box::new(move || drop(bus.subscribe())))
    });
}

#[test]
fn the_waker_of_a_task_that_revokes_may_use_the_bus() {
    for is_granted_again in [false, true] {
        let site = if is_granted_again {
            |bus: &Bus<u64>| revokes(bus, true)
        } else {
            |bus: &Bus<u64>| revokes(bus, false)
        };
        assert_wakers_may_act(site);
    }
}

/// A publish is in flight until it is told to go on, or the capability is granted again.
fn revokes(bus: &Bus<u64>, is_granted_again: bool) -> (Waiting, Box<dyn FnOnce() + Send>) {
    let (stopped, is_there) = channel();
    let (go_on, may) = channel::<()>();
    let may = Mutex::new(may);
    let options = SubscribeOptions::new().source("slow").predicate(move |_| {
        stopped.send(()).unwrap();
        may.lock().unwrap().recv().unwrap();
        true
    });
    let subscription = bus.subscribe_with(options).unwrap();
    bus.grant("count").unwrap();
    let publisher = bus.publisher("slow", "count");
    let publishing = Task::start(move || publisher.publish(7).is_ok());
    is_there.recv().unwrap();

    let tasks = bus.clone().into_async();
    let revokes = Box::pin(async move {
        let _drained = tasks.revoke_and_drain("count", LONG).await;
    });
    let bus = bus.clone();
    let wakes = move || {
        if is_granted_again {
            bus.grant("count").unwrap();
        }
        go_on.send(()).unwrap();
        let _unless_closed = publishing.end();
        drop(subscription);
    };
    (revokes, Box::new(wakes))
}
