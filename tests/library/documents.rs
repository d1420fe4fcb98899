//! Tests of the documents: they name nothing that does not exist.

use std::fs;
use std::path::{Path, PathBuf};

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

#[test]
fn every_file_of_the_library_has_its_place_in_the_table_of_the_internals() {
    let page = text("src/docs/internals.rs");
    let (_, after) = page.split_once("# Where what is").expect("the table");
    let (table, _) = after.split_once("//! # ").expect("a section after it");
    let layers = [
        "support",
        "message",
        "queue",
        "engine",
        "authority",
        "bus",
        "observe",
        "link",
        "testing",
    ];
    let of = |layer| text(format!("src/{layer}/mod.rs"));
    let lists: Vec<String> = layers.into_iter().map(of).collect();
    let modules: Vec<_> = (lists.iter().flat_map(|list| list.lines()))
        .filter_map(|line| {
            Some(
                line.trim_start_matches("pub(crate) ")
                    .trim_start_matches("pub ")
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
