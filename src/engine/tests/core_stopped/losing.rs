//! A publisher that is stopped when it has lost the race.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::{self, ThreadId};

use crate::bus::options::SubscribeOptions;
use crate::support::failpoints::{Step, stop};
use crate::support::sync::Mutex;
use crate::{Bus, Envelope, Payload};

/// A payload that looks, when it is dropped, whether the order lock is free.
struct LooksAtTheLock(
    u32,
    Arc<OnceLock<Bus<LooksAtTheLock>>>,
    Sender<(ThreadId, bool)>,
);

impl Payload for LooksAtTheLock {}

impl Drop for LooksAtTheLock {
    fn drop(&mut self) {
        let order = self.1.get().and_then(|bus| bus.core.order.as_ref());
        let is_free = order.is_none_or(|order| order.try_lock().is_some());
        _ = self.2.send((thread::current().id(), is_free));
    }
}

/// A publisher that has lost the race still has the head of the winner, which may be the last handle on it.
#[test]
fn nothing_is_dropped_under_the_order_lock_by_a_publisher_that_has_lost_the_race() {
    let (dropped, drops) = channel();
    let whole = Arc::new(OnceLock::new());
    let bus = Bus::<LooksAtTheLock>::builder().total_order().build();
    assert!(whole.set(bus.clone()).is_ok());
    let (asked, is_asked) = channel();
    let (go_on, goes_on) = channel::<()>();
    let goes_on = Mutex::new(goes_on);
    let only_the_first = move |envelope: &Envelope<LooksAtTheLock>| {
        let is_first = envelope.message.0 == 0;
        if is_first {
            asked
                .send(thread::current().id())
                .expect("the test waits for it");
            goes_on.lock().recv().expect("the test releases it");
        }
        is_first
    };
    let options = SubscribeOptions::new().predicate(only_the_first);
    let _subscription = bus.subscribe_with(options).expect("open");
    let publish = {
        let (bus, whole) = (bus.clone(), Arc::clone(&whole));
        move |number| {
            let payload = LooksAtTheLock(number, Arc::clone(&whole), dropped.clone());
            bus.publish(Envelope::new("test", payload)).expect("open")
        }
    };
    let loser = thread::spawn({
        let publish = publish.clone();
        move || stop(Step::Lost, 1, move || publish(0))
    });
    let its_thread = is_asked.recv().expect("it makes its head");
    publish(1); // installs another one first, and needs no lock, since it matches no filter
    go_on.send(()).expect("it waits");
    let loser = loser.join().expect("it has lost");
    (2..200).for_each(|number| _ = publish(number)); // until the winner's head is out of use
    assert_eq!(loser.release().delivered(), 1);
    // Meanwhile it holds the lock, so others find it taken.
    let its_drops: Vec<_> = drops.try_iter().filter(|it| it.0 == its_thread).collect();
    assert_eq!(its_drops, [(its_thread, true)]);
}
