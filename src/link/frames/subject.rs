//! Subjects and patterns as an engine's server sees them.
//!
//! A token of the bus may hold any text, but a token of the server only a few characters. So tokens are escaped, one to
//! one, and wildcards stay as they are. A pattern matches here exactly if the escaped one matches at the server. Tests:
//! `tests/subject.rs` of this layer and `tests/link/subjects.rs`.

use std::borrow::Cow;
use std::fmt::Write;

use crate::message::pattern::{Pattern, Token};

/// The most bytes of a whole subject. A server of NATS drops a connection that sends a subject of more than 4 KiB.
pub(in crate::link) const MAX_SUBJECT: usize = 1024;

/// The first token of every subject of a link.
const ROOT: &str = "ob";

/// The token of a payload without a subject. No escaped token equals it.
const NO_SUBJECT: &str = "=_";

/// Tokens of control frames. No escaped token equals them, because `c` is not an upper-case hexadecimal digit.
const MARK: &str = "=c.mark";
const WANT: &str = "=c.want";
const HELLO: &str = "=c.hello";
const GONE: &str = "=c.gone";
const IMPORTS: &str = "=c.imports";
const DECLINED: &str = "=c.declined";

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// Appends a token: bytes other than `[A-Za-z0-9_-]` become `=HH`, and the empty token becomes `=`.
pub(in crate::link) fn escape(token: &str, out: &mut String) {
    if token.is_empty() {
        out.push('=');
    }
    if token.bytes().all(is_plain) {
        out.push_str(token);
        return;
    }
    for byte in token.bytes() {
        if is_plain(byte) {
            out.push(char::from(byte));
        } else {
            push_escaped(byte, out);
        }
    }
}

/// Appends a byte as `=HH`.
pub(in crate::link) fn push_escaped(byte: u8, out: &mut String) {
    out.push('=');
    for digit in [byte >> 4, byte & 15] {
        out.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
    }
}

/// Reverses [`escape`]. `None` for a text that it cannot have written.
pub(in crate::link) fn unescape(escaped: &str) -> Option<Cow<'_, str>> {
    if escaped == "=" {
        return Some("".into());
    }
    if !escaped.is_empty() && escaped.bytes().all(is_plain) {
        return Some(escaped.into());
    }
    let token = unescape_bytes(escaped)?;
    let mut again = String::with_capacity(escaped.len());
    escape(&token, &mut again);
    (again == escaped).then_some(token.into())
}

/// Replaces each `=HH` by its byte.
pub(in crate::link) fn unescape_bytes(escaped: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut rest = escaped.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'=' {
            bytes.push(first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        rest = after;
        let digit = |digit: u8| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'A'..=b'F' => Some(digit - b'A' + 10),
            _ => None,
        };
        bytes.push(digit(digits[0])? << 4 | digit(digits[1])?);
    }
    String::from_utf8(bytes).ok()
}

/// Returns the subject of an envelope of this origin, or `None` if it is too long.
pub(in crate::link) fn of_tokens(origin: &str, tokens: &[&str]) -> Option<String> {
    let mut subject = String::with_capacity(64);
    subject.push_str(ROOT);
    subject.push('.');
    subject.push_str(origin);
    if tokens.is_empty() {
        subject.push('.');
        subject.push_str(NO_SUBJECT);
    }
    for token in tokens {
        subject.push('.');
        escape(token, &mut subject);
        if subject.len() > MAX_SUBJECT {
            return None;
        }
    }
    Some(subject)
}

/// Whether these are the tokens of an envelope with this subject. Allocates only if a token needs escapes.
pub(in crate::link) fn has_tokens(subject: &str, tokens: &[&str]) -> bool {
    let root = subject
        .strip_prefix(ROOT)
        .and_then(|it| it.strip_prefix('.'));
    let Some((_origin, mut rest)) = root.and_then(|it| it.split_once('.')) else {
        return false;
    };
    if tokens.is_empty() {
        return rest == NO_SUBJECT;
    }
    let mut escaped = String::new();
    for (at, token) in tokens.iter().enumerate() {
        if at > 0 {
            let Some(after) = rest.strip_prefix('.') else {
                return false;
            };
            rest = after;
        }
        let is_as_it_is = !token.is_empty() && token.bytes().all(is_plain);
        let token = if is_as_it_is {
            token
        } else {
            escaped.clear();
            escape(token, &mut escaped);
            escaped.as_str()
        };
        let Some(after) = rest.strip_prefix(token) else {
            return false;
        };
        rest = after;
    }
    rest.is_empty() && subject.len() <= MAX_SUBJECT
}

/// Returns a pattern as the server sees it, without root and origin.
pub(in crate::link) fn of_pattern(pattern: &Pattern) -> String {
    let mut escaped = String::new();
    for token in pattern.tokens() {
        if !escaped.is_empty() {
            escaped.push('.');
        }
        match token {
            Token::Literal(literal) => escape(literal, &mut escaped),
            Token::AnyOne => escaped.push('*'),
        }
    }
    if pattern.is_open_ended() {
        escaped.push_str(if escaped.is_empty() { ">" } else { ".>" });
    }
    escaped
}

/// Returns the subscription for a pattern of an origin (`*` for any).
pub(in crate::link) fn from_origin(origin: &str, pattern: &str) -> String {
    let mut subject = String::new();
    // Writing to a text does not fail.
    let _ = write!(subject, "{ROOT}.{origin}.{pattern}");
    subject
}

/// Returns the subject of this origin's marks (`*` for any origin).
pub(in crate::link) fn mark(origin: &str) -> String {
    from_origin(origin, MARK)
}

/// Returns the subject of this origin's tombstones (`*` for any).
pub(in crate::link) fn gone(origin: &str) -> String {
    from_origin(origin, GONE)
}

/// Returns the subject by which this origin greets all others.
pub(in crate::link) fn hello(origin: &str) -> String {
    from_origin(origin, HELLO)
}

/// Returns the subject by which an origin asks another for frames again.
pub(in crate::link) fn want(origin: &str, of: &str) -> String {
    from_origin(origin, &format!("{WANT}.{of}"))
}

/// Returns the subject by which this origin says what it imports (`*` for any origin).
pub(in crate::link) fn imports(origin: &str) -> String {
    from_origin(origin, IMPORTS)
}

/// Returns the subject by which an origin says that nobody answers a request of another.
pub(in crate::link) fn declined(origin: &str, of: &str) -> String {
    from_origin(origin, &format!("{DECLINED}.{of}"))
}

/// The purpose of a subject.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::link) enum Purpose<'a> {
    Data,
    Mark,
    /// A tombstone.
    Gone,
    Hello,
    /// A request for frames of this link.
    Want(&'a str),
    Imports,
    /// A message that nobody answers a request of this link.
    Declined(&'a str),
}

/// Splits a subject into its origin and its purpose. `None` if it is not a link's subject.
pub(in crate::link) fn split(subject: &str) -> Option<(&str, Purpose<'_>)> {
    let rest = subject.strip_prefix(ROOT)?.strip_prefix('.')?;
    let (origin, rest) = rest.split_once('.')?;
    let purpose = match rest {
        "" => return None,
        MARK => Purpose::Mark,
        GONE => Purpose::Gone,
        HELLO => Purpose::Hello,
        IMPORTS => Purpose::Imports,
        _ => {
            let of = |what| rest.strip_prefix(what).and_then(|it| it.strip_prefix('.'));
            (of(WANT).map(Purpose::Want))
                .or(of(DECLINED).map(Purpose::Declined))
                .unwrap_or(Purpose::Data)
        }
    };
    Some((origin, purpose))
}

/// Returns the subscription for payloads of an origin that have no subject.
pub(in crate::link) fn without_subject(origin: &str) -> String {
    from_origin(origin, NO_SUBJECT)
}

/// Whether this is the subject, or the pattern, for payloads that have none.
pub(in crate::link) fn is_without_subject(subject: &str) -> bool {
    subject.rsplit('.').next() == Some(NO_SUBJECT)
}

/// Whether the server's pattern matches the subject.
pub(in crate::link) fn matches(pattern: &str, subject: &str) -> bool {
    // Arrays, because a search for one `char` is made for long tokens.
    let mut tokens = subject.split(['.']);
    let mut wanted = pattern.split(['.']);
    loop {
        match (wanted.next(), tokens.next()) {
            (Some(">"), Some(_)) | (None, None) => return true,
            (Some("*"), Some(_)) => {}
            (Some(literal), Some(token)) if literal == token => {}
            _ => return false,
        }
    }
}

/// Whether the wide pattern matches each subject that the narrow one matches.
pub(in crate::link) fn covers(wide: &str, narrow: &str) -> bool {
    let mut narrow = narrow.split('.');
    let mut wide = wide.split('.');
    loop {
        match (wide.next(), narrow.next()) {
            (Some(">"), Some(_)) | (None, None) => return true,
            (Some("*"), Some(token)) if token != ">" => {}
            (Some(literal), Some(token)) if literal == token => {}
            _ => return false,
        }
    }
}

/// Whether there is a subject that both patterns match.
pub(in crate::link) fn overlaps(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.split('.'), other.split('.'));
    loop {
        match (one.next(), other.next()) {
            (Some(">"), Some(_)) | (Some(_), Some(">")) | (None, None) => return true,
            (Some(a), Some(b)) if a == "*" || b == "*" || a == b => {}
            _ => return false,
        }
    }
}

/// Returns a pattern that covers both, and little more. Only a consumer of `JetStream` needs it.
#[cfg(any(test, feature = "nats"))]
pub(in crate::link) fn joined(one: &str, other: &str) -> String {
    let (mut one, mut other) = (one.split('.'), other.split('.'));
    let mut joined = Vec::new();
    loop {
        match (one.next(), other.next()) {
            (None, None) => break,
            (Some(a), Some(b)) if a != ">" && b != ">" => {
                joined.push(if a == b { a } else { "*" });
            }
            (a, b) => {
                // One of the patterns ends here, but `>` stands for at least one token.
                if a.is_none() || b.is_none() {
                    joined.pop();
                }
                joined.push(">");
                break;
            }
        }
    }
    joined.join(".")
}

#[cfg(all(test, not(oxide_loom)))]
#[path = "../tests/subject.rs"]
mod tests;
