//! Refusals: reads the complaints of a NATS server.

use async_nats::ServerError;

/// A publish or a subscription that the server has refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ServerRefusal {
    pub(super) subject: Option<String>,
    pub(super) reason: String,
}

impl ServerRefusal {
    /// Reads a complaint of the server. `None` if it is about the connection, which has events of its own.
    pub(super) fn read(error: &ServerError) -> Option<Self> {
        let text = match error {
            ServerError::Other(text) => text.clone(),
            ServerError::AuthorizationViolation => "Authorization Violation".to_owned(),
            ServerError::SlowConsumer(_) => return None,
        };
        if text.eq_ignore_ascii_case("stale connection") {
            return None;
        }
        Some(ServerRefusal {
            subject: quoted(&text).map(str::to_owned),
            reason: text,
        })
    }
}

/// Returns the subject in `Permissions Violation for Publish to "ob.south.event"`. A subject has no blanks.
fn quoted(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once('"')?;
    let (subject, _) = rest.rsplit_once('"')?;
    // A subscription in a queue group goes on: `"a.b" using queue "c"`.
    let subject = subject.split('"').next()?;
    (!subject.is_empty() && !subject.contains(' ')).then_some(subject)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(Option<String>, String)> {
        let refusal = ServerRefusal::read(&ServerError::Other(text.to_owned()))?;
        Some((refusal.subject, refusal.reason))
    }

    #[test]
    fn a_refused_subject_is_named() {
        for (text, subject) in [
            (
                r#"Permissions Violation for Publish to "ob.south.=40""#,
                Some("ob.south.=40"),
            ),
            (
                r#"Permissions Violation for Subscription to "ob.*.>""#,
                Some("ob.*.>"),
            ),
            (
                r#"Permissions Violation for Subscription to "a.b" using queue "c""#,
                Some("a.b"),
            ),
            ("Maximum Payload Violation", None),
            (r#"odd """#, None),
        ] {
            assert_eq!(
                read(text),
                Some((subject.map(str::to_owned), text.to_owned()))
            );
        }
    }

    #[test]
    fn what_is_about_the_connection_is_no_refusal() {
        assert_eq!(read("Stale Connection"), None);
        assert_eq!(ServerRefusal::read(&ServerError::SlowConsumer(7)), None);
    }
}
