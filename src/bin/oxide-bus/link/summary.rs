//! The summary at the end of `oxide-bus link`.

use std::fmt::Write;

use oxide_bus::link::{ExportStats, LinkStats};

use super::super::replay::counters::Counters;

/// Returns what became of the lines, if any were to be read, and what came from each origin. Envelopes that went out by
/// several links are counted together.
pub(super) fn summary(counters: &Counters, links: &[LinkStats], reads: bool) -> String {
    let mut text = String::new();
    if reads {
        let sum = |figure: fn(&ExportStats) -> u64| -> u64 {
            links.iter().map(|link| figure(&link.export)).sum()
        };
        for (name, count) in [
            ("read", counters.read()),
            ("bad", counters.bad()),
            ("exported", sum(|it| it.exported)),
            ("confirmed", sum(|it| it.confirmed)),
            ("lost", sum(|it| it.lost)),
            ("unsendable", sum(|it| it.unsendable)),
            ("sent again", sum(|it| it.resent)),
        ] {
            let _ = writeln!(text, "{name:<10} {count:>12}"); // writing to a string does not fail
        }
    }
    for import in links.iter().flat_map(|link| &link.imports) {
        let _ = writeln!(
            text,
            "from {}: received {}, repeated {}, refused {}, missed {}",
            import.origin,
            import.received,
            import.duplicates + import.repeated,
            import.refused + import.denied,
            import.missed,
        );
    }
    text
}
