//! Compares the bus with the reference model: runs random scripts of operations, and compares every result.

use std::fmt::Debug;

use arbitrary::{Result, Unstructured};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::cases::cases;
use crate::support::draw::{how, operation, policy};
use crate::support::model::Terms;
use crate::support::script::{Operation, run};
use oxide_bus::Bus;

/// Draws a value from random bytes, of which there are always enough.
fn drawn<T: Debug>(draw: fn(&mut Unstructured<'_>) -> Result<T>) -> impl Strategy<Value = T> {
    any::<[u8; 21]>().prop_map(move |bytes| {
        let mut bytes = Unstructured::new(&bytes);
        draw(&mut bytes).expect("any bytes will do")
    })
}

proptest! {
    #![proptest_config(cases(3_000))]

    #[test]
    fn a_bus_does_what_the_model_does(script in vec(drawn(operation), 1..120)) {
        run(Bus::builder(), &script);
    }
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn a_bus_with_one_order_for_all_does_what_the_model_does(script in vec(drawn(operation), 1..120)) {
        run(Bus::builder().total_order(), &script);
    }
}

/// One publisher and one subscriber: all that matters is how full the queue is.
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
        drawn(how).prop_map(|how| Operation::Receive {
            subscription: 0,
            how
        }),
    ];
    (1..5_usize, drawn(policy), vec(step, 1..60)).prop_map(|(capacity, policy, mut steps)| {
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
        run(Bus::builder(), &script);
    }
}
