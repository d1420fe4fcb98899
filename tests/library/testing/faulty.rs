//! The faulty publisher: each fault happens by the seed, and is counted.

use std::collections::BTreeMap;
use std::time::Duration;

use oxide_bus::testing::{FaultyPublisher, ManualClock};
use oxide_bus::{Bus, Denial, Envelope, Subscription};

fn given() -> (
    Bus<u32>,
    Subscription<u32>,
    impl Fn(u64) -> FaultyPublisher<u32>,
) {
    let bus = Bus::<u32>::new();
    let options = oxide_bus::SubscribeOptions::new().capacity(10_000);
    let numbers = bus.subscribe_with(options).unwrap();
    let publisher = bus.trusted_publisher("counter");
    let faulty = move |seed| FaultyPublisher::new(publisher.clone(), seed);
    (bus, numbers, faulty)
}

fn publish(faulty: &mut FaultyPublisher<u32>, numbers: std::ops::Range<u32>) {
    for number in numbers {
        faulty.publish(number).unwrap();
    }
}

fn seen(numbers: &mut Subscription<u32>) -> Vec<u32> {
    numbers.try_iter().map(|it| it.unwrap().message).collect()
}

#[test]
fn without_faults_it_publishes_all_in_order() {
    let (_bus, mut numbers, faulty) = given();
    let mut faulty = faulty(7)
        .loses(0.0)
        .doubles(0.0)
        .reorders(0.0, 3)
        .delays(0.0, Duration::MAX);
    publish(&mut faulty, 0..100);
    assert!(seen(&mut numbers).into_iter().eq(0..100));
    let faults = faulty.faults();
    assert_eq!((faults.lost, faults.doubled, faults.held_back), (0, 0, 0));
}

#[test]
fn the_same_seed_makes_the_same_faults_and_another_one_makes_others() {
    let run = |seed| {
        let (_bus, mut numbers, faulty) = given();
        let mut faulty = faulty(seed).loses(0.2).doubles(0.2).reorders(0.2, 4);
        publish(&mut faulty, 0..200);
        faulty.release_all().unwrap();
        (seen(&mut numbers), faulty.faults())
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}

#[test]
fn all_that_is_not_lost_comes_once_or_twice_and_the_counts_are_exact() {
    for seed in 0..50 {
        let (_bus, mut numbers, faulty) = given();
        let mut faulty = faulty(seed).loses(0.1).doubles(0.3).reorders(0.5, 5);
        publish(&mut faulty, 0..300);
        faulty.release_all().unwrap();
        let mut times = BTreeMap::<u32, u64>::new();
        for number in seen(&mut numbers) {
            *times.entry(number).or_default() += 1;
        }
        let faults = faulty.faults();
        assert_eq!(times.len() as u64, 300 - faults.lost, "seed {seed}");
        let doubled = times.values().filter(|times| **times == 2).count() as u64;
        assert_eq!(doubled, faults.doubled, "seed {seed}");
        assert!(times.values().all(|times| *times <= 2), "seed {seed}");
        assert!(
            faults.lost > 0 && faults.doubled > 0 && faults.held_back > 0,
            "seed {seed}"
        );
    }
}

#[test]
fn one_fault_more_does_not_change_the_others() {
    let lost = |doubles: f64| {
        let (_bus, mut numbers, faulty) = given();
        publish(&mut faulty(7).loses(0.3).doubles(doubles), 0..100);
        let mut seen = seen(&mut numbers);
        seen.dedup();
        seen
    };
    assert_eq!(lost(0.0), lost(0.5));
}

#[test]
fn an_envelope_is_held_back_for_so_many_others_at_most() {
    for seed in 0..50 {
        let (_bus, mut numbers, faulty) = given();
        let mut faulty = faulty(seed).reorders(0.3, 3);
        publish(&mut faulty, 0..300);
        faulty.release_all().unwrap();
        let seen = seen(&mut numbers);
        assert_eq!(seen.len(), 300, "seed {seed}");
        for (place, number) in seen.iter().enumerate() {
            let earlier = seen[..place].iter().filter(|other| *other > number).count();
            assert!(
                earlier <= 3,
                "seed {seed}: {number} after {earlier} later ones"
            );
        }
    }
}

#[test]
fn a_double_is_the_same_envelope() {
    let (_bus, mut numbers, faulty) = given();
    publish(&mut faulty(7).doubles(1.0), 0..1);
    let [first, second] = [(); 2].map(|()| numbers.try_recv().unwrap());
    assert_eq!(*first, *second);
    assert!(numbers.is_empty());
}

#[test]
fn a_delay_ends_when_the_clock_has_come_to_it() {
    let clock = ManualClock::new();
    let _entered = clock.enter();
    let (_bus, mut numbers, faulty) = given();
    let time = Duration::from_hours(1);
    let mut faulty = faulty(7).delays(1.0, time);
    publish(&mut faulty, 0..2);
    clock.advance(time.saturating_sub(Duration::from_nanos(1)));
    faulty.release().unwrap();
    assert!(numbers.is_empty());
    clock.advance(Duration::from_nanos(1));
    faulty.release().unwrap();
    let sent: Vec<Envelope<u32>> = numbers
        .try_iter()
        .map(|it| it.unwrap().into_envelope())
        .collect();
    assert_eq!(sent.len(), 2);
    assert_eq!(
        clock.timestamp() - sent[0].timestamp,
        chrono::TimeDelta::hours(1)
    );
    assert_eq!(faulty.faults().held_back, 2);
}

#[test]
fn what_the_grant_refuses_is_an_error_and_a_loss_is_none() {
    let (bus, _numbers, _) = given();
    let publisher = bus.publisher("counter", "count");
    let mut faulty = FaultyPublisher::new(publisher.clone(), 7);
    let error = faulty.publish(1).unwrap_err();
    assert_eq!(error.denial(), Some(Denial::NotGranted));
    assert_eq!(error.into_envelope().message, 1);
    let mut lossy = FaultyPublisher::new(publisher, 7).loses(1.0);
    assert!(lossy.publish(1).is_ok());
    assert_eq!(lossy.faults().lost, 1);
}
