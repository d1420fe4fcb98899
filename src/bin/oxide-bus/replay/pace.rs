//! The pace of a replay: a number of envelopes a second, the pace at which they were made, or one for each entered
//! line.

use std::io;
use std::ops::ControlFlow;
use std::thread;
use std::time::{Duration, Instant};

use oxide_bus::{Envelope, audit};

use super::super::failure::Failure;
use super::reader::Input;

/// The value of `--pace`.
#[derive(Debug, Clone)]
pub(super) enum PaceName {
    /// This many times as fast as the envelopes were made.
    Times(f64),
    /// One for each line of the standard input.
    Step,
}

impl std::str::FromStr for PaceName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "original" => Ok(PaceName::Times(1.0)),
            "step" => Ok(PaceName::Step),
            _ => (text.strip_prefix('x').and_then(|times| times.parse().ok()))
                .filter(|times: &f64| *times > 0.0 && times.is_finite())
                .map(PaceName::Times)
                .ok_or_else(|| "it must be `original`, `step`, or an x and a number".to_owned()),
        }
    }
}

/// When an envelope is due.
enum Due {
    /// This many a second.
    Rate(f64),
    AsMade(audit::Pace),
    /// When a line is entered.
    Entered,
}

/// Deadlines that are counted from the first one, so delays do not add up.
pub(super) struct Schedule {
    due: Due,
    began: Option<Instant>,
    /// How long after the beginning the next envelope is due.
    next: Duration,
    published: f64,
}

impl Schedule {
    /// Returns the schedule, unless all envelopes are published as fast as possible.
    pub(super) fn of(
        pace: Option<&PaceName>,
        rate: Option<f64>,
        input: &Input,
    ) -> Result<Option<Self>, Failure> {
        let due = match (pace, rate) {
            (None, None) => return Ok(None),
            (None, Some(per_second)) => Due::Rate(per_second),
            (Some(PaceName::Times(times)), _) => Due::AsMade(audit::Pace::times(*times)),
            (Some(PaceName::Step), _) if matches!(input, Input::Stdin) => {
                let mistake = "--pace step reads the standard input, so the log must be a file";
                return Err(Failure::usage(mistake));
            }
            (Some(PaceName::Step), _) => Due::Entered,
        };
        Ok(Some(Schedule {
            due,
            began: None,
            next: Duration::ZERO,
            published: 0.0,
        }))
    }

    /// Waits until this envelope is due. The first one is due at once. Breaks if no more lines are entered.
    pub(super) fn wait(&mut self, envelope: &Envelope) -> ControlFlow<()> {
        match &mut self.due {
            Due::Rate(per_second) => {
                let next = Duration::try_from_secs_f64(self.published / *per_second);
                self.next = next.unwrap_or(Duration::MAX);
                self.published += 1.0;
            }
            Due::AsMade(pace) => self.next = self.next.saturating_add(pace.before(envelope)),
            Due::Entered => {
                let entered = io::stdin().read_line(&mut String::new());
                return match entered {
                    Ok(bytes) if bytes > 0 => ControlFlow::Continue(()),
                    _ => ControlFlow::Break(()),
                };
            }
        }
        let began = *self.began.get_or_insert_with(Instant::now);
        thread::sleep(self.next.saturating_sub(began.elapsed()));
        ControlFlow::Continue(())
    }
}
