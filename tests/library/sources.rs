//! The sources as the tests of their rules read them: as text.
//!
//! Comments, texts and `#[cfg(test)]` modules are blanked, so that all else stays where it is. A path that a macro puts
//! together is not seen; there is none.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

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

/// A path from the root of `src/`, as some code names it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) line: usize,
    pub(super) segments: Vec<String>,
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
pub(super) fn closing(code: &str, open: usize) -> usize {
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

/// Each path of a tree of paths: `a::{b, c::{d as e}}` has `a::b` and `a::c::d as e`.
fn leaves(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        return vec![tree.to_owned()];
    };
    let before = &tree[..open];
    (items(&tree[open + 1..closing(tree, open)]).into_iter())
        .filter(|item| !item.trim().is_empty())
        .flat_map(leaves)
        .map(|leaf| format!("{before}{leaf}"))
        .collect()
}

fn segments(path: &str) -> Vec<String> {
    path.split("::")
        .map(|segment| segment.split_whitespace().next().unwrap_or_default())
        .filter(|segment| !segment.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The path from the root of `src/` that is meant in this module. None if it begins with no keyword.
fn absolute(module: &[&str], path: &[String]) -> Option<Vec<String>> {
    let ups = path.iter().take_while(|it| *it == "super").count();
    // The command is a crate of its own.
    let root = if module[0] == "bin" { 2 } else { 0 };
    let (above, rest) = match path.first()?.as_str() {
        "crate" => (&module[..root], &path[1..]),
        "self" => (module, &path[1..]),
        "super" => (&module[..module.len().saturating_sub(ups)], &path[ups..]),
        _ => return None,
    };
    let above = above.iter().map(|&it| it.to_owned());
    Some(above.chain(rest.iter().cloned()).collect())
}

/// The paths from the crate's root in some code, with braces opened. `super` is followed up to it.
pub(super) fn named(module: &[&str], code: &str) -> Vec<Named> {
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
        for leaf in leaves(&code[start..end]) {
            let mut path = segments(&leaf);
            if path[0] == "super" {
                let ups = path.iter().take_while(|it| *it == "super").count();
                if ups <= depth {
                    continue; // it stays in its file
                }
                path.drain(..depth);
            }
            let segments = absolute(module, &path).expect("it begins with a keyword");
            found.push(Named { line, segments });
        }
        at = at.max(end);
    }
    found
}

/// What a module's names stand for that it imports: others find it there under these names.
pub(super) fn imported(module: &[&str], code: &str) -> BTreeMap<String, Vec<String>> {
    let statements = (code.match_indices("use "))
        .filter(|(at, _)| !ends_in_word(&code[..*at]))
        .filter_map(|(at, word)| code[at + word.len()..].split_once(';'));
    (statements.flat_map(|(tree, _)| leaves(tree)))
        .filter_map(|leaf| {
            let mut path = segments(&leaf);
            path.pop_if(|last| last == "self");
            let name = (leaf.split_once(" as ")).map_or(path.last()?.as_str(), |(_, name)| name);
            Some((name.trim().to_owned(), absolute(module, &path)?))
        })
        .collect()
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

pub(super) fn is_test(file: &str) -> bool {
    file.split('/').any(|part| part == "tests")
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

/// A made-up tree.
pub(super) fn made_up(files: &[(&str, &str)]) -> Tree {
    (files.iter())
        .map(|(file, text)| ((*file).to_owned(), (*text).to_owned()))
        .collect()
}
