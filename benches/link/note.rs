//! What is sent: a note of 200 bytes.

use oxide_bus::{Payload, Subject};
use serde::{Deserialize, Serialize};

/// The bytes of a note as JSON.
const BYTES: usize = 200;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Note {
    kind: String,
    text: String,
}

impl Note {
    pub(crate) fn new(kind: &str) -> Self {
        let mut note = Note {
            kind: kind.to_owned(),
            text: String::new(),
        };
        note.text = "x".repeat(BYTES - note.json().len());
        note
    }

    pub(crate) fn json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("it has only texts")
    }

    pub(crate) fn read(json: &[u8]) -> Self {
        serde_json::from_slice(json).expect("it is a note")
    }
}

impl Payload for Note {
    fn subject(&self) -> Subject<'_> {
        Subject::new(["note", &self.kind])
    }
}
