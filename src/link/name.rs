//! The names of links. They are tokens of subjects, so only a few characters are allowed.

/// Whether this is the name of a link: 1 to 64 lowercase letters, digits and hyphens.
pub(super) fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}
