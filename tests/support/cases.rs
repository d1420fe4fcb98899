//! How many cases a property test runs, and which.

use proptest::test_runner::{Config, RngSeed};

/// The same cases at each run, unless `PROPTEST_RNG_SEED` chooses others and `PROPTEST_CASES` asks for more.
pub(crate) fn cases(cases: u32) -> Config {
    let from_environment = Config::default();
    Config {
        cases: cases.max(from_environment.cases),
        rng_seed: match from_environment.rng_seed {
            RngSeed::Random => RngSeed::Fixed(0x0b5),
            chosen @ RngSeed::Fixed(_) => chosen,
        },
        failure_persistence: None,
        ..from_environment
    }
}
