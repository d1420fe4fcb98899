//! Fuzzes patterns and subjects, against a naive reading of the documents.

use oxide_bus::limits::{MAX_PATTERN_BYTES, MAX_PATTERN_TOKENS};
use oxide_bus::{Bus, Envelope, Pattern, Payload, Subject, SubscribeOptions};

use super::check_line;

/// The most patterns that are read. More would only take time.
const PATTERNS: usize = 16;

/// A payload with any tokens.
struct Addressed(Vec<String>);

impl Payload for Addressed {
    fn subject(&self) -> Subject<'_> {
        Subject::new(self.0.iter().map(String::as_str))
    }
}

/// Reads a subject, one token a line, up to an empty line, and then patterns, one a line. Checks that a text is a
/// pattern, and matches, exactly as in a naive reading, and that a pattern is written as it was read. Also checks that
/// a bus delivers to exactly those patterns that match when they are tried one by one.
pub fn patterns(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (subject, patterns) = text.split_once("\n\n").unwrap_or((&text, ""));
    let addressed = Addressed(subject.lines().map(str::to_owned).collect());
    let subject = addressed.subject();
    if let Ok(exactly) = Pattern::try_from(subject.to_string()) {
        assert!(exactly.matches(&subject));
        assert_eq!(exactly.to_string(), subject.to_string());
    }
    let bus = Bus::<Addressed>::new();
    let (mut is_matches, mut options) = (Vec::new(), Vec::new());
    for text in patterns.lines().take(PATTERNS) {
        let naive = read(text);
        match text.parse::<Pattern>() {
            Ok(pattern) => {
                let naive = naive.unwrap_or_else(|| panic!("`{text}` is no pattern"));
                let is_match = matches(&naive, subject.tokens());
                assert_eq!(pattern.matches(&subject), is_match, "`{text}`: {naive:?}");
                assert_eq!(pattern.to_string().parse().as_ref(), Ok(&pattern));
                is_matches.push(is_match);
                options.push(SubscribeOptions::new().capacity(1).pattern(pattern));
            }
            Err(error) => {
                assert_eq!(naive, None, "`{text}`: {error}");
                assert!(text.is_char_boundary(error.offset()));
                check_line(&error.to_string());
            }
        }
    }
    drop(subject);
    let subscriptions = bus.subscribe_many(options).expect("open");
    let matching = is_matches.iter().filter(|is_match| **is_match).count();
    let receipt = bus
        .publish(Envelope::new("fuzzer", addressed))
        .expect("open");
    assert_eq!(receipt.delivered(), matching);
    for (is_match, subscription) in is_matches.into_iter().zip(&subscriptions) {
        assert_eq!(subscription.len(), usize::from(is_match));
    }
}

#[derive(Debug, PartialEq)]
enum Token {
    Literal(String),
    AnyOne,
    Rest,
}

/// A character of a pattern's text, or what an escape stands for.
#[derive(PartialEq)]
enum Symbol {
    Plain(char),
    Escaped(char),
    Nothing,
}

/// Returns the pattern of a text, or `None` if it is no pattern or over a limit.
fn read(text: &str) -> Option<Vec<Token>> {
    let symbols = symbols(text)?;
    let tokens = symbols.split(|symbol| *symbol == Symbol::Plain('.'));
    let tokens = tokens.map(token).collect::<Option<Vec<_>>>()?;
    let (_last, others) = tokens.split_last()?;
    if others.contains(&Token::Rest) {
        return None;
    }
    let (mut count, mut bytes) = (0, 0);
    for token in tokens.iter().filter(|token| **token != Token::Rest) {
        count += 1;
        bytes += 1 + match token {
            Token::Literal(literal) => literal.len(),
            _ => 1,
        };
    }
    (count <= MAX_PATTERN_TOKENS && bytes <= MAX_PATTERN_BYTES).then_some(tokens)
}

fn symbols(text: &str) -> Option<Vec<Symbol>> {
    let mut symbols = Vec::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        symbols.push(match c {
            '\\' => match rest.next()? {
                'e' => Symbol::Nothing,
                c @ ('.' | '*' | '>' | '\\') => Symbol::Escaped(c),
                'u' => {
                    let (code, after) = rest.as_str().strip_prefix('{')?.split_once('}')?;
                    rest = after.chars();
                    if code.is_empty() || !code.chars().all(|c| c.is_ascii_hexdigit()) {
                        return None;
                    }
                    let code = code.trim_start_matches('0');
                    if code.len() > 8 {
                        return None;
                    }
                    let code = u32::from_str_radix(code, 16).unwrap_or(0);
                    Symbol::Escaped(char::from_u32(code)?)
                }
                _ => return None,
            },
            c => Symbol::Plain(c),
        });
    }
    Some(symbols)
}

fn token(symbols: &[Symbol]) -> Option<Token> {
    match symbols {
        [] => None,
        [Symbol::Plain('*')] => Some(Token::AnyOne),
        [Symbol::Plain('>')] => Some(Token::Rest),
        [Symbol::Nothing] => Some(Token::Literal(String::new())),
        symbols => (symbols.iter())
            .map(|symbol| match symbol {
                Symbol::Plain('*' | '>') | Symbol::Nothing => None,
                Symbol::Plain(c) | Symbol::Escaped(c) => Some(*c),
            })
            .collect::<Option<_>>()
            .map(Token::Literal),
    }
}

fn matches(pattern: &[Token], subject: &[&str]) -> bool {
    match (pattern, subject) {
        ([], []) | ([Token::Rest], [_, ..]) => true,
        ([Token::AnyOne, pattern @ ..], [_, subject @ ..]) => matches(pattern, subject),
        ([Token::Literal(literal), pattern @ ..], [token, subject @ ..]) => {
            literal == token && matches(pattern, subject)
        }
        _ => false,
    }
}
