//! Requests of tasks.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread::yield_now;

use oxide_bus::{AsyncBus, Bus, Envelope, Overflow, RecvError, RequestError, SubscribeOptions};

use crate::support::task::Task;
use crate::{Counter, current_thread, envelope, poll_once, two_threads};

#[test]
fn a_hundred_thousand_requests_given_up_leave_nothing_behind() {
    let bus = AsyncBus::<u64>::new();
    let options = SubscribeOptions::new().overflow(Overflow::DropOldest);
    let _nobody_answers = Bus::from(bus.clone()).subscribe_with(options).unwrap();
    let (counter, waker) = Counter::new();
    for number in 0..100_000 {
        let mut request = pin!(bus.request(envelope(number)));
        assert!(poll_once(request.as_mut(), &waker).is_pending());
    }
    drop(waker);
    assert_eq!(Arc::strong_count(&counter), 1);
    // There may be 65,536 at once: none of them counts any more.
    let runtime = current_thread();
    let answered = runtime.block_on(async {
        bus.grant_capability("answer".into()).await;
        let server = bus.publisher("server", "answer");
        let mut questions = bus.subscribe().await;
        tokio::spawn(async move {
            let question = questions.recv().await.unwrap();
            question.reply_async(&server, 7).await
        });
        bus.request(envelope(0)).await
    });
    assert_eq!(answered.unwrap().message, 7);
}

/// Some are given up before the answer is there, some when it is, and some take it.
#[test]
fn a_hundred_thousand_requests_given_up_while_others_answer_and_publish_leave_nothing_behind() {
    type Counted = (Arc<()>, usize);
    const REQUESTS: usize = 100_000;

    let bus = Bus::<Counted>::new();
    let token = Arc::new(());
    bus.grant_capability("answer".into());
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
                        usize::from(question.reply(&server, question.message.clone()).is_ok());
                }
                Err(RecvError::Lagged(_)) => {}
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
                    yield_now(); // who asks is to get on, on few processors too
                }
            }
        })
    };

    let (counter, waker) = Counter::new();
    let tasks = bus.clone().into_async();
    let mut taken = 0;
    for number in 0..REQUESTS {
        let question = Envelope::new("asker", (Arc::clone(&token), number));
        let mut request = pin!(tasks.request(question));
        for _look in 0..number % 4 * 8 {
            if let Poll::Ready(answer) = poll_once(request.as_mut(), &waker) {
                assert_eq!(answer.unwrap().message.1, number);
                taken += 1;
                break;
            }
        }
    }
    // Nothing holds up those that come after: this one is answered.
    let question = Envelope::new("asker", (Arc::clone(&token), REQUESTS));
    let answer = current_thread().block_on(tasks.request(question)).unwrap();
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
fn who_asks_gets_his_own_answer_among_many() {
    two_threads().block_on(async {
        let bus = AsyncBus::<u64>::new();
        bus.grant_capability("answer".into()).await;
        let server = bus.publisher("server", "answer");
        let options = SubscribeOptions::new().source("counter").capacity(1_000);
        let mut questions = bus.subscribe_with(options).await.unwrap();
        tokio::spawn(async move {
            while let Ok(question) = questions.recv().await {
                let square = question.message * question.message;
                question.reply_async(&server, square).await.unwrap();
            }
        });
        let askers: Vec<_> = (0..20)
            .map(|asker| {
                let bus = bus.clone();
                tokio::spawn(async move {
                    for number in (asker * 100)..(asker * 100 + 100) {
                        let answer = bus.request(envelope(number)).await.unwrap();
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
fn who_asks_learns_that_the_bus_closes() {
    let bus = AsyncBus::<u64>::new();
    let _nobody_answers = Bus::from(bus.clone()).subscribe();
    let (counter, waker) = Counter::new();
    let mut request = pin!(bus.request(envelope(0)));
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
    let bus = Bus::<u64>::builder().max_requests(1).build();
    let _questions = bus.subscribe();
    bus.grant_capability("ask".into());
    let client = bus.publisher("client", "ask").into_async();
    for _ in 0..3 {
        let mut asks = Box::pin(client.request(1));
        let mut context = Context::from_waker(Waker::noop());
        assert!(asks.as_mut().poll(&mut context).is_pending());
        let mut asks_too = Box::pin(client.request(2));
        let Poll::Ready(Err(error)) = asks_too.as_mut().poll(&mut context) else {
            panic!("one waits already");
        };
        assert!(matches!(error, RequestError::Quota { limit: 1, .. }));
    }
}
