//! The pace of a replay: as much time between two envelopes as there was when they were made.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::message::envelope::Envelope;

/// How long to wait before each envelope of a replay, from the envelopes' own times.
///
/// It does not wait itself: so the program decides by which clock it waits, a real one or one of a test.
///
/// # Examples
///
/// ```
/// use std::{fs::File, io::BufReader, thread};
///
/// use oxide_bus::MessageBus;
/// use oxide_bus::audit::Pace;
/// # use oxide_bus::audit::{AuditLog, Options};
/// # use oxide_bus::kernel::Command;
/// use oxide_bus::codec::LinesReader;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("audit.jsonl");
/// # let bus = MessageBus::new();
/// # let log = AuditLog::start(&bus, &path, Options::new())?;
/// # bus.send_command("kernel", Command::Ping)?;
/// # log.close()?;
/// let bus = MessageBus::new(); // what the log's bus had is run again here
/// let mut pace = Pace::times(10.0);
/// for envelope in LinesReader::new(BufReader::new(File::open(&path)?)).of_audit_log() {
///     let envelope = envelope?;
///     thread::sleep(pace.before(&envelope));
///     bus.publish(envelope)?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Pace {
    times: f64,
    last: Option<DateTime<Utc>>,
}

impl Pace {
    /// As fast as the envelopes were made.
    pub fn original() -> Self {
        Self::times(1.0)
    }

    /// This many times as fast. A number that is not above zero means infinitely fast.
    pub fn times(times: f64) -> Self {
        let times = if times > 0.0 { times } else { f64::INFINITY };
        Pace { times, last: None }
    }

    /// Returns how long to wait before this envelope, if the one before was just published. Nothing before the first,
    /// and before one that is older than one that came before.
    pub fn before<M>(&mut self, envelope: &Envelope<M>) -> Duration {
        let now = envelope.timestamp;
        let last = *self.last.get_or_insert(now);
        self.last = Some(last.max(now));
        let between = (now - last).to_std().unwrap_or_default(); // a negative one is none
        let wait = Duration::try_from_secs_f64(between.as_secs_f64() / self.times);
        wait.unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn the_time_between_two_envelopes_is_waited_and_none_is_waited_for_twice() {
        let began = Envelope::new("clock", 0).timestamp;
        let after = |milliseconds| {
            let mut envelope = Envelope::new("clock", 0);
            envelope.timestamp = began + TimeDelta::milliseconds(milliseconds);
            envelope
        };
        let times = [5, 25, 15, 25, 45].map(after);
        let waits = |mut pace: Pace| times.each_ref().map(|it| pace.before(it).as_millis());
        assert_eq!(waits(Pace::original()), [0, 20, 0, 0, 20]);
        assert_eq!(waits(Pace::times(2.0)), [0, 10, 0, 0, 10]);
        assert_eq!(waits(Pace::times(0.0)), [0; 5]);
        let mut slow = Pace::times(f64::MIN_POSITIVE);
        assert_eq!(slow.before(&times[0]), Duration::ZERO);
        assert_eq!(slow.before(&times[1]), Duration::MAX);
    }
}
