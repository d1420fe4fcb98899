//! Tests of the index: it finds what a plain list of listeners would, and a look-up stays short.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index as Any, select};
use proptest::test_runner::RngSeed;

use super::*;
use crate::engine::filter::shapes;
use crate::message::pattern::{MAX_PATTERN_SHAPES, MAX_PATTERN_TOKENS};
use crate::support::failpoints::{Step as At, count};

/// The patterns and sources that a listener listens to.
type Addresses = (Vec<Pattern>, Vec<Source>);

/// Whether the listener matches: tries all its patterns, as a plain list would.
fn listens((patterns, sources): &Addresses, source: &Source, subject: &Subject<'_>) -> bool {
    (sources.is_empty() || sources.contains(source))
        && (patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(subject)))
}

/// The listeners that the index finds.
fn found<'a, 's, L: Clone>(
    index: &'a Index<L>,
    source: &Source,
    subject: impl FnOnce() -> Subject<'s>,
) -> Listeners<'a, L> {
    let mut listeners = Listeners::new();
    index.find(source, subject, &mut listeners);
    listeners
}

const TOKENS: [&str; 5] = ["a", "b", "", "a.b", "*"];

fn source() -> impl Strategy<Value = Source> {
    select(&["kernel", "logger", ""]).prop_map(Source::from)
}

/// Mostly short subjects, some longer than a pattern may be.
fn tokens() -> impl Strategy<Value = Vec<&'static str>> {
    prop_oneof![8 => vec(select(&TOKENS), 0..5), 1 => vec(Just("a"), 14..20)]
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let wild = vec(proptest::bool::weighted(0.3), 20);
    (tokens(), wild, any::<bool>()).prop_map(|(tokens, wild, open_ended)| {
        let tokens = tokens.iter().take(MAX_PATTERN_TOKENS).zip(wild);
        let tokens = tokens.map(|(token, wild)| {
            let literal = Subject::new([*token]).to_string();
            if wild { "*".to_owned() } else { literal }
        });
        let mut tokens: Vec<_> = tokens.collect();
        if open_ended || tokens.is_empty() {
            tokens.push(">".to_owned());
        }
        tokens.join(".").parse().expect("it is a pattern")
    })
}

fn addresses() -> impl Strategy<Value = Addresses> {
    (vec(pattern(), 0..4), vec(source(), 0..3))
}

#[derive(Debug, Clone)]
enum Step {
    Come(Addresses),
    /// Another listener takes the place of one that is there, as where patterns are changed.
    Change(Any, Addresses),
    Go(Any),
    /// All listeners whose numbers are multiples of this leave together.
    GoTogether(u64),
    Find(Source, Vec<&'static str>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => addresses().prop_map(Step::Come),
        1 => (any::<Any>(), addresses()).prop_map(|(which, new)| Step::Change(which, new)),
        2 => any::<Any>().prop_map(Step::Go),
        1 => (1..5_u64).prop_map(Step::GoTogether),
        4 => (source(), tokens()).prop_map(|(source, tokens)| Step::Find(source, tokens)),
    ]
}

/// The index, and the plain list that it is compared with. A listener is its number.
struct Both {
    index: Index<u64>,
    plain: BTreeMap<u64, Addresses>,
    next: u64,
}

impl Both {
    fn set(&mut self, number: u64, addresses: Option<Addresses>) {
        if let Some((patterns, sources)) = self.plain.remove(&number) {
            self.index = self.index.set(number, None, (&patterns, &sources));
        }
        if let Some((patterns, sources)) = addresses {
            self.index = (self.index).set(number, Some(&number), (&patterns, &sources));
            self.plain.insert(number, (patterns, sources));
        }
    }

    fn any(&self, which: Any) -> Option<u64> {
        let numbers: Vec<_> = self.plain.keys().copied().collect();
        (!numbers.is_empty()).then(|| *which.get(&numbers))
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Come(addresses) => {
                self.set(self.next, Some(addresses.clone()));
                self.next += 1;
            }
            Step::Change(which, addresses) => {
                if let Some(number) = self.any(*which) {
                    self.set(number, Some(addresses.clone()));
                }
            }
            Step::Go(which) => {
                if let Some(number) = self.any(*which) {
                    self.set(number, None);
                }
            }
            Step::GoTogether(divisor) => {
                let stays = |number: &u64| !number.is_multiple_of(*divisor);
                self.index = self.index.retain(&stays);
                self.plain.retain(|number, _| stays(number));
            }
            Step::Find(source, tokens) => {
                let subject = Subject::new(tokens.iter().copied());
                let found = found(&self.index, source, || subject.clone());
                assert!(found.iter().all(|(number, listener)| number == *listener));
                let found: Vec<_> = found.iter().map(|(number, _)| *number).collect();
                let listening = (self.plain.iter())
                    .filter(|(_, addresses)| listens(addresses, source, &subject))
                    .map(|(number, _)| *number);
                assert_eq!(found, listening.collect::<Vec<_>>(), "{source:?} {subject}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1_000,
        rng_seed: RngSeed::Fixed(0x1d8),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_index_finds_the_listeners_that_a_plain_list_finds_and_keeps_nothing_of_those_that_have_gone(
        steps in vec(step(), 1..80),
    ) {
        let mut both = Both { index: Index::new(), plain: BTreeMap::new(), next: 1 };
        for step in &steps {
            both.step(step);
        }
        for number in 0..both.next {
            both.set(number, None);
        }
        prop_assert!(both.index.any_source.is_empty());
        prop_assert!(both.index.by_source.is_empty());
    }
}

#[test]
fn the_subject_is_asked_for_only_if_somebody_who_may_be_concerned_listens_by_pattern() {
    let nobody_asks = || -> Subject<'_> { panic!("it was asked for") };
    let (kernel, logger) = (Source::from("kernel"), Source::from("logger"));
    let pattern = ["a.>".parse().expect("a pattern")];
    let index = (Index::new())
        .set(1, Some(&"everything"), (&[], &[]))
        .set(2, Some(&"the kernel"), (&[], std::slice::from_ref(&kernel)))
        .set(
            3,
            Some(&"the logger's a"),
            (&pattern, std::slice::from_ref(&logger)),
        );
    assert_eq!(found(&index, &kernel, nobody_asks).len(), 2);
    assert_eq!(found(&index, &logger, || Subject::new(["a", "b"])).len(), 2);
}

/// The patterns of a module that wants to make look-ups long for the others, within the limits.
#[test]
fn a_subject_leads_through_few_nodes_in_whatever_way_wildcards_branch() {
    const LAST: usize = MAX_PATTERN_TOKENS - 1;
    let pattern = |shape: usize, last: &str| -> Pattern {
        let token = |place: usize| match shape >> place & 1 {
            1 => "*",
            _ if place == LAST => last,
            _ => "a",
        };
        let tokens: Vec<_> = (0..MAX_PATTERN_TOKENS).map(token).collect();
        tokens.join(".").parse().expect("a pattern")
    };
    let steps = |index: &Index<()>| {
        let found = || {
            let subject = || Subject::new(["a"; MAX_PATTERN_TOKENS]);
            assert!(found(index, &Source::from("kernel"), subject).len() <= 1);
        };
        count(At::LookedUp, found)
    };
    // Patterns that branch as early as they can, with many of each shape; and as late as they can.
    for shift in 0..=MAX_PATTERN_TOKENS - MAX_PATTERN_SHAPES.ilog2() as usize {
        let patterns: Vec<_> = (0..MAX_PATTERN_SHAPES)
            .flat_map(|shape| (0..64).map(move |last| (shape << shift, format!("b{last}"))))
            .map(|(shape, last)| pattern(shape, &last))
            .collect();
        assert!(shapes(&patterns) <= MAX_PATTERN_SHAPES);
        let index = Index::new().set(1, Some(&()), (&patterns, &[]));
        let steps = steps(&index);
        assert!(steps > 16 && steps < MAX_PATTERN_SHAPES * 16, "{steps}");
    }
    let all: Vec<_> = (0..1_024).map(|shape| pattern(shape, "a")).collect();
    let index = Index::new().set(1, Some(&()), (&all, &[]));
    assert!(steps(&index) > 5_000, "that is what is not allowed");
}
