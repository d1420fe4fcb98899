//! Links with a credentials file, over a server that lets in the users of an operator's account.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use nkeys::KeyPair;
use oxide_bus::link::engine::Engine;
use serde_json::{Value, json};

use super::pair::{Pair, publish};
use super::server::{Server, soon};

/// What one says of another, signed.
fn token(of: &KeyPair, by: &KeyPair, says: &Value) -> String {
    let claims = json!({
        "jti": "a-token-of-a-test",
        "iat": 1_764_000_000,
        "iss": by.public_key(),
        "sub": of.public_key(),
        "name": "test",
        "nats": says,
    });
    let parts = [json!({ "typ": "JWT", "alg": "ed25519-nkey" }), claims];
    let parts = parts.map(|part| BASE64URL_NOPAD.encode(part.to_string().as_bytes()));
    let signed = parts.join(".");
    let signature = by.sign(signed.as_bytes()).expect("it has a secret");
    format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
}

/// The file of a user of this account.
fn credentials(account: &KeyPair) -> String {
    let user = KeyPair::new_user();
    let rights = json!({ "type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1 });
    let token = token(&user, account, &rights);
    let seed = user.seed().expect("it has a secret");
    format!(
        "-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n\
         -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
    )
}

#[tokio::test]
async fn a_link_with_credentials_is_let_in_and_one_of_another_account_is_not() {
    let (operator, account) = (KeyPair::new_operator(), KeyPair::new_account());
    let limits = json!({
        "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true,
        "conn": -1, "leaf": -1,
    });
    let of_operator = token(
        &operator,
        &operator,
        &json!({ "type": "operator", "version": 2 }),
    );
    let of_account = json!({ "type": "account", "version": 2, "limits": limits });
    let of_account = token(&account, &operator, &of_account);
    let configuration = format!(
        "operator: {of_operator}\nresolver: MEMORY\nresolver_preload: {{ {}: {of_account} }}\n",
        account.public_key()
    );
    let Some(server) = Server::with(&configuration) else {
        return;
    };
    let with = |content: &str| server.nats().credentials(content);
    let known = || with(&credentials(&account)).expect("it is a file of credentials");
    let mut pair = Pair::join(known(), known(), Duration::from_secs(2)).await;
    publish(pair.north.clone(), 0..1_000, None).await;
    pair.receive(0, 1_000).await;
    pair.check(1_000).await;

    let stranger =
        with(&credentials(&KeyPair::new_account())).expect("it is a file of credentials");
    assert!(soon(stranger.connect("north")).await.is_err());
    assert!(soon(server.nats().connect("north")).await.is_err());
    let refused = with("no credentials").expect_err("it has none");
    assert_eq!(
        refused.to_string(),
        "the engine could not read the credentials"
    );
}
