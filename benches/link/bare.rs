//! The client of the server, without a link.

use async_nats::{Client, HeaderMap, Message, Subscriber};
use bytes::Bytes;
use futures::StreamExt;

/// A client, and what it hears of one subject.
pub(crate) struct Bare {
    client: Client,
    heard: Subscriber,
}

impl Bare {
    /// Connects, and listens to this subject. The subscription is in force.
    pub(crate) async fn connect(url: &str, subject: &str) -> Self {
        let client = async_nats::connect(url).await;
        let client = client.expect("the server is there");
        let mut heard = subscribe(&client, subject).await;
        // What a client sends comes back to itself, after its subscription.
        publish(&client, subject, 0, Bytes::new()).await;
        heard.next().await.expect("the server is there");
        Bare { client, heard }
    }

    /// Publishes with one header, made for each message, as long as that of a link.
    pub(crate) async fn publish(&self, subject: &str, number: u32, body: Bytes) {
        publish(&self.client, subject, number, body).await;
    }

    pub(crate) async fn next(&mut self) -> Message {
        self.heard.next().await.expect("the server is there")
    }
}

pub(crate) async fn subscribe(client: &Client, subject: &str) -> Subscriber {
    let heard = client.subscribe(subject.to_owned()).await;
    heard.expect("the server is there")
}

async fn publish(client: &Client, subject: &str, number: u32, body: Bytes) {
    let mut headers = HeaderMap::new();
    headers.insert("Id", format!("{number:0110}"));
    let published = client.publish_with_headers(subject.to_owned(), headers, body);
    published.await.expect("the server is there");
}
