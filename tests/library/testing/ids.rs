//! Seeded ids.

use std::collections::HashSet;
use std::thread;

use oxide_bus::testing::SeededIds;
use oxide_bus::uuid::{Uuid, Version};
use oxide_bus::{Bus, Envelope};

fn draw(seed: u64) -> Vec<Uuid> {
    let _entered = SeededIds::new(seed).enter();
    let bus = Bus::<u32>::new();
    let mut numbers = bus.subscribe();
    let id = bus.trusted_publisher("counter").publish(1).unwrap().id();
    assert_eq!(numbers.recv().unwrap().id, id);
    vec![numbers.id(), id, Envelope::new("counter", 2).id]
}

#[test]
fn envelopes_and_subscriptions_have_the_same_ids_with_the_same_seed() {
    assert_eq!(draw(7), draw(7));
    assert!(draw(7).iter().all(|id| !draw(8).contains(id)));
}

#[test]
fn they_are_the_same_in_each_version_and_on_each_machine() {
    let _entered = SeededIds::new(7).enter();
    let ids = [1, 2].map(|number| Envelope::new("counter", number).id.to_string());
    assert_eq!(
        ids,
        [
            "00dc6acf-ac00-7000-b17f-16639c1f9ca4",
            "00dc6acf-ac01-7000-8e3d-35d2d147a308"
        ]
    );
}

#[test]
fn they_sort_as_they_were_made_and_are_version_7() {
    let _entered = SeededIds::new(7).enter();
    let ids: Vec<_> = (0..1_000)
        .map(|number| Envelope::new("counter", number).id)
        .collect();
    assert!(ids.is_sorted());
    assert!(
        ids.iter()
            .all(|id| id.get_version() == Some(Version::SortRand))
    );
}

#[test]
fn no_id_comes_twice_where_threads_share_a_sequence() {
    let shared = SeededIds::new(7);
    let threads = [(); 4].map(|()| {
        let shared = shared.clone();
        thread::spawn(move || {
            let _entered = shared.enter();
            let ids = (0..250).map(|number| Envelope::new("counter", number).id);
            ids.collect::<Vec<_>>()
        })
    });
    let ids: HashSet<Uuid> = (threads.into_iter())
        .flat_map(|thread| thread.join().unwrap())
        .collect();
    assert_eq!(ids.len(), 1_000);
}
