//! The progress of the run: a bar on stderr, if that is a terminal.

use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

use super::figures::{grouped, rate, whole};

/// The length of a run.
#[derive(Debug, Clone, Copy)]
pub(super) enum Length {
    Time(Duration),
    Envelopes(u64),
}

pub(super) struct BenchProgress {
    bar: ProgressBar,
    length: Length,
}

impl BenchProgress {
    pub(super) fn new(length: Length, round: String) -> Self {
        let steps = match length {
            Length::Time(duration) => milliseconds(duration),
            Length::Envelopes(count) => count,
        };
        let bar = ProgressBar::new(steps); // it is hidden if stderr is no terminal
        let style = ProgressStyle::with_template("{prefix}{wide_bar} {percent:>3} %  {msg}");
        bar.set_style(style.expect("the template is well formed"));
        bar.set_prefix(round);
        BenchProgress { bar, length }
    }

    pub(super) fn show(&self, published: u64, elapsed: Duration) {
        self.bar.set_message(self.length.status(published, elapsed));
        self.bar.set_position(match self.length {
            Length::Time(duration) => milliseconds(elapsed.min(duration)),
            Length::Envelopes(_) => published,
        });
    }
}

impl Length {
    /// Returns how much is done, the rate, and how long the rest takes, if that can be estimated.
    fn status(self, published: u64, elapsed: Duration) -> String {
        let (done, pace) = (grouped(published), rate(published, elapsed));
        let left = self.left(published, elapsed);
        let left = left.map(|left| format!(", {:#} left", HumanDuration(left)));
        let left = left.unwrap_or_default();
        format!("{done} published, {} a second{left}", whole(pace))
    }

    /// Returns the time to the end, at the rate so far.
    fn left(self, published: u64, elapsed: Duration) -> Option<Duration> {
        match self {
            Length::Time(duration) => Some(duration.saturating_sub(elapsed)),
            Length::Envelopes(count) => {
                let left = u128::from(count.saturating_sub(published));
                let left = (elapsed.as_nanos() * left).checked_div(published.into())?;
                Some(Duration::from_nanos(left.try_into().unwrap_or(u64::MAX)))
            }
        }
    }
}

impl Drop for BenchProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn milliseconds(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Length::{self, Envelopes, Time};

    #[test]
    fn the_status_says_the_rate_and_the_time_that_is_left() {
        let status = |length: Length, published| length.status(published, Duration::from_secs(2));
        assert_eq!(
            status(Envelopes(10_000_000), 2_500_000),
            "2,500,000 published, 1,250,000 a second, 6s left"
        );
        assert_eq!(
            status(Time(Duration::from_secs(10)), 2_500_000),
            "2,500,000 published, 1,250,000 a second, 8s left"
        );
        assert_eq!(
            status(Envelopes(1_000), 1_000),
            "1,000 published, 500 a second, 0s left"
        );
        assert_eq!(
            status(Envelopes(1_000), 0),
            "0 published, 0 a second",
            "nothing to tell the rest by"
        );
        assert!(status(Envelopes(u64::MAX), 1).ends_with("y left"));
        assert!(status(Time(Duration::MAX), 1).ends_with("y left"));
    }
}
