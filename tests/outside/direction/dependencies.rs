//! Which file uses what other files define.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::modules::{Definition, ModulePath, Modules};

/// The longest chain of imports from a name to its definition.
const MAX_IMPORTS: usize = 16;

/// One file's use of another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Dependency {
    pub(super) from: PathBuf,
    pub(super) to: PathBuf,
}

/// The dependencies between a crate's files, and one path for each as an example.
///
/// A module does not depend on its children by declaring or re-exporting them.
pub(super) fn dependencies(modules: &Modules) -> BTreeMap<Dependency, String> {
    let mut found = BTreeMap::new();
    for (path, module) in &modules.0 {
        let exports = module.exports.iter().map(|export| (export, true));
        let imports = module.imports.iter().map(|import| (import, false));
        let references = module.references.iter().map(|reference| (&reference.0, false));
        for (used, is_export) in references.chain(imports).chain(exports) {
            let Some(target) = modules.resolve(path, used, 0) else { continue };
            if is_export && target.starts_with(path) {
                continue;
            }
            let to = &modules.0[&target].file;
            if *to != module.file {
                let dependency = Dependency { from: module.file.clone(), to: to.clone() };
                found.entry(dependency).or_insert_with(|| used.join("::"));
            }
        }
    }
    found
}

impl Modules {
    /// The module that defines what `path` means in `module`; none for other crates, local names, and modules.
    fn resolve(&self, module: &[String], path: &[String], depth: usize) -> Option<ModulePath> {
        assert!(depth < MAX_IMPORTS, "{module:?}: {path:?}");
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => self.resolve_in(&[], rest, depth),
            "self" => self.resolve_in(module, rest, depth),
            "super" => self.resolve_super(module, rest, depth),
            _ => self.resolve_in(module, path, depth),
        }
    }

    fn resolve_super(&self, module: &[String], rest: &[String], depth: usize) -> Option<ModulePath> {
        let (_, parent) = module.split_last()?;
        match rest.split_first() {
            Some((next, rest)) if next == "super" => self.resolve_super(parent, rest, depth),
            _ => self.resolve_in(parent, rest, depth),
        }
    }

    /// As [`Modules::resolve`], for a path that begins with a name in `module`.
    fn resolve_in(&self, module: &[String], path: &[String], depth: usize) -> Option<ModulePath> {
        let (name, rest) = path.split_first()?;
        let Some(named) = self.0.get(module)?.names.get(name) else {
            return self.resolve_by_globs(module, path, depth);
        };
        let child = || self.resolve_in(&[module, std::slice::from_ref(name)].concat(), rest, depth);
        // A module and an item may have the same name; only the module has items of its own.
        named.is_module.then(child).flatten().or_else(|| match &named.item {
            Some(Definition::Here) => Some(module.to_vec()),
            // Another crate of the same name.
            Some(Definition::Import(import)) if import.first() == Some(name) && !named.is_module => None,
            Some(Definition::Import(import)) => self.resolve(module, &[import, rest].concat(), depth + 1),
            None => None,
        })
    }

    fn resolve_by_globs(&self, module: &[String], path: &[String], depth: usize) -> Option<ModulePath> {
        let mut globs = self.0[module].globs.iter();
        globs.find_map(|glob| {
            // The glob's own first name is not searched in the glob.
            (glob.first() != path.first())
                .then(|| self.resolve(module, &[glob, path].concat(), depth + 1))
                .flatten()
        })
    }
}

/// The dependencies that lead, directly or through others, back to the file that has them.
pub(super) fn cycles(dependencies: &BTreeMap<Dependency, String>) -> BTreeMap<&Dependency, &str> {
    let mut uses: BTreeMap<&Path, Vec<&Path>> = BTreeMap::new();
    for dependency in dependencies.keys() {
        uses.entry(&dependency.from).or_default().push(&dependency.to);
    }
    let leads_back = |&(dependency, _): &(&Dependency, &String)| {
        reachable(&uses, &dependency.to).contains(dependency.from.as_path())
    };
    let cyclic = dependencies.iter().filter(leads_back);
    cyclic.map(|(dependency, path)| (dependency, path.as_str())).collect()
}

/// The files that `file` uses, directly or through others.
fn reachable<'f>(uses: &BTreeMap<&'f Path, Vec<&'f Path>>, file: &Path) -> BTreeSet<&'f Path> {
    let mut found = BTreeSet::new();
    let mut open = vec![file];
    while let Some(file) = open.pop() {
        for &used in uses.get(file).into_iter().flatten() {
            if found.insert(used) {
                open.push(used);
            }
        }
    }
    found
}
