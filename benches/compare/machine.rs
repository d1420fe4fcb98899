//! The machine and the packages that were measured.

use std::fs;
use std::thread;

use chrono::{SecondsFormat, Utc};
use serde::Serialize;

/// The packages that are compared, this one included.
const PACKAGES: [&str; 13] = [
    "oxide-bus",
    "async-broadcast",
    "async-channel",
    "bus",
    "crossbeam-channel",
    "crossfire",
    "disruptor",
    "enso-channel",
    "fibre",
    "flume",
    "kanal",
    "serde_json",
    "tokio",
];

#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    pub(crate) date: String,
    pub(crate) versions: serde_json::Map<String, serde_json::Value>,
}

impl Machine {
    pub(crate) fn this() -> Self {
        Machine {
            cpu: cpu().unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores: thread::available_parallelism().map_or(1, usize::from),
            kernel: kernel().unwrap_or_else(|| std::env::consts::OS.to_owned()),
            date: Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
            versions: (PACKAGES.iter())
                .map(|&package| (package.to_owned(), version(package).into()))
                .collect(),
        }
    }
}

fn cpu() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let model = info.lines().find(|line| line.starts_with("model name"))?;
    Some(model.split_once(':')?.1.trim().to_owned())
}

fn kernel() -> Option<String> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    Some(format!("{} {}", std::env::consts::OS, release.trim()))
}

/// Returns the version of a package in this build.
fn version(package: &str) -> &'static str {
    const LOCK: &str = include_str!("../../Cargo.lock");
    let name = format!("name = \"{package}\"\nversion = \"");
    let found = LOCK.split_once(&name).expect("it is in the lock file");
    found.1.split('"').next().expect("a version")
}
