//! Tests of the documents: they name nothing that does not exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::sources;

/// Types of other crates that the pages name with a function.
const FOREIGN: [&str; 3] = ["Arc", "Handle", "Instant"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Yields every text between `before` and the next `after`.
fn between<'a>(text: &'a str, before: &'a str, after: char) -> impl Iterator<Item = &'a str> {
    (text.split(before).skip(1)).filter_map(move |rest| Some(rest.split_once(after)?.0))
}

fn pages() -> Vec<PathBuf> {
    let notes = fs::read_dir(root().join("src/docs")).expect("the design notes");
    (notes.map(|entry| entry.expect("a file").path()))
        .chain(["README.md", "CHANGELOG.md", "src/docs/mod.rs", "src/lib.rs"].map(PathBuf::from))
        .collect()
}

#[test]
fn links_from_readme_and_changelog_lead_to_files_that_exist() {
    let mut followed = 0;
    for page in ["README.md", "CHANGELOG.md"] {
        let text = text(page);
        for link in between(&text, "](", ')').filter(|link| !link.starts_with("http")) {
            assert!(root().join(link).is_file(), "{page} links to {link}");
            followed += 1;
        }
    }
    assert!(followed >= 5, "{followed} links");
}

#[test]
fn tests_that_are_named_as_proof_exist() {
    let mut named = 0;
    for page in pages() {
        for name in between(&text(&page), "`tests/", '`') {
            assert!(
                root().join("tests").join(name).is_file(),
                "{} names tests/{name}",
                page.display()
            );
            named += 1;
        }
    }
    assert!(named >= 20, "{named} tests");
}

/// What stands between backticks in the text of a page, its programs aside.
fn code_words(page: &str) -> impl Iterator<Item = &str> {
    let prose = page.split("```").step_by(2);
    prose.flat_map(|text| text.split('`').skip(1).step_by(2))
}

/// The members of each type of the sources: functions, constants, fields and variants.
fn members() -> BTreeMap<String, BTreeSet<String>> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut members = BTreeMap::<_, BTreeSet<_>>::new();
    for text in sources::tree().values() {
        let code = sources::blanked(text);
        for (open, _) in code.match_indices('{') {
            let before = code[..open].rsplit(['{', '}', ';']).next();
            let head: Vec<_> = before.unwrap_or_default().split(|c| !is_word(c)).collect();
            if !(head.iter()).any(|it| ["struct", "enum", "trait", "impl"].contains(it)) {
                continue;
            }
            let body = &code[open..sources::closing(&code, open)];
            let mut last = "";
            let mut found = BTreeSet::new();
            for word in body.split_inclusive(|c| !is_word(c)) {
                let name = word.trim_end_matches(|c| !is_word(c));
                let is_field = word.ends_with(':') || head.contains(&"enum");
                if is_field || ["fn", "const"].contains(&last) {
                    found.insert(name.to_owned());
                }
                last = name;
            }
            for name in head.iter().filter(|it| it.starts_with(char::is_uppercase)) {
                let known = members.entry((*name).to_owned()).or_default();
                known.extend(found.iter().cloned());
            }
        }
    }
    members
}

#[test]
fn sources_that_the_pages_name_exist() {
    let (members, mut named) = (members(), 0);
    // The changelog also names what was there once.
    for page in pages()
        .into_iter()
        .filter(|it| !it.ends_with("CHANGELOG.md"))
    {
        let text = text(&page);
        for word in code_words(&text) {
            if word.starts_with("src/") {
                let path = root().join(word);
                assert!(path.exists(), "{} names {word}", page.display());
            } else if let Some((of, member)) = word.split_once("::")
                && of.starts_with(char::is_uppercase)
                && of.chars().all(|c| c.is_alphanumeric() || c == '_')
                && member.chars().all(|c| c.is_alphanumeric() || c == '_')
                && !FOREIGN.contains(&of)
            {
                let is_there = members.get(of).is_some_and(|it| it.contains(member));
                assert!(is_there, "{} names {word}", page.display());
            } else {
                continue;
            }
            named += 1;
        }
    }
    assert!(named >= 200, "{named} names");
}

#[test]
fn every_module_of_the_library_has_its_place_in_the_table_of_the_mechanisms() {
    let page = text("src/docs/mechanisms.rs");
    let (_, after) = page.split_once("# Where what is").expect("the table");
    let (table, _) = after.split_once("//! # ").expect("a section after it");
    let folders = [
        "support",
        "message",
        "queue",
        "engine",
        "authority",
        "bus",
        "observe",
        "link",
        "link/frames",
        "link/inbound",
        "link/outbound",
        "link/requests",
        "link/running",
        "link/state",
        "testing",
    ];
    let of = |folder| text(format!("src/{folder}/mod.rs"));
    let lists: Vec<String> = folders.into_iter().map(of).collect();
    let modules: Vec<_> = (lists.iter().flat_map(|list| list.lines()))
        .filter_map(|line| {
            Some(
                ["pub(in crate::link) ", "pub(crate) ", "pub "]
                    .into_iter()
                    .fold(line, |line, visible| line.trim_start_matches(visible))
                    .strip_prefix("mod ")?
                    .trim_end_matches(';'),
            )
        })
        .chain(["codec", "tokio"])
        .collect();
    assert!(modules.len() >= 60, "{modules:?}");
    for module in modules {
        assert!(
            table.contains(&format!("`{module}`")),
            "`{module}` is not in the table"
        );
    }
}

#[test]
fn the_front_page_has_fewer_than_1500_words() {
    let root = text("src/lib.rs");
    let words = (root.lines())
        .filter(|line| line.starts_with("//!"))
        .flat_map(str::split_whitespace)
        .count();
    assert!((500..1_500).contains(&words), "{words} words");
}

#[test]
fn readme_has_fewer_than_900_words() {
    let words = text("README.md").split_whitespace().count();
    assert!((400..900).contains(&words), "{words} words");
}

#[test]
fn the_cookbook_has_eleven_programs_of_45_lines_at_most() {
    let pages = ["cookbook", "cookbook_boundaries"].map(|page| text(format!("src/docs/{page}.rs")));
    let programs: Vec<_> = (pages.iter())
        .flat_map(|page| page.split("//! # ").skip(1))
        .collect();
    assert_eq!(programs.len(), 11);
    for program in programs {
        let title = program.lines().next().expect("a title");
        let (_, from) = program.split_once("```").expect("a program");
        let (code, _) = from.split_once("//! ```").expect("its end");
        // Leaves out the rests of the two fence lines.
        let lines = code.lines().filter(|line| line.starts_with("//!")).count();
        assert!((20..=45).contains(&lines), "{title}: {lines} lines");
        assert!(code.contains("fn main()"), "{title}");
    }
}

#[test]
fn the_sample_is_as_long_as_readme_says() {
    let sample = text("tests/data/sample.jsonl");
    let (lines, readings) = (sample.lines().count(), sample.matches("reading").count());
    let readme = text("README.md");
    assert!(readme.contains(&format!("a log of {lines} envelopes")));
    assert!(readme.contains(&format!("({readings} lines of JSON, and a summary)")));
}

/// Adds the text of every file of Rust below a folder.
fn sources(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).expect("a folder of the sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((path.clone(), text(path)));
        }
    }
}

/// Returns the numbers of the lines with a comment that is too wide. A row of a table, and a line that one long address
/// or path fills, cannot be broken.
fn wide_comments(text: &str) -> Vec<usize> {
    let is_wide = |line: &str| {
        let comment = line.trim_start();
        comment.starts_with("//")
            && line.chars().count() > 120
            && !comment.trim_start_matches(['/', '!', ' ']).starts_with('|')
            && comment.split_whitespace().count() > 2
    };
    (text.lines().zip(1..))
        .filter(|(line, _)| is_wide(line))
        .map(|(_, number)| number)
        .collect()
}

#[test]
fn a_comment_has_at_most_120_columns() {
    let mut files = Vec::new();
    for folder in ["src", "tests", "benches", "fuzz/src"] {
        sources(&root().join(folder), &mut files);
    }
    assert!(files.len() >= 500, "{} files", files.len());
    let wide: Vec<_> = (files.iter())
        .flat_map(|(path, text)| (wide_comments(text).into_iter()).map(move |line| (path, line)))
        .map(|(path, line)| format!("{}:{line}", path.display()))
        .collect();
    assert!(wide.is_empty(), "too wide:\n{}", wide.join("\n"));
}

#[test]
fn a_wide_comment_is_found_and_a_row_of_a_table_is_none() {
    let long = "word ".repeat(30);
    let text = format!("/// {long}\n//! | {long}\nlet text = \"{long}\";\n    // {long}\n// short");
    assert_eq!(wide_comments(&text), [1, 4]);
}
