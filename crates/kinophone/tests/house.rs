//! The rules of ARCHITECTURE.md that neither the compiler nor clippy checks: the direction of imports among
//! the modules of the library, no circles among the files of a crate, and no leftovers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of the library from the bottom up. A module may import those of lower layers, and only them.
const LAYERS: [&[&str]; 14] = [
    &["error", "wording"],
    &["storage", "task", "worker", "file_kind"],
    &["tensor_file", "media", "plot"],
    &["ledger"],
    &["score"],
    &["dataset", "visual"],
    &["sound_library", "model", "classic", "etude"],
    &["brain"],
    &["soundtrack"],
    &["concat"],
    &["render"],
    &["revoice", "texture"],
    &["eval"],
    &["fuzz"],
];

/// A source file of a crate.
struct Source {
    /// Below the crate's `src`, such as `eval/mod.rs`.
    path: String,
    /// The module path, such as `["eval"]`; empty for `lib.rs` and `main.rs`.
    module: Vec<String>,
    /// The code without comments, literals, and whatever is compiled for tests only.
    code: String,
}

/// The sources of a crate by module path, without test modules.
type Sources = BTreeMap<Vec<String>, Source>;

fn sources_of(name: &str) -> Sources {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(name).join("src");
    let mut sources = Sources::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") && !is_test(&path) {
                let source = read(&root, &path);
                sources.insert(source.module.clone(), source);
            }
        }
    }
    assert!(sources.len() > 5, "the sources of {name} were not found");
    sources
}

/// Test modules in files of their own, and synthetic data for them.
fn is_test(path: &Path) -> bool {
    path.components().any(|c| ["tests", "tests.rs", "synthetic.rs"].iter().any(|t| c.as_os_str() == *t))
}

fn read(root: &Path, file: &Path) -> Source {
    let path: PathBuf = file.strip_prefix(root).unwrap().to_owned();
    let mut module: Vec<String> =
        path.with_extension("").iter().map(|c| c.to_str().unwrap().into()).collect();
    if ["mod", "lib", "main"].contains(&module.last().unwrap().as_str()) {
        module.pop();
    }
    let code = without_tests(&without_comments(&fs::read_to_string(file).unwrap()));
    Source { path: path.to_str().unwrap().to_owned(), module, code }
}

/// Removes line comments and the content of strings.
fn without_comments(text: &str) -> String {
    let mut code = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '/' if letters.peek() == Some(&'/') => while letters.next_if(|c| *c != '\n').is_some() {},
            '\'' => {
                // A quote begins a lifetime or a character; of characters only these could be mistaken for
                // something else.
                code.push('\'');
                if letters.next_if(|c| *c == '\\').is_some() {
                    letters.next();
                } else {
                    letters.next_if(|c| ['"', '{', '}', ';'].contains(c));
                }
            }
            '"' => {
                code.push('"');
                while let Some(inner) = letters.next() {
                    match inner {
                        '\\' => drop(letters.next()),
                        '"' => break,
                        _ => {}
                    }
                }
                code.push('"');
            }
            other => code.push(other),
        }
    }
    code
}

/// Removes every item behind `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    let mut kept = String::new();
    let mut rest = code;
    while let Some((before, after)) = rest.split_once("#[cfg(test)]") {
        kept.push_str(before);
        let mut depth = 0;
        let end = after.find(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth == 0 && (c == ';' || c == '}')
        });
        rest = end.map_or("", |end| &after[end + 1..]);
    }
    kept + rest
}

/// The paths of a `use` statement, its braces expanded: `a::{b, c::d}` into `a::b` and `a::c::d`.
fn expanded(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim();
    let Some((head, braces)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap();
        return vec![path.split("::").map(|word| word.trim().to_owned()).collect()];
    };
    let inner = braces.trim_end().strip_suffix('}').unwrap_or(braces);
    let head: Vec<String> =
        head.split("::").map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect();
    let mut depth = 0;
    let parts = inner.split(|c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        depth == 0 && c == ','
    });
    let parts = parts.filter(|part| !part.trim().is_empty());
    parts.flat_map(expanded).map(|tail| head.iter().cloned().chain(tail).collect()).collect()
}

/// A path that a file names, absolute from the crate's root.
struct Import {
    path: Vec<String>,
    /// True for `pub use` and `pub(crate) use`, by which a module passes an item on.
    reexport: bool,
}

impl Source {
    /// Every path into the crate that this file names.
    fn imports(&self, sources: &Sources) -> Vec<Import> {
        let mut imports = Vec::new();
        let mut rest = String::new();
        for statement in self.code.split_inclusive(';') {
            let start = statement.rfind("use ").filter(|at| self.is_use(statement, *at));
            let Some(at) = start else {
                rest.push_str(statement);
                continue;
            };
            let reexport = statement[..at].trim_end().ends_with(['b', ')']);
            let tree = statement[at + 4..].trim_end_matches(';');
            let paths = expanded(tree).into_iter().filter_map(|path| self.absolute(path, sources));
            imports.extend(paths.map(|path| Import { path, reexport }));
            rest.push_str(&statement[..at]);
        }
        imports
            .extend(self.paths_in(&rest, sources).into_iter().map(|path| Import { path, reexport: false }));
        imports
    }

    /// A `use` begins a line, or follows a visibility that does.
    fn is_use(&self, statement: &str, at: usize) -> bool {
        let line = statement[..at].rsplit('\n').next().unwrap().trim();
        line.is_empty() || line == "pub" || line.starts_with("pub(")
    }

    /// Paths in the code itself that begin with `crate`, `super`, `self` or a child module.
    fn paths_in(&self, code: &str, sources: &Sources) -> Vec<Vec<String>> {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let words = code.split(|c: char| !is_word(c) && c != ':').filter(|word| word.contains("::"));
        let paths = words.map(|word| word.split("::").map(str::to_owned).collect::<Vec<_>>());
        paths.filter_map(|path| self.absolute(path, sources)).collect()
    }

    /// The path from the crate's root; `None` where it leads into another crate.
    fn absolute(&self, path: Vec<String>, sources: &Sources) -> Option<Vec<String>> {
        let (mut base, mut words) = (self.module.clone(), path.into_iter().peekable());
        let first = words.peek()?.clone();
        match first.as_str() {
            "crate" => {
                base.clear();
                words.next();
            }
            "self" => drop(words.next()),
            "super" => {
                while words.next_if(|word| word == "super").is_some() {
                    base.pop();
                }
            }
            child => {
                let module: Vec<String> = base.iter().cloned().chain([child.to_owned()]).collect();
                sources.contains_key(&module).then_some(())?;
            }
        }
        Some(base.into_iter().chain(words).collect())
    }
}

/// The file that defines what a path names, re-exports followed.
fn defining<'a>(path: &[String], sources: &'a Sources, depth: usize) -> Option<&'a Source> {
    let module = (0..=path.len()).rev().map(|n| &path[..n]).find_map(|prefix| sources.get(prefix))?;
    let Some(item) = path.get(module.module.len()) else { return Some(module) };
    let passed_on = module.imports(sources).into_iter().filter(|import| import.reexport);
    let target = passed_on.into_iter().find(|import| import.path.last() == Some(item));
    match target {
        Some(import) if depth < 5 && import.path != path => defining(&import.path, sources, depth + 1),
        _ => Some(module),
    }
}

/// The files that each file imports, by their paths.
fn edges(sources: &Sources) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut edges = BTreeMap::new();
    for source in sources.values() {
        let targets: BTreeSet<&str> = source
            .imports(sources)
            .iter()
            .filter(|import| !import.reexport)
            .filter_map(|import| defining(&import.path, sources, 0))
            .map(|target| target.path.as_str())
            .filter(|target| *target != source.path)
            .collect();
        edges.insert(source.path.as_str(), targets);
    }
    edges
}

fn reachable<'a>(from: &'a str, edges: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let (mut found, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(file) = open.pop() {
        open.extend(edges[file].iter().copied().filter(|next| found.insert(*next)));
    }
    found
}

/// Groups of files each of which imports all others of its group, directly or by way of others.
fn circles(sources: &Sources) -> BTreeSet<Vec<&str>> {
    let edges = edges(sources);
    let reach: BTreeMap<&str, BTreeSet<&str>> =
        edges.keys().map(|file| (*file, reachable(file, &edges))).collect();
    let circle = |file: &&str| -> Vec<&str> {
        reach[file].iter().copied().filter(|other| reach[other].contains(file)).collect()
    };
    reach.keys().map(circle).filter(|files| files.len() > 1).collect()
}

#[test]
fn files_import_one_another_without_circles() {
    for name in ["dsp", "nn", "kinophone", "cli"] {
        let sources = sources_of(name);
        let circles = circles(&sources);
        assert!(circles.is_empty(), "circles in {name}: {circles:#?}");
    }
}

#[test]
fn modules_of_the_library_import_only_lower_layers() {
    let sources = sources_of("kinophone");
    let layer = |module: &str| {
        LAYERS
            .iter()
            .position(|names| names.contains(&module))
            .unwrap_or_else(|| panic!("{module} has no layer"))
    };
    let mut wrong = BTreeSet::new();
    for source in sources.values() {
        let Some(module) = source.module.first() else { continue };
        for target in source.imports(&sources).iter().filter_map(|import| import.path.first().cloned()) {
            let is_module = sources.contains_key(&[target.clone()][..]);
            if is_module && target != *module && layer(&target) >= layer(module) {
                wrong.insert(format!("{} imports {target}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "imports against the layers: {wrong:#?}");
}

#[test]
fn visual_and_plot_know_no_brains() {
    let sources = sources_of("kinophone");
    for (module, allowed) in [("visual", &["media", "task", "error"][..]), ("plot", &["storage", "error"])] {
        for source in sources.values().filter(|source| source.module.first().is_some_and(|m| m == module)) {
            for import in source.imports(&sources) {
                let target =
                    import.path.first().filter(|first| sources.contains_key(&[(*first).clone()][..]));
                let is_allowed = |target: &String| target == module || allowed.contains(&target.as_str());
                assert!(target.is_none_or(is_allowed), "{} imports {target:?}", source.path);
            }
        }
    }
}

#[test]
fn nothing_is_left_unfinished() {
    for name in ["dsp", "nn", "kinophone", "cli"] {
        for source in sources_of(name).values() {
            for leftover in ["todo!(", "unimplemented!("] {
                assert!(!source.code.contains(leftover), "{} still has {leftover}", source.path);
            }
        }
    }
}

#[test]
fn imports_are_read_as_rust_reads_them() {
    let paths = |tree: &str| expanded(tree).iter().map(|path| path.join("::")).collect::<Vec<_>>();
    assert_eq!(paths("a::{self, b, c::{d, e as f}}"), ["a::self", "a::b", "a::c::d", "a::c::e"]);
    assert_eq!(without_comments("a // b\n\"c // {\" '{' 'x"), "a \n\"\" '' 'x");
    assert_eq!(without_tests("a; #[cfg(test)] mod t { b; { c } } d; #[cfg(test)] mod e; f"), "a;  d;  f");
}
