//! How far the run is: a bar on stderr, if that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

pub(super) struct Progress {
    bar: ProgressBar,
    /// The bar shows the time, where the run is as long as this; else the envelopes.
    duration: Option<Duration>,
}

impl Progress {
    pub(super) fn new(duration: Option<Duration>, messages: u64) -> Self {
        let length = duration.map_or(messages, milliseconds);
        let bar = ProgressBar::new(length); // hidden where stderr is no terminal
        let style = ProgressStyle::with_template("{wide_bar} {percent:>3} %  {msg} published");
        bar.set_style(style.expect("the template is well formed"));
        Progress { bar, duration }
    }

    pub(super) fn show(&self, published: u64, elapsed: Duration) {
        self.bar.set_message(published.to_string());
        self.bar.set_position(match self.duration {
            Some(duration) => milliseconds(elapsed.min(duration)),
            None => published,
        });
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn milliseconds(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}
