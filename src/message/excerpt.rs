//! Excerpts: names, subjects and texts, cut to a bounded length for reports.
//!
//! Publishers choose these texts. Cutting them keeps a publisher from filling the advisories, errors and audit records
//! that quote it.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::sync::Arc;

use crate::message::source::Source;
use crate::message::subject::Payload;
use crate::support::panics::catch_panic;

/// The most bytes that an excerpt has of a name or a subject.
const MAX: usize = 256;

/// The most bytes that a record has of a text that the reported publisher did not choose. That is enough for any
/// sensible text, and little enough that the record's line can be read back.
const MAX_TEXT: usize = 64 * 1024;

/// Marks where something was cut off.
const MORE: char = '…';

pub(crate) fn name(name: &str) -> Cow<'_, str> {
    cut(name, MAX)
}

pub(crate) fn text(text: &str) -> Cow<'_, str> {
    cut(text, MAX_TEXT)
}

fn cut(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max {
        return text.into();
    }
    let mut cut = text[..text.floor_char_boundary(max)].to_owned();
    cut.push(MORE);
    cut.into()
}

pub(crate) fn source(source: &Source) -> Source {
    match name(source) {
        Cow::Borrowed(_) => source.clone(),
        Cow::Owned(cut) => cut.into(),
    }
}

/// Returns an excerpt of a payload's subject, as text. `None` if the payload has none, or panics when asked for it.
pub(crate) fn subject<M: Payload>(message: &M) -> Option<Arc<str>> {
    catch_panic(|| {
        let subject = message.subject();
        let mut short = Short(String::new());
        // Writing fails where `Short` cuts the text, which is intended.
        let _cut = write!(short, "{subject}");
        (!subject.tokens().is_empty()).then(|| short.0.into())
    })
    .flatten()
}

/// A writer that keeps at most [`MAX`] bytes, and fails at the first piece that does not fit.
struct Short(String);

impl Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = MAX - self.0.len().min(MAX);
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
        self.0.push(MORE);
        Err(fmt::Error)
    }
}

#[cfg(all(test, not(oxide_loom)))]
mod tests {
    use super::*;
    use crate::message::kernel::{Command, Message};

    fn stop(module_id: String) -> Message {
        Command::Stop { module_id }.into()
    }

    #[test]
    fn what_is_long_is_cut_between_characters() {
        assert_eq!(name(&"x".repeat(MAX)), "x".repeat(MAX));
        assert_eq!(name(&"é".repeat(MAX)), "é".repeat(MAX / 2) + "…");
        let long = Source::from("xx".to_owned() + &"é".repeat(MAX));
        assert_eq!(source(&long).len(), MAX + "…".len());
        let told = subject(&stop("\n".repeat(10_000_000))).unwrap();
        assert!(told.starts_with(r"command.stop.\u{a}\u{a}") && told.ends_with('…'));
        assert!(told.len() <= MAX + "…".len());
        assert_eq!(
            &*subject(&stop("echo".into())).unwrap(),
            "command.stop.echo"
        );
    }

    struct Panics;

    impl Payload for Panics {
        fn subject(&self) -> crate::Subject<'_> {
            panic!("a payload's own");
        }
    }

    #[test]
    fn a_payload_without_a_subject_or_with_one_that_panics_has_none() {
        assert_eq!(subject(&7_u8), None);
        assert_eq!(subject(&Panics), None);
    }
}
