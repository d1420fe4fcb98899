//! The name of a right to publish.

use std::fmt;
use std::sync::Arc;

/// A named right to publish, such as `browser:navigate` or `log:write`.
///
/// Cloning one costs a reference count.
///
/// # Examples
///
/// ```
/// use oxide_bus::Capability;
///
/// let capability = Capability::new("browser:navigate");
/// assert_eq!(capability.as_str(), "browser:navigate");
/// assert_eq!(capability, Capability::from("browser:navigate"));
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Capability(Arc<str>);

impl Capability {
    /// The capability of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Capability(name.into().into())
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Capability {
    fn from(name: &str) -> Self {
        Capability(name.into())
    }
}

impl From<String> for Capability {
    fn from(name: String) -> Self {
        Capability(name.into())
    }
}

impl From<&Capability> for Capability {
    fn from(capability: &Capability) -> Self {
        capability.clone()
    }
}

impl fmt::Debug for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Capability").field(&self.as_str()).finish()
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}
