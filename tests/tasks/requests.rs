//! Requests of tasks.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use oxide_bus::{AsyncBus, Bus, Overflow, SubscribeOptions};

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
