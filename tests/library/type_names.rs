//! No two types of the sources share a name, so that a name says which one is meant without its module.
//!
//! It reads the [sources](super::sources) as text. Associated types do not count, nor do types of
//! tests.

use std::collections::BTreeMap;

use super::sources::{Broken, Tree, all, blanked, is_test, made_up, tree, without_tests};

/// The types that some code defines, each with its line.
fn defined(code: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(code.lines()).filter_map(|(line, text)| {
        let mut words = text.split_whitespace().peekable();
        while let Some(word) = words.next_if(|word| word.starts_with("pub") || *word == "unsafe") {
            // The rest of `pub(in some::path)`.
            if word.contains('(') && !word.contains(')') {
                words.find(|word| word.contains(')'));
            }
        }
        let is_type = match words.next()? {
            "struct" | "enum" | "union" | "trait" => true,
            "type" => !text.starts_with(' '), // if it is indented, it is an associated type
            _ => false,
        };
        let rest = words.next().filter(|_| is_type)?;
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        let name = &rest[..end.unwrap_or(rest.len())];
        (!name.is_empty()).then_some((line, name)) // it is empty in a macro: `struct $name`
    })
}

/// Every definition of a name that has more than one.
fn twice(tree: &Tree) -> Vec<Broken> {
    let mut places: BTreeMap<String, Vec<(&str, usize)>> = BTreeMap::new();
    for (file, text) in tree.iter().filter(|(file, _)| !is_test(file)) {
        for (line, name) in defined(&without_tests(&blanked(text))) {
            places
                .entry(name.to_owned())
                .or_default()
                .push((file, line));
        }
    }
    (places.iter().filter(|(_, places)| places.len() > 1))
        .flat_map(|(name, places)| {
            places.iter().map(move |(file, line)| Broken {
                file: (*file).to_owned(),
                line: *line,
                rule: format!("{} types have the name `{name}`", places.len()),
            })
        })
        .collect()
}

#[test]
fn no_two_types_share_a_name() {
    let tree = tree();
    let types: usize = (tree.values())
        .map(|text| defined(&blanked(text)).count())
        .sum();
    assert!(types >= 200, "{types} types");
    let broken = all(&twice(&tree));
    assert!(broken.is_empty(), "\n{broken}");
}

#[test]
fn a_name_of_two_types_is_told_with_both_places() {
    let tree = made_up(&[
        (
            "queue/terms.rs",
            "// struct Other;\npub(crate) struct Terms {\n}\n",
        ),
        (
            "authority/terms.rs",
            "\nenum Terms<T> {}\nimpl A for Terms { type Other = u8; }\nstruct Other;\n",
        ),
        (
            "bus/item.rs",
            "pub(in crate::bus) trait Item {\n    type Other;\n}\n",
        ),
        (
            "bus/handle.rs",
            "mod tests {}\n#[cfg(test)]\nmod tests { struct Item; }\n",
        ),
        ("queue/tests/terms.rs", "struct Terms;\n"),
    ]);
    let told = "src/authority/terms.rs:2: 2 types have the name `Terms`\n\
                src/queue/terms.rs:2: 2 types have the name `Terms`";
    assert_eq!(all(&twice(&tree)), told);
}
