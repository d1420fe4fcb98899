//! The live view: looks again and again, and waits for keys.
//!
//! Two threads send events: one sends each snapshot, the other the keys. So the view stays awake while a program does
//! not answer. The terminal is restored when the view ends, also by Ctrl-C and SIGTERM, and by ratatui's panic hook. It
//! is not restored after SIGKILL, or after a second signal while the terminal takes no output.

use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread as threads;
use std::time::Duration;

use oxide_bus::inspect::{LookError, Snapshot, look};
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEvent};

use super::super::failure::Failure;
use super::super::{INTERRUPTED, interrupt, thread};
use super::drawing::draw;
use super::termination;
use super::watch::{KeyOutcome, TopWatch};

/// The events that the view waits for.
enum TopEvent {
    Looked(Result<Snapshot, LookError>),
    Pressed(KeyEvent),
    Resized,
    Interrupted,
    Terminated,
    /// The terminal gives no more keys.
    NoKeys(io::Error),
}

pub(super) fn run(path: &Path, interval: Duration, first: Snapshot) -> Result<ExitCode, Failure> {
    let (tell, events) = mpsc::channel();
    let interrupted = tell.clone();
    interrupt::on_first(move || {
        let _over = interrupted.send(TopEvent::Interrupted);
    })?;
    let terminated = tell.clone();
    termination::on_first(move || {
        let _over = terminated.send(TopEvent::Terminated);
    })?;
    let mut watch = TopWatch::new(path.display().to_string(), first);
    let terminal = ratatui::try_init().map_err(|error| terminal_failed(&error));
    let outcome = terminal.and_then(|mut terminal| {
        let keys = tell.clone();
        thread::spawn("keys", move || read_keys(&keys))?;
        let path = path.to_owned();
        let (taken, go_on) = mpsc::channel();
        thread::spawn("looks", move || {
            keep_looking(&path, interval, &tell, &go_on);
        })?;
        show(&mut terminal, &mut watch, &events, &taken)
    });
    ratatui::restore();
    match outcome? {
        KeyOutcome::Interrupt => Ok(ExitCode::from(INTERRUPTED)),
        KeyOutcome::Terminate => Err(termination::die()),
        KeyOutcome::Quit | KeyOutcome::Stay => match watch.gone {
            None => Ok(ExitCode::SUCCESS),
            Some(gone) => Err(Failure::new(format_args!("{}: {gone}", watch.path))),
        },
    }
}

fn show(
    terminal: &mut DefaultTerminal,
    watch: &mut TopWatch,
    events: &Receiver<TopEvent>,
    taken: &Sender<()>,
) -> Result<KeyOutcome, Failure> {
    loop {
        terminal
            .draw(|frame| draw(frame, watch))
            .map_err(|error| terminal_failed(&error))?;
        match events.recv() {
            Ok(TopEvent::Looked(looked)) => {
                watch.take(looked);
                let _over = taken.send(());
            }
            Ok(TopEvent::Pressed(key)) => match watch.press(key) {
                KeyOutcome::Stay => {}
                end => return Ok(end),
            },
            Ok(TopEvent::Resized) => {}
            Ok(TopEvent::Interrupted) | Err(mpsc::RecvError) => return Ok(KeyOutcome::Interrupt),
            Ok(TopEvent::Terminated) => return Ok(KeyOutcome::Terminate),
            Ok(TopEvent::NoKeys(error)) => return Err(terminal_failed(&error)),
        }
    }
}

fn read_keys(tell: &Sender<TopEvent>) {
    loop {
        let event = match event::read() {
            Ok(Event::Key(key)) if key.is_press() => TopEvent::Pressed(key),
            Ok(Event::Resize(..)) => TopEvent::Resized,
            Ok(_) => continue,
            Err(error) => {
                let _over = tell.send(TopEvent::NoKeys(error));
                return;
            }
        };
        if tell.send(event).is_err() {
            return;
        }
    }
}

/// Looks again and again, but only after the view has taken the last snapshot. So a terminal that takes no output for
/// an hour costs one snapshot, and not one for each interval.
fn keep_looking(path: &Path, interval: Duration, tell: &Sender<TopEvent>, go_on: &Receiver<()>) {
    loop {
        threads::sleep(interval);
        let told = tell.send(TopEvent::Looked(look(path)));
        if told.is_err() || go_on.recv().is_err() {
            return;
        }
    }
}

fn terminal_failed(error: &io::Error) -> Failure {
    Failure::new(format_args!("the terminal: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_look_is_made_before_the_last_one_was_taken() {
        let (tell, events) = mpsc::channel();
        let (taken, go_on) = mpsc::channel();
        let looks = threads::spawn(move || {
            keep_looking(Path::new("no/such/socket"), Duration::ZERO, &tell, &go_on);
        });
        for _ in 0..3 {
            assert!(matches!(events.recv(), Ok(TopEvent::Looked(Err(_)))));
            taken.send(()).expect("it looks again");
        }
        drop(taken);
        looks.join().expect("it ends with the view");
        assert_eq!(events.iter().count(), 1, "the one that was not taken");
    }
}
