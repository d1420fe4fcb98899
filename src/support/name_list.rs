//! Lists of names for error messages.

use std::fmt::Display;

use crate::support::visible::escaped;

/// Returns the names as a list within a sentence: each quoted, with its hidden characters escaped.
pub(crate) fn quoted_list(names: &[impl Display]) -> String {
    let names: Vec<_> = (names.iter())
        .map(|name| format!("`{}`", escaped(name.to_string().chars())))
        .collect();
    names.join(", ")
}
