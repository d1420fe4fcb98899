//! Headers: short names with texts, beside the payload.
//!
//! They carry what is not the payload's business, such as the context of a trace.

mod error;

use std::fmt;
use std::sync::Arc;

pub use self::error::HeaderError;

/// The name of the header that a link sets on what it brings: it names the link that the envelope came from.
#[cfg(feature = "link")]
pub(crate) const LINK_ORIGIN: &str = "link-origin";

/// Short names with texts on an [`Envelope`](crate::Envelope), for what is not the payload's business, such as the
/// context of a trace.
///
/// They are sorted by name. There are at most [`MAX_LEN`](Self::MAX_LEN) of them, and together they have at most
/// [`MAX_BYTES`](Self::MAX_BYTES). A name has 1 to [`MAX_NAME`](Self::MAX_NAME) bytes of `a` to `z`, `0` to `9`, `.`,
/// `_` and `-`, and begins with a letter or a digit. Upper case is refused, not folded. A value is text without control
/// characters.
///
/// # Cost
///
/// Empty headers take one word and no allocation. The first header takes four allocations, each further one two. Clones
/// share their headers; a change of shared headers copies them first.
///
/// # Examples
///
/// ```
/// use oxide_bus::{HeaderError, Headers};
///
/// let mut headers = Headers::new();
/// headers.insert("tenant", "north")?;
/// headers.insert("tenant", "south")?;
/// assert_eq!(headers.get("tenant"), Some("south"));
/// assert_eq!(headers.insert("Tenant", "west"), Err(HeaderError::BadName));
/// assert_eq!(headers.len(), 1);
/// # Ok::<(), HeaderError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Headers(Option<Arc<Vec<Header>>>); // `None` if there are no headers, so that the derived equality holds

/// A name and its text.
type Header = (Box<str>, Box<str>);

impl Headers {
    /// The most headers.
    pub const MAX_LEN: usize = 32;

    /// The most bytes in a name.
    pub const MAX_NAME: usize = 64;

    /// The most bytes in all names and values together.
    pub const MAX_BYTES: usize = 16 * 1024;

    /// Makes empty headers. Allocates nothing.
    pub const fn new() -> Self {
        Headers(None)
    }

    /// Returns the text under a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        let at = self.find(name).ok()?;
        Some(&self.sorted()[at].1)
    }

    /// Sets a header. A header that has this name already is replaced.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] says which rule the header breaks. The headers are unchanged then.
    pub fn insert(&mut self, name: &str, value: impl Into<String>) -> Result<(), HeaderError> {
        if !Self::is_name(name) {
            return Err(HeaderError::BadName);
        }
        let value = value.into();
        if value.len() > Self::MAX_BYTES {
            return Err(HeaderError::TooLarge);
        }
        if value.chars().any(char::is_control) {
            return Err(HeaderError::BadValue);
        }
        let place = self.find(name);
        if place.is_err() && self.len() == Self::MAX_LEN {
            return Err(HeaderError::TooMany);
        }
        let others = self.iter().filter(|(other, _)| *other != name);
        let others: usize = others.map(|(name, value)| name.len() + value.len()).sum();
        if others + name.len() + value.len() > Self::MAX_BYTES {
            return Err(HeaderError::TooLarge);
        }
        let sorted = Arc::make_mut(self.0.get_or_insert_default());
        match place {
            Ok(at) => sorted[at].1 = value.into(),
            Err(at) => sorted.insert(at, (name.into(), value.into())),
        }
        Ok(())
    }

    /// Removes a header. Returns `false` if there is none with this name.
    pub fn remove(&mut self, name: &str) -> bool {
        let (Ok(at), Some(headers)) = (self.find(name), &mut self.0) else {
            return false;
        };
        if headers.len() == 1 {
            self.0 = None;
        } else {
            Arc::make_mut(headers).remove(at);
        }
        true
    }

    /// Returns how many headers there are.
    pub fn len(&self) -> usize {
        self.sorted().len()
    }

    /// Whether there are no headers.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.sorted()
            .iter()
            .map(|(name, value)| (&**name, &**value))
    }

    /// Whether a header may have this name.
    pub(crate) fn is_name(name: &str) -> bool {
        name.len() <= Self::MAX_NAME
            && name.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
            && name
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
    }

    fn sorted(&self) -> &[Header] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        (self.sorted()).binary_search_by(|(other, _)| (**other).cmp(name))
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
#[path = "../tests/headers.rs"]
mod tests;
