//! Times as text: a strict subset of RFC 3339.
//!
//! Times are written in UTC and in a single form, which every reader understands alike.
//!
//! The tests are in `tests/library/codec/values.rs`.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Timelike, Utc};

const NANOS_PER_SECOND: u32 = 1_000_000_000;

/// Whether the time can be written: a year of four digits, and no leap second.
pub(super) fn is_writable(time: &DateTime<Utc>) -> bool {
    (0..=9999).contains(&time.year()) && time.nanosecond() < NANOS_PER_SECOND
}

/// The text of a time, such as `2026-11-24T06:07:20.050319319Z`. The fraction has 0, 3, 6 or 9 digits, as many as the
/// time needs.
///
/// `chrono` writes the same text into a new `String`, and takes a third longer.
pub(crate) struct TimeText {
    text: [u8; 30],
    length: usize,
}

impl TimeText {
    pub(crate) fn as_str(&self) -> &str {
        str::from_utf8(&self.text[..self.length]).unwrap_or_default()
    }
}

pub(crate) fn write(time: &DateTime<Utc>) -> TimeText {
    let mut text = *b"0000-00-00T00:00:00.000000000Z";
    let (date, clock) = (time.date_naive(), time.time());
    put(&mut text[..4], date.year().unsigned_abs());
    put(&mut text[5..7], date.month());
    put(&mut text[8..10], date.day());
    put(&mut text[11..13], clock.hour());
    put(&mut text[14..16], clock.minute());
    put(&mut text[17..19], clock.second());
    let nanos = clock.nanosecond();
    put(&mut text[20..29], nanos);
    let end = match nanos {
        0 => 19,
        _ if nanos.is_multiple_of(1_000_000) => 23,
        _ if nanos.is_multiple_of(1_000) => 26,
        _ => 29,
    };
    text[end] = b'Z';
    TimeText {
        text,
        length: end + 1,
    }
}

/// Writes the last decimal digits of the value, as many as `text` has bytes.
#[inline]
fn put(text: &mut [u8], mut value: u32) {
    for digit in text.iter_mut().rev() {
        *digit = b"0123456789"[(value % 10) as usize];
        value /= 10;
    }
}

/// Whether the text is exactly the form in which a time is written.
pub(crate) fn is_written_time(text: &str) -> bool {
    read(text).is_some_and(|time| write(&time).as_str() == text)
}

/// Reads `YYYY-MM-DDTHH:MM:SS[.1-9 digits](Z|±HH:MM)` and nothing else.
pub(crate) fn read(text: &str) -> Option<DateTime<Utc>> {
    let (whole, rest) = text
        .as_bytes()
        .split_at_checked("YYYY-MM-DDTHH:MM:SS".len())?;
    for (index, separator) in [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')] {
        if whole[index] != separator {
            return None;
        }
    }
    let (nanos, zone) = fraction(rest)?;
    let local = NaiveDate::from_ymd_opt(
        i32::try_from(number(&whole[..4])?).ok()?,
        number(&whole[5..7])?,
        number(&whole[8..10])?,
    )?
    .and_hms_nano_opt(
        number(&whole[11..13])?,
        number(&whole[14..16])?,
        number(&whole[17..])?,
        nanos,
    )?;
    let time = local.checked_sub_signed(offset(zone)?)?.and_utc();
    is_writable(&time).then_some(time)
}

/// Returns the nanoseconds of the fraction, or 0 without one, and the text that follows.
fn fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let Some(text) = text.strip_prefix(b".") else {
        return Some((0, text));
    };
    let digits = text
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(digits);
    let missing = 9_usize.checked_sub(digits.len())?;
    let nanos = number(digits)? * 10_u32.pow(u32::try_from(missing).ok()?);
    Some((nanos, rest))
}

/// Returns how far the zone is ahead of UTC.
fn offset(zone: &[u8]) -> Option<TimeDelta> {
    match zone {
        b"Z" => Some(TimeDelta::zero()),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let ahead = TimeDelta::minutes(i64::from(hours * 60 + minutes));
            Some(if *sign == b'+' { ahead } else { -ahead })
        }
        _ => None,
    }
}

/// Reads a number of one to nine decimal digits.
fn number(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0, |number, &byte| {
        let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
        Some(number * 10 + digit)
    })
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, SecondsFormat};

    use super::{is_writable, read, write};

    #[test]
    fn times_are_written_as_chrono_writes_them() {
        for (seconds, nanos) in [
            (0, 0),
            (1, 1),
            (-1, 1_000),
            (1_700_000_000, 500_000_000),
            (1_700_000_000, 999_999_999),
            (-62_167_219_200, 0),
            (253_402_300_799, 120_000),
        ] {
            let time = DateTime::from_timestamp(seconds, nanos).expect("in range");
            assert!(is_writable(&time));
            let written = write(&time);
            let text = written.as_str();
            assert_eq!(text, time.to_rfc3339_opts(SecondsFormat::AutoSi, true));
            assert_eq!(read(text), Some(time));
        }
    }

    #[test]
    fn zones_are_converted() {
        let utc = read("2024-02-29T23:30:00.5Z");
        assert!(utc.is_some());
        assert_eq!(read("2024-03-01T01:30:00.500+02:00"), utc);
        assert_eq!(read("2024-02-29T18:00:00.500000000-05:30"), utc);
        assert_eq!(read("2024-02-29T23:30:00.5-00:00"), utc);
    }

    #[test]
    fn any_other_form_is_refused() {
        for text in [
            "",
            " 2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00Z ",
            "2026-1-1T0:0:0Z",
            "2026-01-01 00:00:00Z",
            "2026-01-01t00:00:00Z",
            "2026-01-01T00:00:00z",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00,5Z",
            "2026-01-01T00:00:00.0123456789Z",
            "2026-01-01T00:00:00+0100",
            "2026-01-01T00:00:00+01",
            "2026-01-01T00:00:00+24:00",
            "2026-01-01T00:00:00+01:60",
            "2026-01-01T00:00:00\u{2212}01:00",
            "2026-01-01T00:00:00Z\0",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2016-12-31T23:59:60Z",
            "2026-02-29T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "+2026-01-01T00:00:00Z",
            "-0001-01-01T00:00:00Z",
            "12026-01-01T00:00:00Z",
            "0000-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
            "２026-01-01T00:00:00Z",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
