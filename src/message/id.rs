//! The id and the time of an envelope: version 7 UUIDs, from one reading of the clock.
//!
//! Each publish needs both, and reading the clock once is cheaper than twice.

use std::cell::RefCell;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::process;
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};
use fastrand::Rng;
use uuid::Uuid;

use crate::support::clock;
#[cfg(feature = "testing")]
use crate::support::substitutes;

const NANOS_PER_MILLI: u32 = 1_000_000;

thread_local! {
    /// The crate's own random generator. The global one of `fastrand` would make ids predictable: the program may seed
    /// it with a fixed number, and otherwise the clock alone seeds it.
    ///
    /// The seed is made of random keys from the operating system, the process id and the time. The process id is needed
    /// because a forked child may inherit its parent's keys.
    static RANDOM: RefCell<Rng> = RefCell::new(Rng::with_seed(
        RandomState::new().hash_one((process::id(), SystemTime::now())),
    ));
}

/// Returns a new id and the time, from one reading of the system's clock.
///
/// The id is a version 7 UUID. The twelve bits after the milliseconds hold the fraction of the millisecond (RFC 9562,
/// section 6.2, method 3), so ids sort in steps of 244 ns. 62 random bits follow.
pub(crate) fn stamp() -> (Uuid, DateTime<Utc>) {
    // A clock before 1970 was never set. The stamp is 1970 then.
    let since_epoch = clock::system_time()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let seconds = since_epoch.as_secs();
    let nanos = since_epoch.subsec_nanos();
    let timestamp = i64::try_from(seconds)
        .ok()
        .and_then(|seconds| DateTime::from_timestamp(seconds, nanos))
        .unwrap_or(DateTime::UNIX_EPOCH);

    let millis = seconds * 1_000 + u64::from(nanos / NANOS_PER_MILLI);
    let fraction = u64::from(nanos % NANOS_PER_MILLI) * 4096 / u64::from(NANOS_PER_MILLI);
    #[cfg(feature = "testing")]
    if let Some(numbers) = substitutes::numbers() {
        return (seeded_id(numbers.next()), timestamp);
    }
    let random = RANDOM.with_borrow_mut(|random| random.u64(..));
    (id(millis, fraction, random), timestamp)
}

/// Puts a version 7 UUID together. `fraction` has 12 bits.
fn id(millis: u64, fraction: u64, random: u64) -> Uuid {
    let high = (millis << 16) | (0x7 << 12) | fraction;
    let low = (0b10 << 62) | (random >> 2);
    Uuid::from_u64_pair(high, low)
}

/// An id that is the same in each run. Its time is not the envelope's: with each id it is a millisecond later, from the
/// year 2000 on. So such ids sort in the order in which they were made, though the clock may stand still.
#[cfg(feature = "testing")]
fn seeded_id((made, random): (u64, u64)) -> Uuid {
    const YEAR_2000: u64 = 946_684_800_000;
    id(YEAR_2000 + made, 0, random)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::thread;

    use uuid::{Variant, Version};

    use super::stamp;

    #[test]
    fn an_id_is_a_version_7_uuid_that_holds_the_time_of_its_timestamp() {
        let (id, timestamp) = stamp();
        assert_eq!(id.get_version(), Some(Version::SortRand));
        assert_eq!(id.get_variant(), Variant::RFC4122);
        let (seconds, nanos) = id.get_timestamp().expect("version 7 has a time").to_unix();
        assert_eq!(i64::try_from(seconds), Ok(timestamp.timestamp()));
        assert_eq!(
            nanos / 1_000_000,
            timestamp.timestamp_subsec_nanos() / 1_000_000
        );
    }

    #[test]
    fn a_program_that_seeds_its_generator_does_not_choose_the_random_part_of_ids() {
        let draw = || {
            fastrand::seed(7);
            stamp().0.as_u64_pair().1
        };
        let elsewhere = thread::spawn(draw).join().expect("it has not panicked");
        assert_ne!(draw(), elsewhere);
    }

    #[test]
    fn ids_differ_and_sort_by_their_times() {
        let stamps: Vec<_> = (0..10_000).map(|_| stamp()).collect();
        let ids: HashSet<_> = stamps.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids.len(), stamps.len());
        for pair in stamps.windows(2) {
            let ((earlier, at), (later, then)) = (pair[0], pair[1]);
            if (then - at).num_nanoseconds() >= Some(245) {
                assert!(earlier < later, "{earlier} at {at}, {later} at {then}");
            }
        }
    }
}
