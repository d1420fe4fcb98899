//! Capabilities: the names of rights to publish.
//!
//! A capability is only a name. The authority keeps what is granted under it.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

/// A named right to publish, such as `browser:navigate` or `log:write`.
///
/// Cloning one costs a reference count. A capability is only a name: [`grant`](crate::Bus::grant) decides what may be
/// published under it. In serde's formats it is its text.
///
/// # Examples
///
/// ```
/// use oxide_bus::Capability;
///
/// let capability = Capability::new("browser:navigate");
/// assert_eq!(capability.as_str(), "browser:navigate");
/// assert_eq!(capability, "browser:navigate");
/// assert!(capability.starts_with("browser:"));
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(from = "String")]
pub struct Capability(Arc<str>);

impl Capability {
    /// Makes the capability with this name.
    pub fn new(name: impl Into<String>) -> Self {
        Capability(name.into().into())
    }

    /// Returns its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Capability {
    type Target = str;

    fn deref(&self) -> &str {
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

impl PartialEq<str> for Capability {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Capability {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialEq<String> for Capability {
    fn eq(&self, other: &String) -> bool {
        self.as_str() == other.as_str()
    }
}

impl PartialEq<Capability> for str {
    fn eq(&self, other: &Capability) -> bool {
        self == other.as_str()
    }
}

impl PartialEq<Capability> for &str {
    fn eq(&self, other: &Capability) -> bool {
        *self == other.as_str()
    }
}

impl PartialEq<Capability> for String {
    fn eq(&self, other: &Capability) -> bool {
        self == other.as_str()
    }
}

impl Serialize for Capability {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
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
