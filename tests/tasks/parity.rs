//! Compares the methods of both sides: each method of the sync side has a twin on the async side, or the table in
//! `src/docs/tasks.rs` says why not.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Types and their twins.
const TWINS: [(&str, &str); 6] = [
    ("Bus", "AsyncBus"),
    ("WeakBus", "AsyncWeakBus"),
    ("Publisher", "AsyncPublisher"),
    ("WeakPublisher", "AsyncWeakPublisher"),
    ("Subscription", "AsyncSubscription"),
    ("Replies", "AsyncReplies"),
];

/// Public methods by type, each with its first line.
type Methods = BTreeMap<String, BTreeMap<String, String>>;

fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Returns the files in a folder and in the folders inside it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    (entries.map(|entry| entry.unwrap().path()))
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

fn for_tasks() -> Vec<PathBuf> {
    files(&source("src/tokio"))
}

fn for_threads() -> Vec<PathBuf> {
    let mut files = files(&source("src"));
    files.retain(|file| {
        !["tokio", "bin"]
            .iter()
            .any(|it| file.starts_with(source("src").join(it)))
    });
    files
}

/// Returns the type whose inherent `impl` begins at this line.
fn implemented(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("impl")?;
    if rest.contains(" for ") {
        return None;
    }
    // Skips the parameters, which are not nested here.
    let rest = match rest.strip_prefix('<') {
        Some(parameters) => parameters.split_once('>')?.1,
        None => rest,
    };
    let name = rest.trim_start().split(['<', ' ', '{']).next()?;
    Some(match name {
        "MessageBus" => "Bus",
        "AsyncMessageBus" => "AsyncBus",
        name => name,
    })
}

fn methods(files: Vec<PathBuf>) -> Methods {
    let mut methods = Methods::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let mut of = None;
        for line in text.lines() {
            if line.starts_with("impl") {
                of = implemented(line);
            } else if line.starts_with('}') {
                of = None;
            }
            let public = (line.strip_prefix("    pub async fn "))
                .or_else(|| line.strip_prefix("    pub fn "));
            if let (Some(of), Some(public)) = (of, public) {
                let name = public.split(['(', '<']).next().unwrap();
                (methods.entry(of.to_owned()).or_default())
                    .insert(name.to_owned(), line.to_owned());
            }
        }
    }
    methods
}

/// Returns the methods of each type that the table names in either column.
fn explained() -> BTreeMap<String, Vec<String>> {
    let page = fs::read_to_string(source("src/docs/tasks.rs")).unwrap();
    let mut explained = BTreeMap::<_, Vec<_>>::new();
    for row in page.lines().filter_map(|line| line.strip_prefix("//! | `")) {
        let (of, rest) = row.split_once("` | ").unwrap();
        let (names, reason) = rest.split_once(" | ").unwrap();
        assert!(reason.len() > 5, "{of} {names}: no reason");
        let names = names
            .split(", ")
            .map(|name| name.trim_matches('`').to_owned());
        explained.entry(of.to_owned()).or_default().extend(names);
    }
    explained
}

#[test]
fn every_method_has_its_twin_or_a_reason() {
    let (threads, tasks) = (methods(for_threads()), methods(for_tasks()));
    let explained = explained();
    let mut compared = 0;
    for (of, twin) in TWINS {
        let none = Vec::new();
        let reasons = explained.get(of).unwrap_or(&none);
        for (name, line) in &threads[of] {
            let has_twin = (tasks.get(twin)).is_some_and(|tasks| tasks.contains_key(name));
            let is_explained = reasons.contains(name);
            assert!(
                has_twin || is_explained,
                "`{of}::{name}` has neither a twin nor a reason\n{line}"
            );
            compared += 1;
        }
        for name in reasons.iter().filter(|name| *name != "into_iter") {
            assert!(
                threads[of].contains_key(name),
                "`{of}::{name}` is explained, and not there"
            );
        }
    }
    assert!(compared > 50, "{compared} methods were found");
}

#[test]
fn whatever_may_wait_says_what_is_so_when_it_is_given_up() {
    let mut awaited = 0;
    for file in for_tasks() {
        let text = fs::read_to_string(&file).unwrap();
        let mut says = false;
        for line in text.lines() {
            says |= line.contains("# Cancel safety") || line.contains("It does not wait.");
            if line.trim_start().starts_with("pub async fn ") {
                assert!(says, "{}: {line}", file.display());
                awaited += 1;
            }
            if line.ends_with('}') && !line.contains("///") {
                says = false;
            }
        }
    }
    assert!(awaited > 20, "{awaited} methods were found");
}
