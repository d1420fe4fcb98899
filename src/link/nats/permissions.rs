//! What a server is to permit a link.

use std::fmt;

use crate::link::error::LinkError;
use crate::link::name::is_name;

/// The permissions that one link needs, as text for the configuration of a NATS server. With them the server refuses
/// what a client publishes for another origin than its own.
///
/// # Examples
///
/// ```
/// use oxide_bus::link::nats::Permissions;
///
/// let permissions = Permissions::new("north")?.to_string();
/// assert!(permissions.contains(r#"publish: ["ob.north.>"]"#));
/// # Ok::<(), oxide_bus::link::LinkError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permissions {
    name: String,
}

impl Permissions {
    /// Makes the permissions of the link with this name.
    ///
    /// # Errors
    ///
    /// [`LinkError::Name`] if no link may have this name.
    pub fn new(name: impl Into<String>) -> Result<Self, LinkError> {
        let name = name.into();
        if is_name(&name) {
            Ok(Permissions { name })
        } else {
            Err(LinkError::Name(name))
        }
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        write!(
            f,
            "permissions: {{\n  publish: [\"ob.{name}.>\"]\n  subscribe: [\"ob.>\"]\n}}"
        )
    }
}
