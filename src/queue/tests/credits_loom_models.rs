//! The loom model of credits: no more places are taken than there are.

use loom::sync::Arc;
use loom::thread;

use super::*;
use crate::support::sync::explore;

#[test]
fn two_publishers_and_a_subscriber_never_take_more_places_than_there_are() {
    explore(5, || {
        let credits = Arc::new(Credits::new(1));
        assert_eq!(credits.reserve(), Ok(()));
        let publishers: Vec<_> = (0..2)
            .map(|_| {
                let credits = Arc::clone(&credits);
                thread::spawn(move || u64::from(credits.reserve().is_ok()))
            })
            .collect();
        credits.give_back(false);
        let taken: u64 = publishers.into_iter().map(|p| p.join().unwrap()).sum();
        assert!(taken <= 1, "one place was given back, {taken} were taken");
    });
}
