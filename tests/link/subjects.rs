//! Subjects and patterns at the server, by what a link sends and subscribes to.

use std::sync::Arc;

use oxide_bus::link::Link;
use oxide_bus::link::engine::{
    Engine, EngineError, EngineEvent, EngineReceiver, EngineSender, Frame,
};
use oxide_bus::{Bus, Pattern, Subject};
use parking_lot::Mutex;
use proptest::prelude::*;

use super::{LONG, Note};

/// An engine that writes down what is sent and subscribed to.
#[derive(Clone, Default)]
struct Notebook {
    sent: Arc<Mutex<Vec<Frame>>>,
    subscribed: Arc<Mutex<Vec<String>>>,
}

struct Silence;

impl Engine for Notebook {
    type Sender = Notebook;
    type Receiver = Silence;

    async fn connect(&self, _name: &str) -> Result<(Notebook, Silence), EngineError> {
        Ok((self.clone(), Silence))
    }
}

impl EngineSender for Notebook {
    async fn send(&mut self, frame: Frame) -> Result<(), EngineError> {
        self.sent.lock().push(frame);
        Ok(())
    }

    async fn subscribe(&mut self, subject: &str, _: Option<&str>) -> Result<(), EngineError> {
        self.subscribed.lock().push(subject.to_owned());
        Ok(())
    }

    async fn round_trip(&mut self) -> Result<(), EngineError> {
        Ok(())
    }

    async fn close(&mut self) {}
}

impl EngineReceiver for Silence {
    async fn next(&mut self) -> Option<EngineEvent> {
        std::future::pending().await
    }
}

/// The rules of NATS: tokens between dots, `*` for one, `>` at the end for one or more.
fn matches_at_a_server(pattern: &str, subject: &str) -> bool {
    let tokens: Vec<_> = subject.split('.').collect();
    let pattern: Vec<_> = pattern.split('.').collect();
    match pattern.split_last() {
        Some((&">", before)) => {
            tokens.len() > before.len()
                && before.iter().zip(&tokens).all(|(a, b)| *a == "*" || a == b)
        }
        _ => {
            tokens.len() == pattern.len()
                && pattern
                    .iter()
                    .zip(&tokens)
                    .all(|(a, b)| *a == "*" || a == b)
        }
    }
}

fn token() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[ab]",
        1 => Just(String::new()),
        1 => "[ab=.*> _ä\\\\\u{0}-]{0,3}",
    ]
}

fn pattern() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        3 => token().prop_map(|token| Pattern::escape(&token)),
        1 => Just("*".to_owned()),
    ];
    (prop::collection::vec(part, 0..4), any::<bool>()).prop_map(|(mut parts, is_open)| {
        if is_open || parts.is_empty() {
            parts.push(">".to_owned());
        }
        parts.join(".")
    })
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build();
    runtime.unwrap().block_on(future)
}

/// Returns the subjects of these notes at the server, and what is subscribed to for the pattern.
async fn at_the_server(subjects: &[Vec<String>], pattern: &str) -> (Vec<String>, String) {
    let notebook = Notebook::default();
    let bus = Bus::<Note>::new();
    let link = Link::over(notebook.clone())
        .name("north")
        .export_everything()
        .import(pattern, bus.trusted_publisher("link"))
        .connect(&bus)
        .await
        .unwrap();
    for subject in subjects {
        let note = Note {
            subject: subject.clone(),
            number: 0,
        };
        bus.send("counter", note).unwrap();
    }
    link.drain(LONG).await.unwrap();
    let sent = notebook.sent.lock();
    let data = sent.iter().filter(|frame| frame.headers().next().is_some());
    let subscribed = notebook.subscribed.lock()[0].clone();
    (
        data.map(|frame| frame.subject().to_owned()).collect(),
        subscribed,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_pattern_matches_here_exactly_if_the_escaped_one_matches_at_the_server(
        subjects in prop::collection::vec(prop::collection::vec(token(), 1..5), 1..8),
        pattern in pattern(),
    ) {
        let (sent, subscribed) = run(at_the_server(&subjects, &pattern));
        let compiled: Pattern = pattern.parse().unwrap();
        prop_assert_eq!(sent.len(), subjects.len());
        for (subject, wire) in subjects.iter().zip(&sent) {
            let here = compiled.matches(&Subject::new(subject.iter().map(String::as_str)));
            let there = matches_at_a_server(&subscribed, wire);
            prop_assert_eq!(here, there, "{} {} {}", pattern, subscribed, wire);
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "=._-".contains(c);
            prop_assert!(wire.chars().all(is_plain) && !wire.contains(".."), "{}", wire);
        }
    }

    #[test]
    fn different_subjects_are_different_at_the_server(
        one in prop::collection::vec(token(), 0..4),
        other in prop::collection::vec(token(), 0..4),
    ) {
        let (sent, _) = run(at_the_server(&[one.clone(), other.clone()], ">"));
        prop_assert_eq!(one == other, sent[0] == sent[1], "{:?}", sent);
    }
}
