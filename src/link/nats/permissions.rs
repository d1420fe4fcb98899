//! The permissions of a link at a server. Without them any client could send in the name of any link. Tests:
//! `tests/link/nats/permissions.rs`.

use std::fmt;

use crate::link::error::LinkError;
use crate::link::name::is_name;

/// The permissions that one link needs, as text for the configuration of a NATS server. With them the server refuses
/// publishes of a client for another origin than its own.
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
    stream: Option<String>,
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
            Ok(Permissions { name, stream: None })
        } else {
            Err(LinkError::Name(name))
        }
    }

    /// Adds the permissions of a [durable](crate::link::LinkBuilder::durable) link over this stream. The link may then
    /// also make and delete its own consumers, but no others, and no stream.
    #[must_use]
    pub fn durable(mut self, stream: impl Into<String>) -> Self {
        self.stream = Some(stream.into());
        self
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        let Some(stream) = &self.stream else {
            return write!(
                f,
                "permissions: {{\n  publish: [\"ob.{name}.>\"]\n  subscribe: [\"ob.>\"]\n}}"
            );
        };
        write!(
            f,
            "permissions: {{\n  publish: [\n    \"ob.{name}.>\"\n    \"$JS.API.STREAM.INFO.{stream}\"\n"
        )?;
        for consumer in ["1", "2"].map(|suffix| format!("{stream}.{name}_{suffix}")) {
            for request in ["INFO", "DURABLE.CREATE", "DELETE", "MSG.NEXT"] {
                writeln!(f, "    \"$JS.API.CONSUMER.{request}.{consumer}\"")?;
            }
            writeln!(f, "    \"$JS.ACK.{consumer}.>\"")?;
        }
        write!(f, "  ]\n  subscribe: [\"_INBOX.{name}.>\"]\n}}")
    }
}
