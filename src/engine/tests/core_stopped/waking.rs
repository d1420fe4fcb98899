//! The places where wakers run: never under the order lock.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use futures_core::Stream;

use super::publish;
use crate::bus::options::SubscribeOptions;
use crate::{Bus, Envelope};

/// Counts how often it finds the order lock free, and how often taken.
struct Looks {
    bus: Bus<u32>,
    free: AtomicUsize,
    taken: AtomicUsize,
}

impl Wake for Looks {
    fn wake(self: Arc<Self>) {
        let order = self.bus.core.order.as_ref().expect("one order for all");
        let found = match order.try_lock() {
            Some(_) => &self.free,
            None => &self.taken,
        };
        found.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_task_is_woken_to_learn_of_a_loss_when_no_turn_is_taken() {
    let bus = Bus::<u32>::builder().total_order().build();
    let looks = Arc::new(Looks {
        bus: bus.clone(),
        free: AtomicUsize::new(0),
        taken: AtomicUsize::new(0),
    });
    let _roomy = bus.subscribe();
    let full = SubscribeOptions::new().capacity(1);
    let slow = bus.subscribe_with(full).expect("open").into_async();
    let slow = Arc::new(Mutex::new(slow));
    (0..2).for_each(|number| _ = publish(&bus, number)); // it has lost one, and the segment has a free slot
    let goes_to_sleep = {
        let (slow, looks) = (Arc::clone(&slow), Arc::clone(&looks));
        move |envelope: &Envelope<u32>| {
            // The publisher has seen that there is no room, and claims its slot after this.
            if envelope.message == 2 {
                let mut slow = slow.lock().expect("nobody has panicked");
                assert_eq!(slow.try_recv().map(|it| it.message), Ok(0));
                assert_eq!(slow.try_recv().unwrap_err().missed(), Some(1));
                let waker = Waker::from(Arc::clone(&looks));
                let polled = Pin::new(&mut *slow).poll_next(&mut Context::from_waker(&waker));
                assert!(polled.is_pending());
            }
            true
        }
    };
    let _filtered = bus
        .subscribe_with(SubscribeOptions::new().predicate(goes_to_sleep))
        .expect("open");
    assert_eq!(publish(&bus, 2).dropped(), 1);
    let found = [&looks.free, &looks.taken].map(|it| it.load(Ordering::Relaxed));
    assert_eq!(found, [1, 0]);
}
