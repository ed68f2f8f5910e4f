//! The direction of dependencies: modules use only those below them, by the table in the crate's documentation, and
//! no files use each other. Every file is compiled.

mod dependencies;
mod modules;
mod references;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use dependencies::{Dependency, cycles, dependencies};
use modules::Modules;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn source() -> PathBuf {
    root().join("src")
}

/// The root files of the libraries in this repository.
fn libraries() -> Vec<PathBuf> {
    let mut found = vec![source().join("lib.rs")];
    if let Ok(crates) = fs::read_dir(root().join("crates")) {
        found.extend(
            crates.map(|entry| entry.unwrap().path().join("src/lib.rs")).filter(|file| file.exists()),
        );
    }
    found
}

/// Each module's height: the table's rows from the bottom up.
fn layers() -> BTreeMap<String, usize> {
    let text = fs::read_to_string(source().join("lib.rs")).unwrap();
    let rows: Vec<&str> =
        text.lines().filter(|line| line.starts_with("//! |") && line.contains('`')).collect();
    let mut layers = BTreeMap::new();
    for (height, row) in rows.iter().rev().enumerate() {
        for module in row.split('`').skip(1).step_by(2) {
            assert!(layers.insert(module.to_owned(), height).is_none(), "{module} is there twice");
        }
    }
    layers
}

/// Every file of code.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}

/// The files that may declare the one at `path` as a module.
fn parents(path: &Path) -> Vec<PathBuf> {
    let directory = path.parent().unwrap();
    let directory = if path.ends_with("mod.rs") { directory.parent().unwrap() } else { directory };
    if directory.ends_with("src") {
        vec![directory.join("lib.rs")]
    } else {
        vec![directory.with_extension("rs"), directory.join("mod.rs")]
    }
}

fn short(path: &Path) -> &str {
    path.strip_prefix(root()).unwrap().to_str().unwrap()
}

/// The module of the exporter that a file belongs to, as the table in lib.rs names it.
fn top_module(file: &Path) -> String {
    let relative = file.strip_prefix(source()).unwrap();
    relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

/// The modules that each module of the exporter uses, with the file that does.
fn module_dependencies(modules: &Modules) -> BTreeSet<(PathBuf, String)> {
    let of_files = dependencies(modules).into_keys();
    let mut found: BTreeSet<_> =
        of_files.map(|dependency| (dependency.from, top_module(&dependency.to))).collect();
    for module in modules.0.values() {
        let references = module.references.iter().map(|reference| &reference.0);
        for path in references.chain(&module.imports).chain(&module.exports).chain(&module.globs) {
            if let [first, second, ..] = path.as_slice()
                && first == "crate"
            {
                found.insert((module.file.clone(), second.clone()));
            }
        }
    }
    found
}

#[test]
fn modules_use_only_lower_layers() {
    let layers = layers();
    let mut wrong = Vec::new();
    let modules = Modules::read(&source().join("lib.rs"));
    for (file, used) in module_dependencies(&modules) {
        let module = top_module(&file);
        let height =
            |module: &str| layers.get(module).unwrap_or_else(|| panic!("{module} is not in the table"));
        if module != "lib" && module != used && height(&used) >= height(&module) {
            wrong.push(format!("{}: {module} uses {used}", short(&file)));
        }
    }
    assert!(wrong.is_empty(), "against the order of lib.rs:\n{}", wrong.join("\n"));
}

#[test]
fn no_files_depend_on_each_other_in_cycles() {
    let mut wrong = Vec::new();
    for library in libraries() {
        for (Dependency { from, to }, path) in cycles(&dependencies(&Modules::read(&library))) {
            wrong.push(format!("{} -> {}: {path}", short(from), short(to)));
        }
    }
    assert!(wrong.is_empty(), "files that use each other:\n{}", wrong.join("\n"));
}

#[test]
fn every_file_is_a_module() {
    let mut lost = Vec::new();
    for library in libraries() {
        let directory = library.parent().unwrap();
        for path in files(directory) {
            let module = if path.ends_with("mod.rs") { path.parent().unwrap() } else { &path };
            let declared = format!("mod {};", module.file_stem().unwrap().to_str().unwrap());
            let mut parents = parents(&path).into_iter().filter_map(|parent| fs::read_to_string(parent).ok());
            let is_root = [directory.join("lib.rs"), directory.join("main.rs")].contains(&path);
            if !is_root && !parents.any(|text| text.contains(&declared)) {
                lost.push(path);
            }
        }
    }
    assert!(lost.is_empty(), "no module, so never compiled, nor its tests run: {lost:?}");
}

/// The dependencies between the files of a crate, and those of them that are in a cycle, each as `from -> to`.
fn dependencies_of(files: &[(&[&str], &str)]) -> (Vec<String>, Vec<String>) {
    let mut modules = Modules::default();
    for (path, text) in files {
        let path: Vec<String> = path.iter().map(|&name| name.to_owned()).collect();
        modules.add_file(path.clone(), Path::new(&path.join("/")), Path::new(""), text);
    }
    for (path, _) in files {
        if let [parent @ .., name] = path {
            let parent: Vec<String> = parent.iter().map(|&name| name.to_owned()).collect();
            let parent = modules.0.entry(parent).or_default();
            parent.names.entry((*name).to_owned()).or_default().is_module = true;
        }
    }
    let show =
        |dependency: &Dependency| format!("{} -> {}", dependency.from.display(), dependency.to.display());
    let found = dependencies(&modules);
    (found.keys().map(show).collect(), cycles(&found).into_keys().map(show).collect())
}

#[test]
fn every_form_of_use_is_detected() {
    let (edges, cyclic) = dependencies_of(&[
        (&["by_use"], "use crate::target::{A, inner::B as C}; use std::fmt;"),
        (&["by_path"], "fn f() { crate::target::inner::g() }"),
        (&["by_super"], "impl super::target::A {}"),
        (&["by_module"], "use super::target; fn f() -> target::A { todo!() }"),
        (&["by_glob"], "use crate::target::*; fn f(a: A) {}"),
        (&["by_macro"], "fn f() { log!(x = %crate::target::h(), y) }"),
        (&["by_attribute"], "#[derive(D)] struct S { #[serde(with = \"crate::target::inner::B\")] a: u8 }"),
        (&["in_function"], "fn f() { use crate::target::A; }"),
        (&["not_a_use"], "// crate::target::A\nuse target::A; fn f(target: u8) -> u8 { target }"),
        (&["only_in_tests"], "#[cfg(test)] mod tests { use crate::target::A; }"),
        (&["target"], "pub use inner::{B, inner}; pub struct A; pub fn h() {}"),
        (&["target", "inner"], "pub struct B; pub fn g() {} pub fn inner() {}"),
        (&["through_an_export"], "fn f() { crate::target::inner() }"),
    ]);
    let expected = [
        "by_attribute -> target/inner",
        "by_glob -> target",
        "by_macro -> target",
        "by_module -> target",
        "by_path -> target/inner",
        "by_super -> target",
        "by_use -> target",
        "by_use -> target/inner",
        "in_function -> target",
        "through_an_export -> target/inner",
    ];
    assert_eq!(edges, expected);
    assert!(cyclic.is_empty());
}

#[test]
fn a_cycle_is_detected_through_other_files_and_reexports() {
    let (_, cyclic) = dependencies_of(&[
        (&["a"], "use crate::b::T; pub struct S;"),
        (&["b"], "pub use inner::T;"),
        (&["b", "inner"], "pub struct T(crate::c::U);"),
        (&["c"], "pub struct U(crate::a::S);"),
        (&["user"], "fn f(a: crate::a::S) {}"),
    ]);
    assert_eq!(cyclic, ["a -> b/inner", "b/inner -> c", "c -> a"]);
}

#[test]
fn a_parent_depends_on_a_child_only_by_its_own_code() {
    let child: (&[&str], &str) = (&["parent", "child"], "pub struct T(super::S);");
    let (_, cyclic) = dependencies_of(&[(&["parent"], "pub use child::T; pub struct S;"), child]);
    assert!(cyclic.is_empty(), "{cyclic:?}");
    let text = "pub use child::T; pub struct S; fn f(t: T) {}";
    let (_, cyclic) = dependencies_of(&[(&["parent"], text), child]);
    assert_eq!(cyclic, ["parent -> parent/child", "parent/child -> parent"]);
}
