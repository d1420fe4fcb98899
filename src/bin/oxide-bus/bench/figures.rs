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

/// Returns a time with its unit and three digits, or a dash.
#[expect(
    clippy::cast_precision_loss,
    reason = "three digits are far fewer than 53 bits"
)]
pub(super) fn time(nanoseconds: Option<u64>) -> String {
    let Some(nanoseconds) = nanoseconds else {
        return "-".to_owned();
    };
    let unit = Unit::of(nanoseconds);
    let value = nanoseconds as f64 / unit.nanoseconds as f64;
    let text = match value {
        100.0.. => whole(value),
        10.0.. => format!("{value:.1}"),
        _ if unit.nanoseconds == 1 => format!("{value}"),
        _ => format!("{value:.2}"),
    };
    // A round figure needs no zeros: it is a mark of an axis, or looks like one.
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    format!("{text} {}", unit.name)
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
    use super::{Unit, time};

    #[test]
    fn a_time_has_three_digits_and_no_zeros_that_say_nothing() {
        let times = [
            0,
            7,
            999,
            1_000,
            1_234,
            98_765,
            123_456,
            2_500_000,
            12_345_678_901,
        ];
        assert_eq!(
            times.map(|it| time(Some(it))),
            [
                "0 ns",
                "7 ns",
                "999 ns",
                "1 µs",
                "1.23 µs",
                "98.8 µs",
                "123 µs",
                "2.5 ms",
                "12,346 ms"
            ]
        );
        assert_eq!(time(None), "-");
    }

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
