//! The layers of the library: each folder of `src/` imports only from itself and from those before it.
//!
//! Within a layer, and within the command, modules import each other in no circle. What stands in comments, in texts
//! and in `#[cfg(test)]` modules does not count, nor do the folders of tests.

use std::collections::{BTreeMap, BTreeSet};

use super::sources::{
    Broken, Named, Tree, all, blanked, imported, is_test, made_up, named, tree, without_tests,
};

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

/// Beside the layers, and bound to none: pages that no program is compiled with.
const PAGES: &str = "docs";

/// Also beside the layers: programs. Only the rule of circles holds for them.
const PROGRAMS: &str = "bin";

/// Each file has fewer lines.
const TOO_MANY_LINES: usize = 400;

/// The module of a file, from the root of `src/`.
fn module(file: &str) -> Vec<&str> {
    let mut module: Vec<_> = file.trim_end_matches(".rs").split('/').collect();
    if matches!(module.last(), Some(&("mod" | "main"))) {
        module.pop();
    }
    module
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
        .filter(|(_, module, _)| module[0] != PAGES)
}

/// Imports that go up, or through the names that users know.
fn upward(tree: &Tree) -> Vec<Broken> {
    let mut broken = Vec::new();
    for (file, module, code) in counted(tree).filter(|(_, module, _)| module[0] != PROGRAMS) {
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

/// Which modules import which. A name that a module has only imported stands for what it is: such a path is followed.
fn imports(tree: &Tree) -> BTreeMap<String, BTreeSet<String>> {
    let names: BTreeMap<String, BTreeMap<String, Vec<String>>> = (counted(tree))
        .map(|(_, module, code)| (module.join("::"), imported(&module, &code)))
        .collect();
    // The module that the path leads to, and the name there that it goes on with.
    let split = |path: &[String]| {
        (1..=path.len())
            .rev()
            .find(|&length| names.contains_key(&path[..length].join("::")))
    };
    let followed = |mut path: Vec<String>| {
        for _ in 0..names.len() {
            let length = split(&path)?;
            let module = path[..length].join("::");
            let meant = path.get(length).and_then(|name| names[&module].get(name));
            let Some(meant) = meant.filter(|meant| split(meant).is_some()) else {
                return Some(module);
            };
            path = [meant, &path[length + 1..]].concat();
        }
        None
    };
    let mut imports = BTreeMap::new();
    for (_, module, code) in counted(tree) {
        let own = module.join("::");
        let targets = (named(&module, &code).into_iter())
            .filter_map(|it| followed(it.segments))
            .filter(|target| *target != own)
            .collect();
        imports.insert(own, targets);
    }
    imports
}

/// The modules just below the deepest folder that both stand in: of `queue::direct::group` and `queue::direct::seat`
/// they are these. None for a parent and its child, which may use each other.
fn siblings(from: &str, to: &str) -> Option<(String, String)> {
    let (from, to): (Vec<_>, Vec<_>) = (from.split("::").collect(), to.split("::").collect());
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let below = |path: &[&str]| path.get(..=shared).map(|it| it.join("::"));
    (shared > 0).then_some(())?;
    Some((below(&from)?, below(&to)?))
}

/// Circles of modules of one folder, each with all that can reach each other. What stands below a module counts as the
/// module.
fn circles(tree: &Tree) -> Vec<(String, Vec<String>)> {
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (from, targets) in imports(tree) {
        for (from, target) in targets.iter().filter_map(|target| siblings(&from, target)) {
            edges.entry(from).or_default().insert(target);
        }
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
            .map(|target| target.rsplit("::").next().unwrap_or_default())
            .collect();
        if circle.len() > 1 {
            let folder = from.rsplit_once("::").map_or("", |(folder, _)| folder);
            circles.insert((
                folder.replace("::", "/"),
                circle.into_iter().map(str::to_owned).collect::<Vec<_>>(),
            ));
        }
    }
    circles.into_iter().collect()
}

/// The circles, as broken rules.
fn circular(tree: &Tree) -> Vec<Broken> {
    (circles(tree).into_iter())
        .map(|(folder, circle)| Broken {
            file: folder,
            line: 1,
            rule: format!("these import each other in a circle: {}", circle.join(", ")),
        })
        .collect()
}

/// Files that are too long, documents included.
fn long(tree: &Tree) -> Vec<Broken> {
    (tree.iter())
        .filter_map(|(file, text)| {
            let lines = text.lines().count();
            (lines >= TOO_MANY_LINES).then(|| Broken {
                file: file.clone(),
                line: TOO_MANY_LINES,
                rule: format!("{lines} lines, not fewer than {TOO_MANY_LINES}"),
            })
        })
        .collect()
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
fn modules_of_one_folder_import_each_other_in_no_circle() {
    let broken = all(&circular(&tree()));
    assert!(broken.is_empty(), "\n{broken}");
}

#[test]
fn each_file_has_fewer_than_400_lines() {
    let broken = all(&long(&tree()));
    assert!(broken.is_empty(), "\n{broken}");
}

#[test]
fn sources_beside_lib_stand_in_folders() {
    let tree = tree();
    let flat: Vec<_> = tree.keys().filter(|file| !file.contains('/')).collect();
    assert_eq!(flat, ["lib.rs"]);
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
            "use crate::queue::segment_channel::SegmentSender;\npub struct Bus;\n",
        ),
        (
            "queue/segment_channel.rs",
            "use std::sync::Arc;\n\nuse crate::{\n    support::sync::Mutex,\n    bus::{handle::{self, Bus}},\n};\n",
        ),
    ]);
    let told: Vec<_> = upward(&tree).iter().map(ToString::to_string).collect();
    let rule = |path: &str| {
        format!(
            "src/queue/segment_channel.rs:3: `{path}` is of the layer `bus`, which comes after `queue`"
        )
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
            "queue/segment_channel/mod.rs",
            "use super::super::bus::Bus;\nuse super::credits::Credits;\nmod newest;\n",
        ),
        (
            "queue/segment_channel/newest.rs",
            "mod sealed { use super::super::super::super::engine::Core; use super::SegmentSender; }\n",
        ),
    ]);
    let told: Vec<_> = upward(&tree)
        .into_iter()
        .map(|it| (it.file, it.line))
        .collect();
    let expected = [
        ("queue/segment_channel/mod.rs", 1),
        ("queue/segment_channel/newest.rs", 1),
    ];
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
fn a_circle_through_the_re_exports_of_a_parent_is_told() {
    let tree = made_up(&[
        (
            "queue/direct/mod.rs",
            "mod group;\nmod receiver;\npub(crate) use self::receiver::{End as ReceiverEnd, Receiver};\n",
        ),
        (
            "queue/direct/group.rs",
            "use crate::queue::direct::ReceiverEnd;\n",
        ),
        (
            "queue/direct/receiver.rs",
            "use crate::queue::direct::group::Seat;\n",
        ),
    ]);
    assert_eq!(
        all(&circular(&tree)),
        "src/queue/direct:1: these import each other in a circle: group, receiver"
    );
}

#[test]
fn a_circle_of_the_command_is_told() {
    let tree = made_up(&[
        (
            "bin/oxide-bus/main.rs",
            "mod bench;\nuse self::bench::run;\n",
        ),
        (
            "bin/oxide-bus/bench/mod.rs",
            "mod load;\nuse crate::output::say;\n",
        ),
        (
            "bin/oxide-bus/bench/load.rs",
            "use super::super::output::say;\n",
        ),
        ("bin/oxide-bus/output.rs", "use crate::bench::load::Load;\n"),
    ]);
    assert_eq!(
        all(&circular(&tree)),
        "src/bin/oxide-bus:1: these import each other in a circle: bench, output"
    );
    assert_eq!(all(&upward(&tree)), "");
}

#[test]
fn a_file_that_is_too_long_or_stands_in_no_layer_is_told() {
    let text = "\n".repeat(TOO_MANY_LINES);
    let tree = made_up(&[("queue/segment_channel.rs", &text), ("utils/all.rs", "")]);
    assert_eq!(
        all(&long(&tree)),
        "src/queue/segment_channel.rs:400: 400 lines, not fewer than 400"
    );
    assert_eq!(
        all(&upward(&tree)),
        "src/utils/all.rs:1: `utils` is none of the layers"
    );
}
