//! Links over TLS, with certificates that the program `openssl` makes. Without it the tests are skipped, and fail where
//! the environment variable `CI` is set.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use oxide_bus::link::engine::Engine;
use oxide_bus::link::nats::Nats;
use tempfile::TempDir;

use super::pair::{Pair, publish};
use super::server::{Server, soon};

/// An authority, and certificates of it for the server and for a client.
struct Certificates {
    folder: TempDir,
}

impl Certificates {
    /// `None` if there is no program to make them.
    fn make() -> Option<Self> {
        let folder = TempDir::new().expect("there is a place for files");
        let made = Certificates { folder };
        let extension = "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n";
        fs::write(made.path("extension"), extension).expect("it can be written");
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        let authority = format!(
            "req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=authority \
             -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign"
        );
        if !made.openssl(&authority) {
            assert!(env::var_os("CI").is_none(), "openssl is not installed");
            eprintln!("skipped: openssl is not installed");
            return None;
        }
        for name in ["server", "client"] {
            let request =
                format!("req {key} -keyout {name}.key -out {name}.request -subj /CN={name}");
            let signs = format!(
                "x509 -req -in {name}.request -CA ca.pem -CAkey ca.key -CAcreateserial \
                 -out {name}.pem -days 2 -extfile extension"
            );
            assert!(made.openssl(&request) && made.openssl(&signs));
        }
        Some(made)
    }

    /// Returns whether there is such a program.
    fn openssl(&self, arguments: &str) -> bool {
        let run = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output();
        if let Ok(output) = &run {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{arguments}: {said}");
        }
        run.is_ok()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the configuration of a server that lets in those with a certificate of the authority.
    fn configuration(&self) -> String {
        let path = |name| self.path(name).display().to_string();
        format!(
            "tls {{ cert_file: {:?}, key_file: {:?}, ca_file: {:?}, verify: true }}",
            path("server.pem"),
            path("server.key"),
            path("ca.pem")
        )
    }
}

#[tokio::test]
async fn a_link_over_tls_shows_its_certificate_and_checks_that_of_the_server() {
    let Some(made) = Certificates::make() else {
        return;
    };
    let Some(server) = Server::with(&made.configuration()) else {
        return;
    };
    let secured = server.url().replace("nats://", "tls://");
    let trusting = || Nats::new(&secured).root_certificates(made.path("ca.pem"));
    let known = || trusting().client_certificate(made.path("client.pem"), made.path("client.key"));
    let mut pair = Pair::join(known(), known(), Duration::from_secs(2)).await;
    publish(pair.north.clone(), 0..1_000, None).await;
    pair.receive(0, 1_000).await;
    pair.check(1_000).await;

    let required = server.nats().require_tls();
    for stranger in [trusting(), Nats::new(&secured), required] {
        let refused = soon(stranger.connect("stranger")).await;
        assert!(refused.is_err(), "without both certificates");
    }
}
