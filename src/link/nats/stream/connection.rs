//! One connection of a durable link. It ends with the first cut.

use async_nats::{Client, Subscriber};

use super::super::Nats;
use super::super::news::SharedNews;
use crate::link::engine::EngineError;

/// An address without a server. It replaces the server's own, so that the client does not connect again.
const NOWHERE: &str = "nats://127.0.0.1:0";

#[derive(Debug, Clone)]
pub(super) struct StreamConnection {
    pub(super) client: Client,
    pub(super) news: SharedNews,
    /// Answers and frames are sent to subjects below this one.
    pub(super) inbox: String,
}

/// Connects. Messages to the connection's inbox come by the subscription, which ends with the connection.
pub(super) async fn connect(
    nats: &Nats,
    name: &str,
) -> Result<(StreamConnection, Subscriber), EngineError> {
    const DOING: &str = "connect to the server";
    let (servers, options) = (nats.parts()).map_err(|error| EngineError::new(DOING, error))?;
    let news = SharedNews::new();
    let options = options
        .name(name)
        .custom_inbox_prefix(format!("_INBOX.{name}"))
        .ignore_discovered_servers()
        .max_reconnects(servers.len())
        .event_callback({
            let news = news.clone();
            move |event| {
                news.note(event);
                std::future::ready(())
            }
        });
    // The client's futures are large.
    let client = Box::pin(options.connect(servers)).await;
    let client = client.map_err(|error| EngineError::new(DOING, error))?;
    // Nothing was sent before this, so a reconnect of the client before this call does no harm.
    (client.set_server_pool(NOWHERE).await).map_err(|error| EngineError::new(DOING, error))?;
    let inbox = client.new_inbox();
    let messages = (client.subscribe(format!("{inbox}.>")).await)
        .map_err(|error| EngineError::new(DOING, error))?;
    let connection = StreamConnection {
        client,
        news,
        inbox,
    };
    Ok((connection, messages))
}
