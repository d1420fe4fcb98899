//! Patterns over subjects, such as `event.custom.*.reading` and `command.>`.
//!
//! Subscribers and grants choose subjects with them. The wildcards are those of NATS.

mod error;

use std::fmt::{self, Write};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use crate::message::subject::{Subject, write_token};

use self::error::{FlawKind, PatternFlaw};

pub use self::error::PatternError;

/// The most bytes of a [`Pattern`]: those of its tokens, and one more for each token. An escape counts as the character
/// that it stands for. (A subject with two names of 256 bytes has some 540 bytes.)
pub const MAX_PATTERN_BYTES: usize = 4_096;

/// The most tokens of a [`Pattern`], without the `>` at its end.
pub const MAX_PATTERN_TOKENS: usize = 16;

/// The most patterns that a subscription can be [set](crate::Subscription::set_patterns) to. (A new subscription may
/// have any number of them.)
pub const MAX_PATTERNS: usize = 1_024;

/// The most bytes of all patterns of one subscription, or of one grant, together. That is enough for 1,024 patterns of
/// 256 bytes. They are counted as for [`MAX_PATTERN_BYTES`].
pub const MAX_PATTERNS_BYTES: usize = 256 * 1_024;

/// The most shapes among the patterns that a subscription can be [set](crate::Subscription::set_patterns) to. The shape
/// of a pattern is the set of places at which its tokens are `*`.
///
/// So a thousand patterns such as `command.invoke.*.m7` have one shape. With each further shape, a publish takes up to
/// 16 steps more to find the subscribers, if the subject's other tokens match.
pub const MAX_PATTERN_SHAPES: usize = 16;

/// A pattern over subjects, compiled once and matched token by token.
///
/// # Text form
///
/// Tokens are joined by dots. `*` stands for any one token, and `>` at the end for one or more tokens. Any other token
/// stands for itself. A backslash begins an escape:
///
/// | written | meaning |
/// | --- | --- |
/// | `\.` `\*` `\>` `\\` | that character, literally |
/// | `\e` | the empty token (must stand alone) |
/// | `\u{1f}` | the character with that code, in hexadecimal |
///
/// A wildcard that is only a part of a token (`sensor*`) is an error rather than a literal, because it would match less
/// than its author expects. No pattern matches a subject without tokens, not even `>`: see
/// [`Payload::subject`](crate::Payload::subject).
///
/// An empty token is a token like any other, so `*` and `>` match it. (NATS has no empty tokens.)
///
/// # Text in place of patterns
///
/// Every method that takes a pattern takes text as well, such as `SubscribeOptions::new().pattern("reading.>")`. The
/// operation that uses the options reports a bad text as its error. [Escape](Pattern::escape) each token that comes
/// from outside the program. In serde's formats a pattern is its text.
///
/// # Limits
///
/// A pattern has at most [`MAX_PATTERN_TOKENS`] tokens and [`MAX_PATTERN_BYTES`]. A subject may have more, and `>`
/// matches the rest of them.
///
/// # Cost
///
/// Matching compares tokens in order and stops at the first difference. It allocates nothing. Cloning a pattern costs a
/// reference count.
///
/// # Examples
///
/// ```
/// use oxide_bus::{Pattern, Subject};
///
/// let starts: Pattern = "*.started.>".parse()?;
/// assert!(starts.matches(&Subject::new(["event", "started", "web.browser"])));
/// assert!(!starts.matches(&Subject::new(["event", "started"])));
///
/// let browser: Pattern = r"event.started.web\.browser".parse()?;
/// assert!(browser.matches(&Subject::new(["event", "started", "web.browser"])));
/// # Ok::<(), oxide_bus::PatternError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Pattern {
    /// At most [`MAX_PATTERN_TOKENS`].
    tokens: Arc<[Token]>,
    /// Whether a `>` follows the tokens.
    open_ended: bool,
}

/// One token of a pattern. The `>` at the end of a pattern is not one of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Token {
    Literal(Arc<str>),
    AnyOne,
}

impl Token {
    /// Returns how many of [`MAX_PATTERN_BYTES`] it takes.
    fn bytes(&self) -> usize {
        match self {
            Token::Literal(literal) => literal.len() + 1,
            Token::AnyOne => 2,
        }
    }
}

impl Pattern {
    /// Returns the text that stands for this token, and no other, in a pattern.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Pattern, Subject};
    ///
    /// let module = "web.browser";
    /// let invokes = format!("command.invoke.{}.*", Pattern::escape(module));
    /// assert_eq!(invokes, r"command.invoke.web\.browser.*");
    /// let invokes = Pattern::try_from(invokes)?;
    /// assert!(invokes.matches(&Subject::new(["command", "invoke", module, "open"])));
    /// # Ok::<(), oxide_bus::PatternError>(())
    /// ```
    pub fn escape(token: &str) -> String {
        Subject::new([token]).to_string()
    }

    /// Returns its bytes, as [`MAX_PATTERN_BYTES`] counts them.
    pub(crate) fn bytes(&self) -> usize {
        self.tokens.iter().map(Token::bytes).sum()
    }

    /// Returns its shape: a bit for each token, set if the token is `*`.
    pub(crate) fn wildcards(&self) -> u16 {
        (self.tokens.iter().enumerate())
            .filter(|(_, token)| matches!(token, Token::AnyOne))
            .fold(0, |bits, (place, _)| bits | 1 << place)
    }

    pub(crate) fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Whether a `>` follows the tokens.
    pub(crate) fn is_open_ended(&self) -> bool {
        self.open_ended
    }

    /// Whether this pattern matches the subject.
    #[inline]
    pub fn matches(&self, subject: &Subject<'_>) -> bool {
        self.matches_tokens(subject.tokens())
    }

    #[inline]
    pub(crate) fn matches_tokens(&self, subject: &[&str]) -> bool {
        subject.len() >= self.tokens.len()
            && (subject.len() > self.tokens.len()) == self.open_ended
            && self
                .tokens
                .iter()
                .zip(subject)
                .all(|(token, given)| match token {
                    Token::Literal(literal) => **literal == **given,
                    Token::AnyOne => true,
                })
    }
}

/// Reads patterns. Stops at the first text that is not one.
pub(crate) fn read<P>(patterns: impl IntoIterator<Item = P>) -> Result<Vec<Pattern>, PatternError>
where
    P: TryInto<Pattern>,
    P::Error: Into<PatternError>,
{
    (patterns.into_iter())
        .map(|pattern| pattern.try_into().map_err(Into::into))
        .collect()
}

impl FromStr for Pattern {
    type Err = PatternError;

    /// Reads a pattern's text form.
    ///
    /// # Errors
    ///
    /// [`PatternError`] says what is wrong, and at which byte.
    fn from_str(text: &str) -> Result<Self, PatternError> {
        Self::compile(text).map_err(|flaw| PatternError::new(text, flaw))
    }
}

impl Pattern {
    fn compile(text: &str) -> Result<Self, PatternFlaw> {
        let mut reader = Reader { text, at: 0 };
        let mut tokens = Tokens::default();
        loop {
            let start = reader.at;
            match reader.token()? {
                Read::Token(token) => tokens.push(token).map_err(|kind| kind.at(start))?,
                Read::Rest if reader.at == text.len() => return Ok(tokens.pattern(true)),
                Read::Rest => return Err(FlawKind::RestNotLast.at(start)),
            }
            if reader.at == text.len() {
                return Ok(tokens.pattern(false));
            }
            reader.at += 1; // the dot at which the token ended
        }
    }
}

impl TryFrom<&str> for Pattern {
    type Error = PatternError;

    fn try_from(text: &str) -> Result<Self, PatternError> {
        text.parse()
    }
}

impl TryFrom<&String> for Pattern {
    type Error = PatternError;

    fn try_from(text: &String) -> Result<Self, PatternError> {
        text.parse()
    }
}

impl TryFrom<String> for Pattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, PatternError> {
        text.parse()
    }
}

impl From<&Pattern> for Pattern {
    fn from(pattern: &Pattern) -> Self {
        pattern.clone()
    }
}

impl Serialize for Pattern {
    /// Writes the pattern as text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The tokens of a pattern that is being compiled, within its limits.
#[derive(Default)]
struct Tokens {
    tokens: Vec<Token>,
    bytes: usize,
}

impl Tokens {
    fn push(&mut self, token: Token) -> Result<(), FlawKind> {
        self.bytes += token.bytes();
        if self.bytes > MAX_PATTERN_BYTES {
            return Err(FlawKind::TooLong);
        }
        if self.tokens.len() == MAX_PATTERN_TOKENS {
            return Err(FlawKind::TooManyTokens);
        }
        self.tokens.push(token);
        Ok(())
    }

    fn pattern(self, open_ended: bool) -> Pattern {
        Pattern {
            tokens: self.tokens.into(),
            open_ended,
        }
    }
}

/// What the reader found: a token, or the `>` that stands for the rest.
enum Read {
    Token(Token),
    Rest,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// Reads one token. Stops at the next dot, which it leaves, or at the end.
    fn token(&mut self) -> Result<Read, PatternFlaw> {
        let start = self.at;
        let mut literal = String::new();
        let mut wildcard = None;
        let mut empty = false;
        while let Some(c) = self.peek().filter(|c| *c != '.') {
            let here = self.at;
            if wildcard.is_some() || empty {
                return Err(FlawKind::NotAlone.at(start));
            }
            self.next();
            match c {
                '*' | '>' if here == start => wildcard = Some(c),
                '*' | '>' => return Err(FlawKind::NotAlone.at(here)),
                '\\' => match self.escape(here)? {
                    Some(c) => literal.push(c),
                    None if here == start => empty = true,
                    None => return Err(FlawKind::NotAlone.at(here)),
                },
                c => literal.push(c),
            }
        }
        match wildcard {
            Some('*') => Ok(Read::Token(Token::AnyOne)),
            Some(_) => Ok(Read::Rest),
            None if literal.is_empty() && !empty => Err(FlawKind::EmptyToken.at(start)),
            None => Ok(Read::Token(Token::Literal(literal.into()))),
        }
    }

    /// Reads what follows a backslash. Returns a character, or `None` for the empty token `\e`.
    fn escape(&mut self, start: usize) -> Result<Option<char>, PatternFlaw> {
        let unknown = || FlawKind::UnknownEscape.at(start);
        match self.next().ok_or_else(unknown)? {
            'e' => Ok(None),
            'u' => {
                let code = self.text[self.at..]
                    .strip_prefix('{')
                    .and_then(|rest| rest.split_once('}'))
                    .map(|(code, _)| code)
                    .filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()))
                    .ok_or_else(unknown)?;
                self.at += code.len() + 2;
                u32::from_str_radix(code, 16)
                    .ok()
                    .and_then(char::from_u32)
                    .map(Some)
                    .ok_or_else(unknown)
            }
            c @ ('.' | '*' | '>' | '\\') => Ok(Some(c)),
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, token) in self.tokens.iter().enumerate() {
            if index > 0 {
                f.write_char('.')?;
            }
            match token {
                Token::Literal(literal) => write_token(f, literal)?,
                Token::AnyOne => f.write_char('*')?,
            }
        }
        if self.open_ended {
            f.write_str(if self.tokens.is_empty() { ">" } else { ".>" })?;
        }
        Ok(())
    }
}
