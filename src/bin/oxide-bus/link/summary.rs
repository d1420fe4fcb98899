//! What is said at the end of `oxide-bus link`.

use std::fmt::Write;

use oxide_bus::link::LinkStats;

use super::super::replay::counters::Counters;

/// Returns what became of the lines that were read, if any were to be, and what came from each origin.
pub(super) fn summary(counters: &Counters, stats: &LinkStats, reads: bool) -> String {
    let mut text = String::new();
    if reads {
        let export = &stats.export;
        for (name, count) in [
            ("read", counters.read()),
            ("bad", counters.bad()),
            ("exported", export.exported),
            ("confirmed", export.confirmed),
            ("lost", export.lost),
            ("unsendable", export.unsendable),
            ("sent again", export.resent),
        ] {
            let _ = writeln!(text, "{name:<10} {count:>12}"); // writing to a string does not fail
        }
    }
    for import in &stats.imports {
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
