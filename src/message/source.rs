//! The name of a publisher, as a shared string.
//!
//! Every envelope carries one, so cloning it must be cheap.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// The name of an envelope's publisher: a shared, immutable string.
///
/// Cloning one costs a reference count. Making one from a `&str` or a `String` costs one allocation. A module that
/// publishes often makes its `Source` once and clones it for each envelope; a [`Publisher`](crate::Publisher) does so
/// by itself.
///
/// # Examples
///
/// ```
/// use oxide_bus::Source;
///
/// let source = Source::from("thermometer");
/// assert_eq!(source, "thermometer");
/// assert!(source.starts_with("thermo"));
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source(Arc<str>);

impl Source {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Source {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Source {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Source {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Source {
    fn from(name: &str) -> Self {
        Source(name.into())
    }
}

impl From<String> for Source {
    fn from(name: String) -> Self {
        Source(name.into())
    }
}

impl From<Arc<str>> for Source {
    fn from(name: Arc<str>) -> Self {
        Source(name)
    }
}

impl From<&Source> for Source {
    fn from(source: &Source) -> Self {
        source.clone()
    }
}

impl From<Source> for String {
    fn from(source: Source) -> Self {
        source.as_str().to_owned()
    }
}

impl PartialEq<str> for Source {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Source {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialEq<String> for Source {
    fn eq(&self, other: &String) -> bool {
        self.as_str() == other.as_str()
    }
}

impl PartialEq<Source> for String {
    fn eq(&self, other: &Source) -> bool {
        self == other.as_str()
    }
}

impl PartialEq<Source> for str {
    fn eq(&self, other: &Source) -> bool {
        self == other.as_str()
    }
}

impl PartialEq<Source> for &str {
    fn eq(&self, other: &Source) -> bool {
        *self == other.as_str()
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}
