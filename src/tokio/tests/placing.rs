//! Tests of publishing tasks that wait: for a subscriber that overrides the limit, as the audit log does; and at
//! which queue they wait for room.

use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::task::Context;
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::time::timeout;

use super::placing::place;
use crate::bus::options::SubscribeOptions;
use crate::message::overflow::Overflow;
use crate::queue::terms::Terms;
use crate::queue::vacancy::Vacancy;
use crate::support::wait_list::Waking;
use crate::support::wait_list::tests::Counter;
use crate::{Bus, Envelope};

fn envelope(number: u32) -> Envelope<u32> {
    Envelope::new("counter", number)
}

#[test]
fn a_subscriber_that_overrides_the_limit_is_waited_for_beyond_the_time_out_while_other_tasks_run() {
    let (done, ended) = channel();
    // If the publish blocks, it blocks a thread of its own, and the test fails by its time-out.
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        for source in [None, Some("counter")] {
            let bus = Bus::<u32>::new();
            let lossless = Overflow::Block;
            let options = || {
                let options = SubscribeOptions::new().capacity(1).overflow(lossless);
                match source {
                    None => options,
                    Some(source) => options.source(source),
                }
            };
            let mut overrides_limit = bus.subscribe_with(options().override_limit()).unwrap();
            let other = bus.subscribe_with(options()).unwrap();
            runtime.block_on(async {
                let bus = bus.into_async();
                bus.publish(envelope(1)).await.unwrap();
                let mut publisher = tokio::spawn(async move {
                    let moment = Duration::from_millis(1);
                    bus.publish_timeout(envelope(2), moment).await.unwrap()
                });
                let moment = Duration::from_millis(10);
                assert!(timeout(moment, &mut publisher).await.is_err(), "it waits");
                assert_eq!((overrides_limit.len(), other.dropped()), (1, 0));
                assert_eq!(overrides_limit.recv().unwrap().message, 1);
                let receipt = publisher.await.unwrap();
                assert_eq!((receipt.delivered(), receipt.dropped()), (1, 1));
                assert_eq!(overrides_limit.recv().unwrap().message, 2);
                assert_eq!((other.len(), other.dropped()), (1, 1));
            });
        }
        done.send(()).unwrap();
    });
    ended.recv_timeout(Duration::from_secs(10)).unwrap();
}

/// Other publishers may take a free place at any time, so another queue may be the full one at each attempt.
#[test]
fn a_task_that_waits_for_room_sleeps_at_the_queue_that_was_in_its_way_last() {
    for (in_its_way, tries, wakes) in [
        (&[0, 0][..], 2, [true, false]),
        (&[0, 1, 1], 3, [true, true]),
        (&[0, 1, 0], 3, [true, true]),
        (&[1, 1], 2, [false, true]),
    ] {
        for (queue, wakes) in wakes.into_iter().enumerate() {
            let queues = [(); 2].map(|()| {
                let mut terms = Terms::new(1, Overflow::Block);
                terms.vacancy = Some(Arc::new(Vacancy::new(1, Waking::ByTree)));
                Arc::new(terms)
            });
            let mut tried = 0;
            let mut refused = in_its_way.iter().map(|&queue: &usize| &queues[queue]);
            let (counter, waker) = Counter::new();
            {
                let mut context = Context::from_waker(&waker);
                let mut placed = pin!(place(|| {
                    tried += 1;
                    refused.next().map_or(Ok(()), |full| Err(Arc::clone(full)))
                }));
                assert!(placed.as_mut().poll(&mut context).is_pending());
                queues[queue].wake_publishers();
                assert_eq!(counter.woken() > 0, wakes);
                assert!(placed.as_mut().poll(&mut context).is_ready());
            }
            assert_eq!(tried, tries + 1);
            drop(waker);
            assert_eq!(Arc::strong_count(&counter), 1);
        }
    }
}
