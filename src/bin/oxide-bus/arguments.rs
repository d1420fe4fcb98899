//! Numbers on the command line: their ranges, their parsers, and their text in the help.
//!
//! One constant per range serves all three, so the help and the errors cannot disagree with what is accepted.

use std::fmt;
use std::num::IntErrorKind;
use std::time::Duration;

use oxide_bus::limits::MAX_CAPACITY;

use super::thread;

/// How many envelopes a queue may hold: the same range as the bus accepts.
pub(crate) const CAPACITY: Bounds = Bounds::new(1, MAX_CAPACITY as u64);

/// How many threads of one kind there may be.
pub(crate) const THREADS: Bounds = Bounds::new(1, thread::MOST as u64);

/// Any number from 1 on.
pub(crate) const ANY: Bounds = Bounds::new(1, usize::MAX as u64);

/// The range of whole numbers that an option accepts. The option's help and its errors state it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    least: u64,
    most: u64,
    /// The most with `--async`, if that makes a difference.
    most_tasks: Option<u64>,
}

impl Bounds {
    pub(crate) const fn new(least: u64, most: u64) -> Self {
        Bounds {
            least,
            most,
            most_tasks: None,
        }
    }

    /// Returns the same range, with a higher maximum for `--async`.
    pub(crate) const fn or_tasks(self, most: u64) -> Self {
        Bounds {
            most_tasks: Some(most),
            ..self
        }
    }

    /// Returns an option's help: its purpose, and the range.
    pub(crate) fn help(self, purpose: &str) -> String {
        format!("{purpose} [{self}]")
    }

    /// Returns a parser for numbers within the widest bounds. [`check`](Bounds::check) decides about `--async`.
    pub(crate) fn parser<N: TryFrom<u64>>(
        self,
    ) -> impl Fn(&str) -> Result<N, String> + Clone + Send + Sync + 'static {
        move |text| {
            let number = match text.parse::<u64>() {
                Err(error) if *error.kind() == IntErrorKind::PosOverflow => Some(u64::MAX),
                number => number.ok(),
            };
            (number.filter(|&number| self.holds(number, true)))
                .and_then(|number| number.try_into().ok())
                .ok_or_else(|| self.wrong())
        }
    }

    /// Checks a number against the range, with `--async` or without.
    pub(crate) fn check(self, number: u64, tasks: bool) -> Result<(), String> {
        self.holds(number, tasks)
            .then_some(())
            .ok_or_else(|| self.wrong())
    }

    fn holds(self, number: u64, tasks: bool) -> bool {
        let most = self.most_tasks.filter(|_| tasks).unwrap_or(self.most);
        (self.least..=most).contains(&number)
    }

    fn wrong(self) -> String {
        format!("it must be a whole number: {self}")
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Bounds { least, most, .. } = self;
        if *most == u64::MAX {
            return write!(f, "{least} or more");
        }
        write!(f, "{least} to {most}")?;
        match self.most_tasks {
            Some(most) => write!(f, "; with --async {least} to {most}"),
            None => Ok(()),
        }
    }
}

/// Parses a length of time in seconds, fractions allowed. More than a `Duration` holds means for ever.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = positive(text)?;
    Ok(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

/// Parses a number above zero, fractions allowed.
pub(crate) fn positive(text: &str) -> Result<f64, String> {
    (text.parse().ok())
        .filter(|&number: &f64| number > 0.0 && number.is_finite())
        .ok_or_else(|| "it must be a number above zero, and finite".to_owned())
}
