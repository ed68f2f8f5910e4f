//! Each module uses only those below it, by the table in the crate's documentation; and each file is compiled.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
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

/// Whether `path`, below the source, is compiled for tests alone.
fn is_of_tests(path: &Path) -> bool {
    path.with_extension("").iter().any(|part| part == "tests")
}

/// The source directories of the exporter and of the crates beside it.
fn all_sources() -> Vec<PathBuf> {
    let crates = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("crates")).unwrap();
    let crates = crates.map(|entry| entry.unwrap().path().join("src"));
    crates.chain([source()]).collect()
}

/// The files that may declare the one at `path` a module.
fn parents(path: &Path) -> Vec<PathBuf> {
    let directory = path.parent().unwrap();
    let directory = if path.ends_with("mod.rs") { directory.parent().unwrap() } else { directory };
    if directory.ends_with("src") {
        vec![directory.join("lib.rs")]
    } else {
        vec![directory.with_extension("rs"), directory.join("mod.rs")]
    }
}

/// A file's text without comments, and without what is compiled for tests alone.
fn production_code(text: &str) -> String {
    let mut kept = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let indent = line.len() - line.trim_start().len();
        if line.trim_start() == "#[cfg(test)]" {
            // The item goes to the brace under its start, or is one line.
            let end = format!("{}}}", &line[..indent]);
            if lines.next().is_some_and(|item| item.ends_with('{')) {
                let _ = lines.find(|line| *line == end);
            }
        } else if !line.trim_start().starts_with("//") {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// The modules of the crate that a text names.
fn used(code: &str) -> Vec<String> {
    let mut modules = Vec::new();
    for (at, start) in code.match_indices("crate::") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + start.len()..];
        match rest.strip_prefix('{') {
            Some(group) => modules.extend(top_of_group(group)),
            None => modules.extend(first_name(rest)),
        }
    }
    modules
}

/// The first names in `{a, b::c, d::{e, f}}`, whose opening brace is gone.
fn top_of_group(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut item = String::new();
    let mut names = Vec::new();
    for character in group.chars() {
        match character {
            '}' if depth == 0 => break,
            ',' if depth == 0 => names.extend(first_name(&std::mem::take(&mut item))),
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => item.push(character),
        }
    }
    names.extend(first_name(&item));
    names
}

fn first_name(text: &str) -> Option<String> {
    let name: String = text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

#[test]
fn modules_use_only_those_below_them() {
    let layers = layers();
    let mut wrong = Vec::new();
    for path in files(&source()) {
        let relative = path.strip_prefix(source()).unwrap();
        if is_of_tests(relative) {
            continue;
        }
        let module = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        if ["lib", "main"].contains(&module.as_str()) {
            continue;
        }
        let height = *layers.get(&module).unwrap_or_else(|| panic!("{module} is not in the table of lib.rs"));
        let code = production_code(&fs::read_to_string(&path).unwrap());
        for other in used(&code).into_iter().filter(|other| *other != module) {
            let below = layers.get(&other).unwrap_or_else(|| panic!("{other} is not in the table of lib.rs"));
            if *below >= height {
                wrong.push(format!("{}: {module} uses {other}", relative.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "against the order of lib.rs:\n{}", wrong.join("\n"));
}

#[test]
fn every_file_is_a_module() {
    let mut lost = Vec::new();
    for path in all_sources().iter().flat_map(|source| files(source)) {
        let module = if path.ends_with("mod.rs") { path.parent().unwrap() } else { &path };
        let declared = format!("mod {};", module.file_stem().unwrap().to_str().unwrap());
        let mut parents = parents(&path).into_iter().filter_map(|parent| fs::read_to_string(parent).ok());
        let is_root = path.ends_with("src/lib.rs") || path.ends_with("src/main.rs");
        if !is_root && !parents.any(|text| text.contains(&declared)) {
            lost.push(path);
        }
    }
    assert!(lost.is_empty(), "no module, so never compiled, nor its tests run: {lost:?}");
}

#[test]
fn every_form_of_use_is_seen() {
    let code = production_code(
        "use crate::{\n    api::{self, Kind},\n    web,\n};\nfn f() { crate::poll::now(); } // crate::hidden\n\
         // crate::hidden\n#[cfg(test)]\nmod tests {\n    use crate::hidden;\n}\n#[cfg(test)]\nmod tests;\nuse crate::model;\n",
    );
    assert_eq!(used(&code)[..4], ["api", "web", "poll", "hidden"], "a comment at a line's end counts");
    assert_eq!(used(&code)[4..], ["model"]);
}
