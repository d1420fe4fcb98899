//! Payloads and subjects: what a bus can carry, and the address that a payload gives its envelope.
//!
//! Subscribers and grants choose envelopes by subject, with a [`Pattern`](crate::Pattern).

use std::any::TypeId;
use std::fmt::{self, Write};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde_json::Value;
use smallvec::SmallVec;

use crate::support::visible::is_hidden;

/// What a bus can carry: any type that threads may share.
///
/// A type of your own opts in with one line, `impl Payload for MyType {}`. It also gives a
/// [`subject`](Payload::subject) if its subscribers should be able to choose by pattern. Numbers, `bool`, `char`, `()`,
/// `String`, `str`, [`serde_json::Value`], and `Vec`, `Box`, `Arc`, `Option`, arrays and pairs of payloads are payloads
/// already.
///
/// # Panics
///
/// A [`subject`](Payload::subject) that panics unwinds into the publisher of the envelope, before any subscriber was
/// offered the envelope. No other thread notices.
///
/// # Examples
///
/// ```
/// use oxide_bus::{Bus, Payload, Subject};
///
/// struct Reading { sensor: String, celsius: f64 }
///
/// impl Payload for Reading {
///     fn subject(&self) -> Subject<'_> {
///         Subject::new(["reading", &self.sensor])
///     }
/// }
///
/// struct Tick;
/// impl Payload for Tick {}
///
/// let readings = Bus::<Reading>::new();
/// let ticks = Bus::<Tick>::new();
/// # let _ = (Reading { sensor: String::new(), celsius: 0.0 }.celsius, readings, ticks);
/// ```
///
/// For a type that does not opt in, the compiler's message has the line to write:
///
/// ```compile_fail,E0277
/// struct Tick;
/// let ticks = oxide_bus::Bus::<Tick>::new(); // write `impl oxide_bus::Payload for Tick {}`
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a payload yet",
    label = "write `impl oxide_bus::Payload for {Self} {{}}`"
)]
pub trait Payload: Send + Sync + 'static {
    /// Returns the tokens by which subscribers choose. The default has none.
    ///
    /// It should be cheap, and always the same for the same payload. The bus calls it only in these cases:
    ///
    /// - A subscriber listens by pattern: each publish calls it once for all such subscribers, and again only if the
    ///   list of subscribers changes meanwhile. A task that waits for room calls it at each attempt.
    /// - A grant is [for some subjects](crate::Grant::patterns), or the publisher was
    ///   [narrowed](crate::Publisher::narrow): the check of the grant calls it. It is called again only if the publish
    ///   has to be counted after all, or the grant is replaced while a task waits.
    /// - Something is [retained](crate::Bus::retain): it is called at a later time too.
    /// - A publish was refused: the report of the refusal calls it.
    ///
    /// A type that keeps the default never has a subject. A subscriber that listens by pattern would wait for ever,
    /// even with `>`. So it is [evicted](crate::Eviction::NoSubject) when the first such payload is published.
    fn subject(&self) -> Subject<'_> {
        Subject::never_of::<Self>()
    }
}

macro_rules! payloads_without_a_subject {
    ($($payload:ty),* $(,)?) => { $(impl Payload for $payload {})* };
}

payloads_without_a_subject!(
    (),
    bool,
    char,
    u8,
    u16,
    u32,
    u64,
    u128,
    usize,
    i8,
    i16,
    i32,
    i64,
    i128,
    isize,
    f32,
    f64,
    str,
    String,
    &'static str,
    Value,
);

impl<M: Payload> Payload for Vec<M> {}

impl<M: Payload, const N: usize> Payload for [M; N] {}

impl<M: Payload, N: Payload> Payload for (M, N) {}

impl<M: Payload + ?Sized> Payload for Box<M> {
    fn subject(&self) -> Subject<'_> {
        (**self).subject().passed_on::<M, Self>()
    }
}

impl<M: Payload + ?Sized> Payload for Arc<M> {
    fn subject(&self) -> Subject<'_> {
        (**self).subject().passed_on::<M, Self>()
    }
}

impl<M: Payload> Payload for Option<M> {
    fn subject(&self) -> Subject<'_> {
        self.as_ref().map_or_else(Subject::none, |payload| {
            payload.subject().passed_on::<M, Self>()
        })
    }
}

/// The address of an envelope: a list of tokens, most general first.
///
/// Tokens are matched one by one and never joined, so a token may hold any text: a module called `web.browser` is one
/// token. As text ([`Display`](fmt::Display)), the tokens are joined by dots and escaped as in a
/// [`Pattern`](crate::Pattern). That text, read as a pattern, matches exactly this subject, unless it is longer than a
/// pattern [may be](crate::limits::MAX_PATTERN_TOKENS).
///
/// # Examples
///
/// ```
/// use oxide_bus::Subject;
///
/// let subject = Subject::new(["event", "started", "web.browser"]);
/// assert_eq!(subject.tokens().len(), 3);
/// assert_eq!(subject.to_string(), r"event.started.web\.browser");
/// ```
#[derive(Clone)]
pub struct Subject<'a> {
    tokens: SmallVec<[&'a str; 4]>,
    /// The payload type whose values never have a subject, if the default of [`Payload::subject`] made this one.
    never_of: Option<TypeId>,
}

impl<'a> Subject<'a> {
    /// Returns the subject that consists of these tokens. Up to four cost no allocation.
    #[inline]
    pub fn new(tokens: impl IntoIterator<Item = &'a str>) -> Self {
        // `collect` would ask for a size hint and reserve space, which is three times as slow.
        let mut given = tokens.into_iter();
        let mut tokens = [""; 4];
        for (at, token) in tokens.iter_mut().enumerate() {
            let Some(next) = given.next() else {
                let tokens = SmallVec::from_buf_and_len(tokens, at);
                return Subject {
                    tokens,
                    never_of: None,
                };
            };
            *token = next;
        }
        let mut tokens = SmallVec::from_buf(tokens);
        tokens.extend(given);
        Subject {
            tokens,
            never_of: None,
        }
    }

    /// Returns the subject of a payload that has none: no tokens. No pattern matches it.
    ///
    /// It is for types of which only some values have a subject. A type whose values never have one keeps the default
    /// of [`Payload::subject`].
    pub fn none() -> Self {
        Subject {
            tokens: SmallVec::new(),
            never_of: None,
        }
    }

    /// Returns the empty subject, marked: no payload of this type ever has a subject.
    fn never_of<M: ?Sized + 'static>() -> Self {
        Subject {
            never_of: Some(TypeId::of::<M>()),
            ..Self::none()
        }
    }

    /// Passes the subject of an inner payload on as that of the payload that wraps it, and translates the mark.
    fn passed_on<Inner: ?Sized + 'static, Outer: 'static>(self) -> Self {
        if self.is_never_of::<Inner>() {
            return Self::never_of::<Outer>();
        }
        self
    }

    /// Whether it is known that no payload of this type ever has a subject.
    pub(crate) fn is_never_of<M: ?Sized + 'static>(&self) -> bool {
        self.never_of == Some(TypeId::of::<M>())
    }

    /// Returns the tokens, most general first.
    pub fn tokens(&self) -> &[&'a str] {
        &self.tokens
    }
}

/// Compares the tokens alone.
impl PartialEq for Subject<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.tokens == other.tokens
    }
}

impl Eq for Subject<'_> {}

impl Hash for Subject<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.tokens.hash(state);
    }
}

impl fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Subject").field(&self.tokens).finish()
    }
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, token) in self.tokens.iter().enumerate() {
            if index > 0 {
                f.write_char('.')?;
            }
            write_token(f, token)?;
        }
        Ok(())
    }
}

/// Writes one token, escaped, so that a pattern's reader reads the same token and no wildcard.
pub(crate) fn write_token(f: &mut fmt::Formatter<'_>, token: &str) -> fmt::Result {
    if token.is_empty() {
        return f.write_str(r"\e");
    }
    for c in token.chars() {
        match c {
            '.' | '*' | '>' | '\\' => {
                f.write_char('\\')?;
                f.write_char(c)?;
            }
            // A line break in a module's id must not break a log's line, and no hidden character may mislead its
            // reader.
            c if is_hidden(c) => write!(f, r"\u{{{:x}}}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    Ok(())
}
