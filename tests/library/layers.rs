//! The layers of the library: each folder of `src/` imports only from itself and from those before it.
//!
//! It reads the sources as text. What stands in comments, in texts and in `#[cfg(test)]` modules does not count, nor do
//! the folders of tests. So a path that a macro puts together is not seen; there is none.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The layers in order: each may import from those before it.
const LAYERS: [&str; 11] = [
    "support",
    "message",
    "codec",
    "queue",
    "engine",
    "authority",
    "bus",
    "observe",
    "tokio",
    "link",
    "testing",
];

/// Beside the layers, and bound to none: pages that no program is compiled with, and programs.
const BESIDE: [&str; 2] = ["docs", "bin"];

/// The most lines of a file.
const MAX_LINES: usize = 400;

/// The files of the library: path below `src/` -> text.
pub(super) type Tree = BTreeMap<String, String>;

/// A rule that is broken, and where.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Broken {
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) rule: String,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "src/{}:{}: {}", self.file, self.line, self.rule)
    }
}

/// A path from the root of the crate, as some code names it.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    line: usize,
    segments: Vec<String>,
}

/// Replaces comments, texts and characters by spaces, so that all else stays where it is.
pub(super) fn blanked(source: &str) -> String {
    let mut blank = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '"' => text_length(rest),
            'r' if !ends_in_word(&blank) => raw_length(rest).unwrap_or(0),
            '\'' => char_length(rest).unwrap_or(0),
            _ => 0,
        };
        if length == 0 {
            blank.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            let (gone, left) = rest.split_at(length);
            blank.extend(gone.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = left;
        }
    }
    blank
}

fn ends_in_word(text: &str) -> bool {
    text.ends_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// How long the text is that begins here with a quote.
fn text_length(rest: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// How long the raw text is that begins here, if one does.
fn raw_length(rest: &str) -> Option<usize> {
    let hashes = rest[1..].len() - rest[1..].trim_start_matches('#').len();
    let body = rest[1 + hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(1 + hashes + 1 + body.find(&end)? + end.len())
}

/// How long the character is that begins here, if it is none of the lifetimes.
fn char_length(rest: &str) -> Option<usize> {
    let body = &rest[1..];
    let first = body.chars().next()?;
    let at = if first == '\\' {
        2 + body[2..].find('\'')?
    } else {
        first.len_utf8()
    };
    body[at..].starts_with('\'').then_some(at + 2)
}

/// Where the brace that opens at `open` is closed.
fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0;
    for (at, c) in code[open..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return open + at,
            '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// Blanks the bodies of modules that only tests have.
pub(super) fn without_tests(code: &str) -> String {
    let mut code = code.to_owned();
    let mut from = 0;
    while let Some(at) = code[from..].find("#[cfg(").map(|at| from + at) {
        from = at + 1;
        let Some(condition) = code[at..].find(")]").map(|end| &code[at..at + end]) else {
            continue;
        };
        let after = at + condition.len() + 2;
        let words = condition.split(|c: char| !c.is_alphanumeric() && c != '_');
        let is_for_tests =
            words.clone().any(|word| word == "test") && !condition.contains("not(test");
        let next = code[after..].trim_start();
        let is_module = (next.split('{').next()).is_some_and(|head| {
            !head.contains(';') && head.split_whitespace().any(|word| word == "mod")
        });
        if is_for_tests && is_module {
            let open = after + code[after..].find('{').expect("it was seen");
            let end = closing(&code, open);
            let body: String = (code[open + 1..end].chars())
                .map(|c| if c == '\n' { '\n' } else { ' ' })
                .collect();
            code.replace_range(open + 1..end, &body);
        }
    }
    code
}

/// Splits at the commas outside of braces.
fn items(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut items) = (0, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(&list[start..]);
    items
}

/// Each path of a tree of paths: `a::{b, c::{d}}` has two.
fn paths(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim();
    let segments = |path: &str| -> Vec<String> {
        path.split("::")
            .map(|segment| segment.split_whitespace().next().unwrap_or_default())
            .filter(|segment| !segment.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let Some(open) = tree.find('{') else {
        return vec![segments(tree)];
    };
    let before = segments(&tree[..open]);
    let inner = &tree[open + 1..closing(tree, open)];
    items(inner)
        .into_iter()
        .filter(|item| !item.trim().is_empty())
        .flat_map(paths)
        .map(|path| before.iter().cloned().chain(path).collect())
        .collect()
}

/// The paths from the crate's root in some code, with braces opened. `super` is followed up to it.
fn named(module: &[&str], code: &str) -> Vec<Named> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = ["crate::", "super::"]
        .iter()
        .filter_map(|word| code[at..].find(word))
        .min()
    {
        let start = at + next;
        at = start + "crate::".len();
        if ends_in_word(&code[..start])
            || code[..start].ends_with("::")
            || code[..start].ends_with('$')
        {
            continue;
        }
        let length = code[start..]
            .find(|c: char| !(c.is_alphanumeric() || "_:".contains(c)))
            .unwrap_or(code.len() - start);
        let end = start + length;
        let is_group = code[start..end].ends_with("::") && code[end..].starts_with('{');
        let end = if is_group {
            closing(code, end) + 1
        } else {
            end
        };
        let line = code[..start].matches('\n').count() + 1;
        let depth = inline_depth(code, start);
        for path in paths(&code[start..end]) {
            let ups = path
                .iter()
                .take_while(|segment| *segment == "super")
                .count();
            let segments = if ups == 0 {
                path[1..].to_vec()
            } else if ups > depth {
                let above = module.len().saturating_sub(ups - depth);
                let above = module[..above].iter().map(|&segment| segment.to_owned());
                above.chain(path[ups..].iter().cloned()).collect()
            } else {
                continue; // it stays in its file
            };
            found.push(Named { line, segments });
        }
        at = at.max(end);
    }
    found
}

/// In how many modules within its file something stands.
fn inline_depth(code: &str, at: usize) -> usize {
    let mut open = Vec::new();
    for (place, c) in code[..at].char_indices() {
        match c {
            '{' => {
                let head = code[..place]
                    .rsplit(['{', '}', ';'])
                    .next()
                    .unwrap_or_default();
                open.push(head.split_whitespace().any(|word| word == "mod"));
            }
            '}' => drop(open.pop()),
            _ => {}
        }
    }
    open.into_iter().filter(|is_module| *is_module).count()
}

/// The module of a file, from the root of the crate.
fn module(file: &str) -> Vec<&str> {
    let mut module: Vec<_> = file.trim_end_matches(".rs").split('/').collect();
    if module.last() == Some(&"mod") {
        module.pop();
    }
    module
}

pub(super) fn is_test(file: &str) -> bool {
    file.split('/').any(|part| part == "tests")
}

/// The position of a layer.
fn position(layer: &str) -> Option<usize> {
    LAYERS.iter().position(|it| *it == layer)
}

/// The files that the rules are for, without what does not count in them.
fn counted(tree: &Tree) -> impl Iterator<Item = (&str, Vec<&str>, String)> {
    tree.iter()
        .filter(|(file, _)| *file != "lib.rs" && !is_test(file))
        .map(|(file, text)| (&**file, module(file), without_tests(&blanked(text))))
        .filter(|(_, module, _)| !BESIDE.contains(&module[0]))
}

/// Imports that go up, or through the names that users know.
fn upward(tree: &Tree) -> Vec<Broken> {
    let mut broken = Vec::new();
    for (file, module, code) in counted(tree) {
        let Some(own) = position(module[0]) else {
            let rule = format!("`{}` is none of the layers", module[0]);
            broken.push(Broken {
                file: file.to_owned(),
                line: 1,
                rule,
            });
            continue;
        };
        for Named { line, segments } in named(&module, &code) {
            let path = segments.join("::");
            let Some(first) = segments.first() else {
                continue;
            };
            let rule = match position(first) {
                Some(position) if position <= own => continue,
                Some(_) => format!(
                    "`{path}` is of the layer `{first}`, which comes after `{}`",
                    module[0]
                ),
                None => format!(
                    "`crate::{path}` is a name for users; it is to be imported from where it is defined"
                ),
            };
            broken.push(Broken {
                file: file.to_owned(),
                line,
                rule,
            });
        }
    }
    broken
}

/// Which files import which, by the modules that stand in them.
fn imports(tree: &Tree) -> BTreeMap<String, BTreeSet<String>> {
    let files: BTreeMap<String, &str> = (counted(tree))
        .map(|(file, module, _)| (module.join("::"), file))
        .collect();
    let mut imports = BTreeMap::new();
    for (file, module, code) in counted(tree) {
        let own = module.join("::");
        let targets: &mut BTreeSet<String> = imports.entry(own.clone()).or_default();
        for Named { segments, .. } in named(&module, &code) {
            let longest = (1..=segments.len())
                .rev()
                .map(|length| segments[..length].join("::"))
                .find(|path| files.contains_key(path));
            // A module and its children are one in this: a parent has its children's items, and they its.
            targets.extend(longest.filter(|path| *path != own && files[path] != file));
        }
    }
    imports
}

/// The module just below the layer that another stands in: `queue::lane` of `queue::lane::newest`.
fn unit(module: &str) -> String {
    module.split("::").take(2).collect::<Vec<_>>().join("::")
}

/// Circles of modules within one layer, each with all that can reach each other. What stands below one module of a
/// layer counts as one: a parent and its children may use each other.
fn circles(tree: &Tree) -> Vec<(String, Vec<String>)> {
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (from, targets) in imports(tree) {
        let from = unit(&from);
        let layer = from.split("::").next().unwrap_or_default().to_owned();
        let same_layer = (targets.iter().map(|target| unit(target)))
            .filter(|target| *target != from && target.starts_with(&format!("{layer}::")));
        edges.entry(from.clone()).or_default().extend(same_layer);
    }
    let reached: BTreeMap<&String, BTreeSet<&String>> = (edges.keys())
        .map(|from| {
            let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
            while let Some(module) = next.pop() {
                for target in edges.get(module).into_iter().flatten() {
                    if seen.insert(target) {
                        next.push(target);
                    }
                }
            }
            (from, seen)
        })
        .collect();
    let mut circles = BTreeSet::new();
    for (from, targets) in &reached {
        let circle: BTreeSet<&str> = (targets.iter())
            .filter(|target| reached.get(*target).is_some_and(|back| back.contains(from)))
            .map(|target| target.split_once("::").map_or("", |(_, name)| name))
            .collect();
        if circle.len() > 1 {
            let layer = from.split("::").next().unwrap_or_default().to_owned();
            circles.insert((
                layer,
                circle.into_iter().map(str::to_owned).collect::<Vec<_>>(),
            ));
        }
    }
    circles.into_iter().collect()
}

/// The circles, as broken rules.
fn circular(tree: &Tree) -> Vec<Broken> {
    (circles(tree).into_iter())
        .map(|(layer, circle)| Broken {
            file: layer,
            line: 1,
            rule: format!("these import each other in a circle: {}", circle.join(", ")),
        })
        .collect()
}

/// Files that are too long.
fn long(tree: &Tree) -> Vec<Broken> {
    (tree.iter())
        .filter(|(file, _)| !file.starts_with("docs/"))
        .filter_map(|(file, text)| {
            let lines = text.lines().count();
            (lines > MAX_LINES).then(|| Broken {
                file: file.clone(),
                line: MAX_LINES,
                rule: format!("{lines} lines, more than {MAX_LINES}"),
            })
        })
        .collect()
}

/// The sources as they are.
pub(super) fn tree() -> Tree {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut tree, mut folders) = (Tree::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of the sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).expect("it is below").to_str();
                let name = name.expect("a plain name").replace('\\', "/");
                tree.insert(name, fs::read_to_string(&path).expect("a source"));
            }
        }
    }
    tree
}

pub(super) fn all(broken: &[Broken]) -> String {
    let lines: Vec<_> = broken.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn each_layer_imports_only_from_itself_and_from_those_before_it() {
    let tree = tree();
    let paths: usize = (counted(&tree))
        .map(|(_, module, code)| named(&module, &code).len())
        .sum();
    assert!(paths >= 500, "{paths} paths");
    let broken = all(&upward(&tree));
    assert!(broken.is_empty(), "\n{broken}");
}

#[test]
fn the_modules_of_a_layer_import_each_other_in_no_circle() {
    let broken = all(&circular(&tree()));
    assert!(broken.is_empty(), "\n{broken}");
}

#[test]
fn no_file_is_longer_than_400_lines() {
    let broken = all(&long(&tree()));
    assert!(broken.is_empty(), "\n{broken}");
}

#[test]
fn sources_beside_lib_stand_in_folders() {
    let tree = tree();
    let flat: Vec<_> = tree.keys().filter(|file| !file.contains('/')).collect();
    assert_eq!(flat, ["lib.rs"]);
}

/// A made-up tree.
pub(super) fn made_up(files: &[(&str, &str)]) -> Tree {
    (files.iter())
        .map(|(file, text)| ((*file).to_owned(), (*text).to_owned()))
        .collect()
}

#[test]
fn an_import_from_a_later_layer_is_told_with_file_line_and_rule() {
    let tree = made_up(&[
        (
            "lib.rs",
            "mod bus;\nmod queue;\npub use crate::bus::handle::Bus;\n",
        ),
        (
            "bus/handle.rs",
            "use crate::queue::lane::Lane;\npub struct Bus;\n",
        ),
        (
            "queue/lane.rs",
            "use std::sync::Arc;\n\nuse crate::{\n    support::sync::Mutex,\n    bus::{handle::{self, Bus}},\n};\n",
        ),
    ]);
    let told: Vec<_> = upward(&tree).iter().map(ToString::to_string).collect();
    let rule = |path: &str| {
        format!("src/queue/lane.rs:3: `{path}` is of the layer `bus`, which comes after `queue`")
    };
    assert_eq!(told, [rule("bus::handle::self"), rule("bus::handle::Bus")]);
}

#[test]
fn a_path_in_code_counts_and_one_in_a_comment_a_text_or_a_test_does_not() {
    let tree = made_up(&[(
        "engine/deliver.rs",
        r##"
//! See [`Bus`](crate::bus::Bus).
/* crate::bus::Bus */
const NAME: &str = "crate::bus::Bus";
const RAW: &str = r#"crate::bus::"Bus"#;
const QUOTE: (char, char) = ('"', '\'');
fn deliver<'a>(it: &'a str) { crate::bus::publish(it); }
#[cfg(all(test, not(oxide_loom)))]
mod tests {
    use crate::bus::Bus;
    fn nested() { let _it = "}"; }
}
fn after() -> crate::tokio::AsyncBus { panic!() }
"##,
    )]);
    let lines: Vec<_> = upward(&tree).iter().map(|it| it.line).collect();
    assert_eq!(lines, [7, 13]);
}

#[test]
fn an_import_by_a_name_for_users_is_told() {
    let tree = made_up(&[(
        "tokio/bus.rs",
        "use crate::{Bus, bus::handle};\nuse crate::Envelope as E;\n",
    )]);
    let told: Vec<_> = upward(&tree).iter().map(ToString::to_string).collect();
    let rule = "is a name for users; it is to be imported from where it is defined";
    assert_eq!(
        told,
        [
            format!("src/tokio/bus.rs:1: `crate::Bus` {rule}"),
            format!("src/tokio/bus.rs:2: `crate::Envelope` {rule}"),
        ]
    );
}

#[test]
fn a_path_up_through_super_is_followed() {
    let tree = made_up(&[
        (
            "queue/lane/mod.rs",
            "use super::super::bus::Bus;\nuse super::room::Room;\nmod newest;\n",
        ),
        (
            "queue/lane/newest.rs",
            "mod sealed { use super::super::super::super::engine::Core; use super::Lane; }\n",
        ),
    ]);
    let told: Vec<_> = upward(&tree)
        .into_iter()
        .map(|it| (it.file, it.line))
        .collect();
    let expected = [("queue/lane/mod.rs", 1), ("queue/lane/newest.rs", 1)];
    assert_eq!(told, expected.map(|(file, line)| (file.to_owned(), line)));
}

#[test]
fn a_circle_within_a_layer_is_told_and_one_of_a_parent_and_its_child_is_none() {
    let tree = made_up(&[
        ("engine/core.rs", "use crate::engine::limit::Limit;\n"),
        ("engine/limit.rs", "use crate::engine::refusal::Refusal;\n"),
        ("engine/refusal.rs", "use super::core::Core;\n"),
        (
            "engine/index/mod.rs",
            "use self::trie::Trie;\nuse crate::engine::index::trie::Node;\nmod trie;\n",
        ),
        ("engine/index/trie.rs", "use super::Index;\n"),
    ]);
    let told: Vec<_> = circular(&tree).iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["src/engine:1: these import each other in a circle: core, limit, refusal"]
    );
}

#[test]
fn a_file_that_is_too_long_or_stands_in_no_layer_is_told() {
    let text = "\n".repeat(MAX_LINES + 1);
    let tree = made_up(&[("queue/lane.rs", &text), ("utils/all.rs", "")]);
    assert_eq!(
        all(&long(&tree)),
        "src/queue/lane.rs:400: 401 lines, more than 400"
    );
    assert_eq!(
        all(&upward(&tree)),
        "src/utils/all.rs:1: `utils` is none of the layers"
    );
}
