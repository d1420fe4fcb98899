//! The bus against the reference model: random scripts of operations, every result compared.

mod support;

use std::time::Duration;

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use oxide_bus::Bus;
use support::cases::cases;
use support::model::{Filter, Policy, Terms, Token};
use support::script::{How, Operation, Tokens, run, run_on};

const CAPABILITIES: [&str; 2] = ["log:write", "disk:read"];
const SOURCES: [&str; 3] = ["kernel", "logger", ""];
const SUBJECTS: [Tokens; 8] = [
    &[],
    &["a"],
    &["b"],
    &["a", "b"],
    &["a", ""],
    &["a.b"],
    &["b", "a", "*"],
    &["b", "a", "b", "a", "b", "a"],
];

fn capability() -> impl Strategy<Value = &'static str> {
    select(&CAPABILITIES)
}

fn source() -> impl Strategy<Value = &'static str> {
    select(&SOURCES)
}

fn subject() -> impl Strategy<Value = Tokens> {
    select(&SUBJECTS)
}

fn pattern() -> impl Strategy<Value = Vec<Token>> {
    let token = prop_oneof![
        2 => select(&["a", "b", "", "a.b", "*"]).prop_map(Token::Literal),
        1 => Just(Token::AnyOne),
    ];
    (vec(token, 0..4), any::<bool>()).prop_map(|(mut tokens, open_ended)| {
        if open_ended || tokens.is_empty() {
            tokens.push(Token::Rest);
        }
        tokens
    })
}

/// Few, so that the same is retained again and forgotten.
fn retained() -> impl Strategy<Value = Vec<Token>> {
    let a = Token::Literal("a");
    select(vec![
        vec![Token::Rest],
        vec![a],
        vec![a, Token::AnyOne],
        vec![Token::AnyOne, a, Token::Rest],
    ])
}

/// Mostly none, so that queues fill.
fn filter() -> impl Strategy<Value = Filter> {
    let some = (
        vec(pattern(), 0..3),
        vec(source(), 0..3),
        proptest::bool::weighted(0.2),
    );
    let some = some.prop_map(|(patterns, sources, even)| Filter {
        patterns,
        sources,
        even,
    });
    prop_oneof![2 => Just(Filter::default()), 1 => some]
}

fn how() -> impl Strategy<Value = How> {
    prop_oneof![
        4 => Just(How::Try),
        1 => Just(How::Wait),
        1 => Just(How::Lend),
        1 => Just(How::Timeout(Duration::ZERO)),
        1 => Just(How::Timeout(Duration::from_nanos(1))),
        1 => Just(How::PastDeadline),
        1 => Just(How::Iterate),
        1 => Just(How::TryIterate),
    ]
}

fn policy() -> impl Strategy<Value = Policy> {
    select(&[
        Policy::DropNewest,
        Policy::DropOldest,
        Policy::Evict,
        Policy::Block,
    ])
}

/// Queues of 1 to 4 places, so that they overflow all the time.
fn terms() -> impl Strategy<Value = Terms> {
    let alone = (1..5_usize, filter(), policy()).prop_map(|(capacity, filter, policy)| Terms {
        capacity,
        filter,
        policy,
        group: None,
    });
    // Mostly on the same terms.
    let group = (
        select(&["red", "blue"]),
        policy(),
        2..=3_usize,
        weighted(0.1, filter()),
    );
    let group = group.prop_map(|(name, policy, capacity, filter)| Terms {
        capacity,
        // Predicates are never the same, unless they come from the same options.
        filter: Filter {
            even: false,
            ..filter.unwrap_or_default()
        },
        policy,
        group: Some(name),
    });
    prop_oneof![3 => alone, 1 => group]
}

fn operation() -> impl Strategy<Value = Operation> {
    let publish = (source(), subject(), weighted(0.2, capability()));
    prop_oneof![
        4 => terms().prop_map(Operation::Subscribe),
        2 => (any::<usize>(), vec(pattern(), 0..3))
            .prop_map(|(index, patterns)| Operation::SetPatterns(index, patterns)),
        2 => any::<usize>().prop_map(Operation::Unsubscribe),
        2 => (retained(), 1..5_usize)
            .prop_map(|(pattern, count)| Operation::Retain(pattern, count)),
        1 => retained().prop_map(Operation::Forget),
        24 => publish.prop_map(|(source, subject, under)| {
            Operation::Publish { source, subject, under }
        }),
        6 => (source(), subject())
            .prop_map(|(source, subject)| Operation::TryPublish { source, subject }),
        30 => (any::<usize>(), how())
            .prop_map(|(subscription, how)| Operation::Receive { subscription, how }),
        2 => capability().prop_map(Operation::Grant),
        2 => capability().prop_map(Operation::Revoke),
        2 => (source(), capability())
            .prop_map(|(source, capability)| Operation::NewPublisher { source, capability }),
        8 => (any::<usize>(), subject())
            .prop_map(|(publisher, subject)| Operation::Speak { publisher, subject }),
        1 => any::<usize>().prop_map(Operation::DropPublisher),
        1 => Just(Operation::CloneBus),
        1 => Just(Operation::DropBus),
        1 => proptest::bool::weighted(0.2)
            .prop_map(|close| if close { Operation::Close } else { Operation::CloneBus }),
    ]
}

proptest! {
    #![proptest_config(cases(3_000))]

    #[test]
    fn a_bus_does_what_the_model_does(script in vec(operation(), 1..120)) {
        run(&script);
    }
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn a_bus_with_one_order_for_all_does_what_the_model_does(script in vec(operation(), 1..120)) {
        run_on(Bus::builder().total_order(), &script);
    }
}

/// Everything from one publisher to one subscriber: all that matters is how full the queue is.
fn one_to_one() -> impl Strategy<Value = Vec<Operation>> {
    let step = prop_oneof![
        Just(Operation::Publish {
            source: "kernel",
            subject: &[],
            under: None
        }),
        Just(Operation::TryPublish {
            source: "kernel",
            subject: &[],
        }),
        how().prop_map(|how| Operation::Receive {
            subscription: 0,
            how
        }),
    ];
    (1..5_usize, policy(), vec(step, 1..60)).prop_map(|(capacity, policy, mut steps)| {
        let terms = Terms {
            capacity,
            policy,
            ..Terms::default()
        };
        steps.insert(0, Operation::Subscribe(terms));
        steps
    })
}

proptest! {
    #![proptest_config(cases(3_000))]

    #[test]
    fn one_queue_loses_and_tells_exactly_as_the_model_does(script in one_to_one()) {
        run(&script);
    }
}
