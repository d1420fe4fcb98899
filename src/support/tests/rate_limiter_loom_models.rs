//! The loom model of the rate limiter: what is left in the allowance is given to one.

use std::sync::Arc;

use loom::thread;

use super::*;
use crate::support::sync::explore;

#[test]
fn two_publishers_and_one_left_in_the_allowance() {
    explore(5, || {
        let now = Instant::now();
        let rate = Arc::new(Rate::new(now, 1, 1));
        let other = {
            let rate = Arc::clone(&rate);
            thread::spawn(move || rate.admits(now, 1))
        };
        let admitted = rate.admits(now, 1);
        assert!(admitted != other.join().unwrap(), "one, and only one");
    });
}
