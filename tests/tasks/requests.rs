//! Tests of the requests of tasks.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread::yield_now;
use std::time::Duration;

use futures::StreamExt as _;
use oxide_bus::{
    AsyncBus, Bus, Delivery, Envelope, Overflow, RecvError, RequestError, SubscribeOptions,
};
use tokio::task::yield_now as let_others_run;

use crate::support::task::Task;
use crate::{Counter, LOSSLESS, current_thread, envelope, poll_once, two_threads};

/// Only a failing test waits that long.
const LONG: Duration = Duration::from_secs(10);

const MOMENT: Duration = Duration::from_millis(2);

/// Returns a bus whose requests need no clock.
fn untimed() -> AsyncBus<u64> {
    Bus::builder().request_timeout(None).build().into_async()
}

fn timed(timeout: Duration) -> AsyncBus<u64> {
    Bus::builder().request_timeout(timeout).build().into_async()
}

#[test]
fn a_hundred_thousand_requests_given_up_leave_nothing_behind() {
    let bus = untimed();
    let options = SubscribeOptions::new().overflow(Overflow::DropOldest);
    let _nobody_answers = Bus::from(bus.clone()).subscribe_with(options).unwrap();
    let (counter, waker) = Counter::new();
    for number in 0..100_000 {
        let mut request = pin!(bus.request("counter", number));
        assert!(poll_once(request.as_mut(), &waker).is_pending());
    }
    drop(waker);
    assert_eq!(Arc::strong_count(&counter), 1);
    // At most 65,536 may be pending at once: none of those dropped above counts any more.
    let runtime = current_thread();
    let answered = runtime.block_on(async {
        bus.grant("answer").unwrap();
        let server = bus.publisher("server", "answer");
        let mut questions = bus.subscribe().await;
        tokio::spawn(async move {
            let question = questions.recv().await.unwrap();
            server.reply(&question, 7).await
        });
        bus.request("counter", 0).await
    });
    assert_eq!(answered.unwrap().message, 7);
}

/// Some are dropped before the answer is there, some when it is, and some take it.
#[test]
fn a_hundred_thousand_requests_given_up_while_others_answer_and_publish_leave_nothing_behind() {
    type Counted = (Arc<()>, usize);
    const REQUESTS: usize = 100_000;

    let bus = Bus::<Counted>::builder().request_timeout(None).build();
    let token = Arc::new(());
    bus.grant("answer").unwrap();
    let newest = SubscribeOptions::new()
        .source("asker")
        .overflow(Overflow::DropOldest);
    let mut questions = bus.subscribe_with(newest).unwrap();
    let server = bus.publisher("server", "answer");
    let answering = Task::start(move || {
        let mut answered = 0;
        loop {
            match questions.recv() {
                Ok(question) => {
                    answered +=
                        usize::from(server.reply(&question, question.message.clone()).is_ok());
                }
                Err(RecvError::Lagged { .. }) => {}
                Err(_end) => return answered,
            }
        }
    });
    let publishing = {
        let (bus, token) = (bus.clone(), Arc::clone(&token));
        Task::start(move || {
            let mut published = 0;
            loop {
                let other = Envelope::new("other", (Arc::clone(&token), published));
                let unasked = other.id;
                if bus.publish(other.with_correlation_id(unasked)).is_err() {
                    return published;
                }
                published += 1;
                if published % 8 == 0 {
                    yield_now(); // lets the asker run, on few processors too
                }
            }
        })
    };

    let (counter, waker) = Counter::new();
    let tasks = bus.clone().into_async();
    let mut taken = 0;
    for number in 0..REQUESTS {
        let question = (Arc::clone(&token), number);
        let mut request = pin!(tasks.request("asker", question));
        for _look in 0..number % 4 * 8 {
            if let Poll::Ready(answer) = poll_once(request.as_mut(), &waker) {
                assert_eq!(answer.unwrap().message.1, number);
                taken += 1;
                break;
            }
        }
    }
    // Nothing delays the questions that come after: this one is answered.
    let question = (Arc::clone(&token), REQUESTS);
    let answer = (current_thread().block_on(tasks.request("asker", question))).unwrap();
    assert_eq!(answer.message.1, REQUESTS);
    drop((answer, waker, tasks));
    bus.close();
    drop(bus);
    println!(
        "{taken} taken, {} answered, {} others",
        answering.end(),
        publishing.end()
    );
    assert_eq!(Arc::strong_count(&counter), 1, "no waker is left");
    assert_eq!(Arc::strong_count(&token), 1, "no envelope is left");
}

#[test]
fn each_caller_gets_its_own_answer_among_many() {
    two_threads().block_on(async {
        let bus = untimed();
        bus.grant("answer").unwrap();
        let server = bus.publisher("server", "answer");
        let options = SubscribeOptions::new().source("counter").capacity(1_000);
        let mut questions = bus.subscribe_with(options).await.unwrap();
        tokio::spawn(async move {
            while let Ok(question) = questions.recv().await {
                let square = question.message * question.message;
                server.reply(&question, square).await.unwrap();
            }
        });
        let askers: Vec<_> = (0..20)
            .map(|asker| {
                let bus = bus.clone();
                tokio::spawn(async move {
                    for number in (asker * 100)..(asker * 100 + 100) {
                        let answer = bus.request("counter", number).await.unwrap();
                        assert_eq!(answer.message, number * number);
                    }
                })
            })
            .collect();
        for asker in askers {
            asker.await.unwrap();
        }
    });
}

#[test]
fn a_caller_that_waits_for_an_answer_learns_that_the_bus_closes() {
    let bus = untimed();
    let _nobody_answers = Bus::from(bus.clone()).subscribe();
    let (counter, waker) = Counter::new();
    let mut request = pin!(bus.request("counter", 0));
    assert!(poll_once(request.as_mut(), &waker).is_pending());
    bus.close();
    assert_eq!(counter.woken(), 1);
    match poll_once(request.as_mut(), &waker) {
        Poll::Ready(Err(error)) => assert!(error.is_closed()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_request_that_is_given_up_counts_no_more_and_one_that_waits_does() {
    let bus = Bus::<u64>::builder()
        .max_requests(1)
        .request_timeout(None)
        .build();
    let _questions = bus.subscribe();
    bus.grant("ask").unwrap();
    let client = bus.publisher("client", "ask").into_async();
    for _ in 0..3 {
        let mut asks = Box::pin(client.request(1));
        let mut context = Context::from_waker(Waker::noop());
        assert!(asks.as_mut().poll(&mut context).is_pending());
        let mut asks_too = Box::pin(client.request(2));
        let Poll::Ready(Err(error)) = asks_too.as_mut().poll(&mut context) else {
            panic!("one waits already");
        };
        assert!(matches!(
            error,
            RequestError::TooManyPending { limit: 1, .. }
        ));
    }
}

#[test]
fn without_a_builder_1024_requests_may_be_pending_under_one_capability() {
    let bus = untimed().into_sync();
    let options = SubscribeOptions::new().capacity(2_000);
    let _questions = bus.subscribe_with(options).unwrap();
    bus.grant("ask").unwrap();
    let client = bus.publisher("client", "ask").into_async();
    let mut context = Context::from_waker(Waker::noop());
    let pending: Vec<_> = (0..1_024)
        .map(|number| {
            let mut asks = Box::pin(client.request(number));
            assert!(asks.as_mut().poll(&mut context).is_pending());
            asks
        })
        .collect();
    let mut one_more = Box::pin(client.request(1_024));
    let Poll::Ready(Err(error)) = one_more.as_mut().poll(&mut context) else {
        panic!("it is one too many");
    };
    assert!(matches!(
        error,
        RequestError::TooManyPending { limit: 1_024, .. }
    ));
    drop(pending);
}

/// Asks the same question through a bus with this time-out, and through a publisher. "ask" must be granted.
async fn asked_both_ways(
    bus: &AsyncBus<u64>,
    question: u64,
    timeout: Duration,
) -> [Result<Delivery<u64>, RequestError<u64>>; 2] {
    let client = bus.publisher("counter", "ask");
    [
        bus.request("counter", question).await,
        client.request_timeout(question, timeout).await,
    ]
}

#[test]
fn a_request_that_is_answered_in_time_has_its_answer() {
    current_thread().block_on(async {
        let bus = AsyncBus::<u64>::new();
        bus.grant("ask").unwrap();
        bus.grant("answer").unwrap();
        let server = bus.publisher("server", "answer");
        let from_askers = SubscribeOptions::new().source("counter");
        let mut questions = bus.subscribe_with(from_askers).await.unwrap();
        tokio::spawn(async move {
            while let Ok(question) = questions.recv().await {
                let next = question.message + 1;
                let_others_run().await; // a time-out of zero would have passed
                server.reply(&question, next).await.unwrap();
            }
        });
        for answer in asked_both_ways(&bus, 7, LONG).await {
            let answer = answer.unwrap();
            assert_eq!((answer.message, answer.source.as_str()), (8, "server"));
        }
    });
}

#[test]
fn a_request_that_nobody_answers_in_time_leaves_nothing() {
    let asking = Task::start(|| {
        current_thread().block_on(async {
            let bus = Bus::<u64>::builder()
                .max_requests(1)
                .request_timeout(MOMENT)
                .build();
            let bus = bus.into_async();
            bus.grant("ask").unwrap();
            bus.grant("answer").unwrap();
            let client = bus.publisher("counter", "ask");
            let server = bus.publisher("server", "answer");
            let mut questions = bus.subscribe().await;
            for _ in 0..2 {
                // If the first request were still pending, the second would be one too many.
                let answer = bus.request("counter", 7).await;
                assert!(answer.unwrap_err().is_timed_out());
                let answer = client.request_timeout(7, MOMENT).await;
                assert!(answer.unwrap_err().is_timed_out());
            }
            for _ in 0..4 {
                let question = questions.try_recv().unwrap();
                let late = server.reply(&question, 8).await.unwrap();
                assert_eq!(late.delivered(), 1, "it goes to subscribers all the same");
            }
            assert_eq!(questions.len(), 4);
        });
    });
    asking.end();
}

#[test]
fn the_time_out_of_a_request_is_for_the_wait_for_room_too() {
    let asking = Task::start(|| {
        current_thread().block_on(async {
            let bus = timed(MOMENT);
            bus.grant("ask").unwrap();
            let options = SubscribeOptions::new().capacity(1).overflow(LOSSLESS);
            let mut full = bus.subscribe_with(options).await.unwrap();
            bus.publish(envelope(0)).await.unwrap();
            for answer in asked_both_ways(&bus, 7, MOMENT).await {
                assert!(answer.unwrap_err().is_timed_out());
            }
            assert_eq!(full.try_recv().unwrap().message, 0);
            assert!(full.is_empty(), "what found no room is not asked");
            assert_eq!(full.dropped(), 0);
        });
    });
    asking.end();
}

/// Nobody drives the runtime's clock here, so only the close can wake the task.
#[test]
fn a_caller_with_a_time_out_learns_that_the_bus_closes() {
    let runtime = current_thread();
    let _inside = runtime.enter();
    let bus = timed(LONG);
    let _nobody_answers = Bus::from(bus.clone()).subscribe();
    Bus::from(bus.clone()).grant("ask").unwrap();
    let client = bus.publisher("counter", "ask");
    let (counter, waker) = Counter::new();
    let mut asks = pin!(bus.request("counter", 7));
    let mut asks_too = pin!(client.request_timeout(7, LONG));
    assert!(poll_once(asks.as_mut(), &waker).is_pending());
    assert!(poll_once(asks_too.as_mut(), &waker).is_pending());
    bus.close();
    assert_eq!(counter.woken(), 2);
    for answer in [
        poll_once(asks.as_mut(), &waker),
        poll_once(asks_too.as_mut(), &waker),
    ] {
        let Poll::Ready(Err(error)) = answer else {
            panic!("{answer:?}")
        };
        assert!(error.is_closed());
    }
}

#[test]
fn each_answer_comes_to_a_task_until_the_bus_closes() {
    current_thread().block_on(async {
        let bus = timed(LONG);
        bus.grant("ask").unwrap();
        let client = bus.publisher("counter", "ask");
        let mut questions = bus.subscribe().await;
        let mut replies = client.request_many(7, LONG).await.unwrap();
        assert_eq!(replies.receipt().delivered(), 1);
        let question = questions.recv().await.unwrap();
        let (counter, waker) = Counter::new();
        {
            let mut waits = pin!(replies.recv());
            assert!(poll_once(waits.as_mut(), &waker).is_pending());
            client.reply(&question, 1).await.unwrap();
            assert_eq!(counter.woken(), 1);
        }
        // The dropped waits have taken no answer.
        assert_eq!(replies.next().await.unwrap().message, 1);
        let mut waits = pin!(replies.next());
        assert!(poll_once(waits.as_mut(), &waker).is_pending());
        bus.close();
        assert_eq!(counter.woken(), 2);
        assert!(waits.await.is_none());
        drop(waker);
        assert_eq!(Arc::strong_count(&counter), 1, "no waker is left");
    });
}

#[test]
fn the_answers_to_a_task_end_in_time_though_somebody_goes_on_answering() {
    let asking = Task::start(|| {
        current_thread().block_on(async {
            let bus = timed(LONG);
            bus.grant("ask").unwrap();
            let client = bus.publisher("counter", "ask");
            let mut questions = bus.subscribe().await;
            let mut replies = client.request_many(7, MOMENT).await.unwrap();
            let question = questions.recv().await.unwrap();
            loop {
                client.reply(&question, 1).await.unwrap();
                if replies.recv().await.is_none() {
                    break;
                }
            }
            assert_eq!(bus.stats().pending_requests, 0);
            assert_eq!(replies.dropped(), 0);
        });
    });
    asking.end();
}

#[test]
fn a_question_for_many_that_finds_no_room_in_time_is_not_asked() {
    let asking = Task::start(|| {
        current_thread().block_on(async {
            let bus = timed(LONG);
            bus.grant("ask").unwrap();
            let options = SubscribeOptions::new().capacity(1).overflow(LOSSLESS);
            let mut full = bus.subscribe_with(options).await.unwrap();
            bus.publish(envelope(0)).await.unwrap();
            let client = bus.publisher("counter", "ask");
            let error = client.request_many(7, MOMENT).await.unwrap_err();
            assert!(matches!(error, RequestError::TimedOut(MOMENT)), "{error}");
            assert_eq!(full.try_recv().unwrap().message, 0);
            assert!(full.is_empty());
            assert_eq!(bus.stats().pending_requests, 0);
        });
    });
    asking.end();
}

#[test]
fn a_task_asks_with_the_time_out_of_its_publisher() {
    current_thread().block_on(async {
        let bus = timed(LONG);
        bus.grant("ask").unwrap();
        let _nobody_answers = bus.subscribe().await;
        let client = bus.publisher("counter", "ask").with_request_timeout(MOMENT);
        let error = client.request(7).await.unwrap_err();
        assert!(matches!(error, RequestError::TimedOut(MOMENT)), "{error}");
    });
}
