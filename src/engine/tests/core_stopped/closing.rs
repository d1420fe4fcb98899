//! A thread stops while the bus closes.

#[cfg(feature = "tokio")]
use std::{
    pin::pin,
    task::{Context, Poll},
};

use super::{TEST_TIMEOUT, lossless, publish, queued, stop_publish};
use crate::bus::options::SubscribeOptions;
#[cfg(feature = "tokio")]
use crate::queue::recv_error::RecvError;
use crate::queue::recv_error::{RecvTimeoutError, TryRecvError};
use crate::support::failpoints::{Step, stop};
#[cfg(feature = "tokio")]
use crate::support::wait_list::tests::Counter;
use crate::{Bus, Envelope};

#[test]
fn a_subscriber_that_leaves_while_the_bus_closes_takes_no_account_with_it() {
    let bus = Bus::<u32>::new();
    let leaving = bus.subscribe();
    let mut staying = (bus.subscribe_with(SubscribeOptions::new().capacity(2))).expect("open");
    let receipts = [0, 1, 2].map(|number| publish(&bus, number).dropped());
    assert_eq!(receipts, [0, 0, 1]);

    let leaving = stop(Step::Listed, 1, move || drop(leaving));
    let closing = stop(Step::Listed, 1, {
        let bus = bus.clone();
        move || bus.close()
    });
    leaving.release();
    closing.release();
    assert_eq!((staying.len(), staying.dropped()), (2, 1));
    assert_eq!(staying.recv().map(|it| it.message), Ok(0));
    assert_eq!(staying.recv().map(|it| it.message), Ok(1));
    assert!(matches!(staying.recv(), Err(error) if error.missed().is_some()));
    assert!(staying.recv().is_err());
}

#[test]
fn a_publish_fails_after_any_close_has_returned_though_another_is_stopped_in_the_middle() {
    let bus = Bus::<u32>::new();
    let mut subscription = bus.subscribe();
    publish(&bus, 0);
    publish(&bus, 1); // the segment has a slot to spare
    let closing = stop(Step::Listed, 1, {
        let bus = bus.clone();
        move || bus.close()
    });
    bus.close();
    assert!(bus.publish(Envelope::new("test", 2)).is_err());
    assert_eq!(queued(&mut subscription), [0, 1]);
    assert_eq!(
        subscription.try_recv().unwrap_err(),
        TryRecvError::Disconnected
    );
    closing.release();
    assert_eq!(subscription.dropped(), 0);
}

#[test]
fn no_subscriber_that_leaves_while_the_bus_closes_is_counted_in_a_receipt_after_it_has_left() {
    let bus = Bus::<u32>::new();
    let subscription = bus.subscribe();
    publish(&bus, 0);
    publish(&bus, 1); // the segment has a slot to spare
    let closing = stop(Step::Listed, 1, {
        let bus = bus.clone();
        move || bus.close()
    });
    drop(subscription);
    if let Ok(receipt) = bus.publish(Envelope::new("test", 1)) {
        assert_eq!(receipt.matched(), 0);
    }
    closing.release();
}

#[test]
fn a_subscriber_that_publishers_wait_for_learns_of_the_end_though_one_is_stopped() {
    let bus = Bus::<u32>::new();
    let mut audit = lossless(&bus);
    let stopped = stop_publish(&bus, Step::Installed, 1, 1);
    bus.close();
    let received = audit.recv_timeout(TEST_TIMEOUT).map(|it| it.message);
    assert_eq!(received, Ok(1));
    let end = audit.recv_timeout(TEST_TIMEOUT).unwrap_err();
    assert_eq!(end, RecvTimeoutError::Disconnected);
    stopped.release();
}

#[test]
fn one_that_is_closed_has_exact_accounts_and_learns_of_its_end_though_a_publisher_is_stopped() {
    for step in [Step::Installing, Step::Installed, Step::HandedOver] {
        let bus = Bus::<u32>::new();
        let mut closed = bus.subscribe();
        publish(&bus, 0);
        let stopped = stop_publish(&bus, step, 1, 1);
        closed.close();
        publish(&bus, 2);
        assert_eq!(closed.recv().map(|it| it.message), Ok(0));
        if step != Step::Installing {
            assert_eq!(closed.recv().map(|it| it.message), Ok(1));
        }
        let end = closed.recv_timeout(TEST_TIMEOUT).unwrap_err();
        assert_eq!(end, RecvTimeoutError::Disconnected);
        assert_eq!((closed.len(), closed.dropped()), (0, 0));
        let delivered = usize::from(step != Step::Installing);
        assert_eq!(stopped.release().delivered(), delivered);
    }
}

#[cfg(feature = "tokio")]
#[test]
fn a_task_that_waits_is_woken_by_the_end_though_one_is_stopped() {
    let bus = Bus::<u32>::new();
    let mut subscription = bus.subscribe().into_async();
    let stopped = stop(Step::Installing, 1, {
        let bus = bus.clone();
        move || bus.publish(Envelope::new("test", 0)).is_err()
    });
    let (counter, waker) = Counter::new();
    let mut context = Context::from_waker(&waker);
    let mut end = pin!(subscription.recv());
    assert!(end.as_mut().poll(&mut context).is_pending());
    bus.close();
    assert_eq!(counter.woken(), 1);
    let end = end.as_mut().poll(&mut context);
    assert!(matches!(end, Poll::Ready(Err(RecvError::Disconnected))));
    assert!(stopped.release());
}
