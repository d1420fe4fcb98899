//! Formats numbers for people: rates, grouped digits, times with a unit.

use std::time::Duration;

use indicatif::HumanCount;

/// Returns a count as a rate per second.
#[expect(
    clippy::cast_precision_loss,
    reason = "a rate is not exact to the last of 53 bits anyway"
)]
pub(crate) fn rate(count: u64, elapsed: Duration) -> f64 {
    if elapsed.is_zero() {
        0.0
    } else {
        count as f64 / elapsed.as_secs_f64()
    }
}

/// Returns a number with its digits in groups of three.
pub(crate) fn grouped(number: u64) -> String {
    HumanCount(number).to_string()
}

/// Returns a rate without its fraction.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rates are not negative, and far from the greatest u64"
)]
pub(crate) fn whole(rate: f64) -> String {
    grouped(rate.round() as u64)
}

/// A unit of time, shared by figures that stand below each other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit {
    pub(super) name: &'static str,
    nanoseconds: u64,
}

impl Unit {
    /// Returns the unit in which a time has one to three digits before the point, milliseconds at most.
    pub(super) fn of(nanoseconds: u64) -> Self {
        let (name, nanoseconds) = match nanoseconds {
            0..1_000 => ("ns", 1),
            1_000..1_000_000 => ("µs", 1_000),
            _ => ("ms", 1_000_000),
        };
        Unit { name, nanoseconds }
    }

    /// Returns a time in this unit, with three digits after the point unless the unit is nanoseconds.
    pub(super) fn figure(self, nanoseconds: u64) -> String {
        if self.nanoseconds == 1 {
            return grouped(nanoseconds);
        }
        let thousandths =
            nanoseconds.saturating_add(self.nanoseconds / 2_000) / (self.nanoseconds / 1_000);
        format!(
            "{}.{:03}",
            grouped(thousandths / 1_000),
            thousandths % 1_000
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Unit;

    #[test]
    fn a_unit_is_that_of_one_time_and_figures_of_others_keep_it() {
        let figures = |of| [7, 1_234, 5_678_900].map(|time| Unit::of(of).figure(time));
        assert_eq!(figures(999), ["7", "1,234", "5,678,900"]);
        assert_eq!(figures(1_000), ["0.007", "1.234", "5,678.900"]);
        assert_eq!(figures(999_999), ["0.007", "1.234", "5,678.900"]);
        assert_eq!(figures(1_000_000), ["0.000", "0.001", "5.679"]);
        assert_eq!(
            [0, 1_000, 1_000_000].map(|time| Unit::of(time).name),
            ["ns", "µs", "ms"]
        );
    }
}
