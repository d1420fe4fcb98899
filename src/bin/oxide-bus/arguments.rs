//! How values on the command line are read, where clap alone does not know.

use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use oxide_bus::MAX_CAPACITY;

/// A queue's capacity: what the bus takes.
pub(crate) fn capacity() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=MAX_CAPACITY as u64)
}

/// A length of time in seconds, fractions allowed.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = positive(text)?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// A number above zero, fractions allowed.
pub(crate) fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        Ok(_) => Err("it must be above zero, and finite".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
