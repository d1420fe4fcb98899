//! Names as they stand in a sentence.

use std::fmt::Display;

use crate::support::visible::escaped;

/// Names as they stand in a sentence: each quoted, with what is hidden in it escaped.
pub(crate) fn list(names: &[impl Display]) -> String {
    let names: Vec<_> = (names.iter())
        .map(|name| format!("`{}`", escaped(name.to_string().chars())))
        .collect();
    names.join(", ")
}
