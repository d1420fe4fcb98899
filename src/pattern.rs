//! Patterns over subjects: `event.custom.*.reading`, `command.>`.

use std::error::Error;
use std::fmt::{self, Write};
use std::str::FromStr;
use std::sync::Arc;

use crate::subject::{Subject, write_token};

/// The most bytes of a [`Pattern`]: those of its tokens, and one more for each. An escape counts as what it stands
/// for. (A subject with two names of 256 bytes has some 540.)
pub const MAX_PATTERN_BYTES: usize = 4_096;

/// The most tokens of a [`Pattern`], without the `>` at its end.
pub const MAX_PATTERN_TOKENS: usize = 16;

/// Which subjects a subscriber wants; compiled once, matched token by token.
///
/// # Text form
///
/// Tokens are joined by dots. `*` stands for any one token, `>` at the end for one or more tokens;
/// any other token stands for itself. A backslash takes the meaning away from what follows it:
///
/// | written | is |
/// | --- | --- |
/// | `\.` `\*` `\>` `\\` | that character, literally |
/// | `\e` | the empty token (must stand alone) |
/// | `\u{1f}` | the character with that code, in hexadecimal |
///
/// A wildcard that is only a part of a token (`sensor*`) is an error rather than a literal: who
/// writes it expects it to match more than it would. No pattern matches a subject without tokens, not even `>`:
/// see [`Payload::subject`](crate::Payload::subject).
///
/// An empty token is a token as any other, so `*` and `>` match it. (In NATS there is none.)
///
/// # Limits
///
/// [`MAX_PATTERN_TOKENS`] tokens and [`MAX_PATTERN_BYTES`]; a subject may have more, and `>` matches the rest of them.
///
/// # Cost
///
/// Matching compares tokens in order and stops at the first difference; it allocates nothing. Cloning one costs a
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
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// [`MAX_PATTERN_TOKENS`] at most.
    tokens: Arc<[Token]>,
    /// Whether a `>` follows the tokens.
    open_ended: bool,
}

/// One token of a pattern; the `>` at its end is none.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Token {
    Literal(Arc<str>),
    AnyOne,
}

impl Token {
    /// How much of [`MAX_PATTERN_BYTES`] it takes.
    fn bytes(&self) -> usize {
        match self {
            Token::Literal(literal) => literal.len() + 1,
            Token::AnyOne => 2,
        }
    }
}

impl Pattern {
    /// The pattern that matches this subject and no other. None if the subject has no tokens, or more tokens or bytes
    /// than a pattern may have.
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::{Pattern, Subject};
    ///
    /// let subject = Subject::new(["event", "pong", "*"]);
    /// let pattern = Pattern::exactly(&subject).expect("it has tokens");
    /// assert!(pattern.matches(&subject));
    /// assert!(!pattern.matches(&Subject::new(["event", "pong", "echo"])));
    /// ```
    pub fn exactly(subject: &Subject<'_>) -> Option<Self> {
        let mut tokens = Tokens::default();
        for token in subject.tokens() {
            tokens.push(Token::Literal((*token).into())).ok()?;
        }
        (!tokens.tokens.is_empty()).then(|| tokens.pattern(false))
    }

    /// How many bytes it has, as [`MAX_PATTERN_BYTES`] counts them.
    pub(crate) fn bytes(&self) -> usize {
        self.tokens.iter().map(Token::bytes).sum()
    }

    /// Which of its tokens are `*`: a bit for each.
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

    /// Whether the subject is one of those that this pattern stands for.
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

impl FromStr for Pattern {
    type Err = PatternError;

    /// Reads a pattern's text form.
    ///
    /// # Errors
    ///
    /// [`PatternError`] says what is wrong and at which byte.
    fn from_str(text: &str) -> Result<Self, PatternError> {
        let mut reader = Reader { text, at: 0 };
        let mut tokens = Tokens::default();
        loop {
            let start = reader.at;
            match reader.token()? {
                Read::Token(token) => tokens.push(token).map_err(|kind| kind.at(start))?,
                Read::Rest if reader.at == text.len() => return Ok(tokens.pattern(true)),
                Read::Rest => return Err(PatternErrorKind::RestNotLast.at(start)),
            }
            if reader.at == text.len() {
                return Ok(tokens.pattern(false));
            }
            reader.at += 1; // the dot at which the token ended
        }
    }
}

/// The tokens of a pattern in the making, within its limits.
#[derive(Default)]
struct Tokens {
    tokens: Vec<Token>,
    bytes: usize,
}

impl Tokens {
    fn push(&mut self, token: Token) -> Result<(), PatternErrorKind> {
        self.bytes += token.bytes();
        if self.bytes > MAX_PATTERN_BYTES {
            return Err(PatternErrorKind::TooLong);
        }
        if self.tokens.len() == MAX_PATTERN_TOKENS {
            return Err(PatternErrorKind::TooManyTokens);
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

/// One token as it was read.
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

    /// Reads up to the next dot, which it leaves, or the end.
    fn token(&mut self) -> Result<Read, PatternError> {
        let start = self.at;
        let mut literal = String::new();
        let mut wildcard = None;
        let mut empty = false;
        while let Some(c) = self.peek().filter(|c| *c != '.') {
            let here = self.at;
            if wildcard.is_some() || empty {
                return Err(PatternErrorKind::NotAlone.at(start));
            }
            self.next();
            match c {
                '*' | '>' if here == start => wildcard = Some(c),
                '*' | '>' => return Err(PatternErrorKind::NotAlone.at(here)),
                '\\' => match self.escape(here)? {
                    Some(c) => literal.push(c),
                    None if here == start => empty = true,
                    None => return Err(PatternErrorKind::NotAlone.at(here)),
                },
                c => literal.push(c),
            }
        }
        match wildcard {
            Some('*') => Ok(Read::Token(Token::AnyOne)),
            Some(_) => Ok(Read::Rest),
            None if literal.is_empty() && !empty => Err(PatternErrorKind::EmptyToken.at(start)),
            None => Ok(Read::Token(Token::Literal(literal.into()))),
        }
    }

    /// Reads what follows a backslash: a character, or nothing for the empty token.
    fn escape(&mut self, start: usize) -> Result<Option<char>, PatternError> {
        let unknown = || PatternErrorKind::UnknownEscape.at(start);
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

/// Why a text is not a [`Pattern`], and where.
///
/// # Examples
///
/// ```
/// use oxide_bus::Pattern;
///
/// let error = "event.sensor*".parse::<Pattern>().unwrap_err();
/// assert_eq!(error.offset(), 12);
/// assert!(error.to_string().starts_with("invalid pattern at byte 12: "));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatternError {
    kind: PatternErrorKind,
    offset: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PatternErrorKind {
    EmptyToken,
    NotAlone,
    RestNotLast,
    UnknownEscape,
    TooLong,
    TooManyTokens,
}

impl PatternErrorKind {
    fn at(self, offset: usize) -> PatternError {
        PatternError { kind: self, offset }
    }
}

impl PatternError {
    /// The byte of the text at which the trouble begins, counted from 0.
    pub fn offset(&self) -> usize {
        self.offset
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid pattern at byte {}: ", self.offset)?;
        f.write_str(match self.kind {
            PatternErrorKind::EmptyToken => r"empty token (written `\e` where it is meant)",
            PatternErrorKind::NotAlone => {
                r"`*`, `>` and `\e` must be whole tokens (`\*` and `\>` are literal)"
            }
            PatternErrorKind::RestNotLast => "`>` must be the last token",
            PatternErrorKind::UnknownEscape => {
                r"unknown escape (there are `\.`, `\*`, `\>`, `\\`, `\e` and `\u{hex}`)"
            }
            PatternErrorKind::TooLong => {
                return write!(f, "a pattern has no more than {MAX_PATTERN_BYTES} bytes");
            }
            PatternErrorKind::TooManyTokens => {
                return write!(f, "a pattern has no more than {MAX_PATTERN_TOKENS} tokens");
            }
        })
    }
}

impl Error for PatternError {}
