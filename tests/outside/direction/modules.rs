//! The modules of a crate, as its files declare them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use syn::{Attribute, Item, ItemUse, UseTree, Visibility};

use super::references::{Reference, references};

/// A module's names, from the crate's root.
pub(super) type ModulePath = Vec<String>;

/// What a name in a module stands for: a child module, an item, or both.
#[derive(Debug, Default)]
pub(super) struct Name {
    pub(super) is_module: bool,
    pub(super) item: Option<Definition>,
}

/// Where an item is defined.
#[derive(Debug)]
pub(super) enum Definition {
    /// In the same module.
    Here,
    /// At another path, by `use`, as written in this module.
    Import(Vec<String>),
}

/// One module of production code.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// The file that contains it.
    pub(super) file: PathBuf,
    pub(super) names: BTreeMap<String, Name>,
    /// The targets of `use path::*`.
    pub(super) globs: Vec<Vec<String>>,
    /// Paths in its code.
    pub(super) references: Vec<Reference>,
    /// Paths that it imports for its own use.
    pub(super) imports: Vec<Vec<String>>,
    /// Paths that it re-exports.
    pub(super) exports: Vec<Vec<String>>,
}

/// The modules of a crate. Code that is compiled only for tests is left out.
#[derive(Debug, Default)]
pub(super) struct Modules(pub(super) BTreeMap<ModulePath, Module>);

impl Modules {
    /// Reads the crate whose root is `file`.
    pub(super) fn read(file: &Path) -> Self {
        let mut modules = Self::default();
        let text = fs::read_to_string(file).unwrap();
        modules.add_file(Vec::new(), file, file.parent().unwrap(), &text);
        modules
    }

    /// Adds the module of a file, whose child modules are in `directory`.
    pub(super) fn add_file(&mut self, path: ModulePath, file: &Path, directory: &Path, text: &str) {
        let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.add(path, file, directory, parsed.items);
    }

    fn add(&mut self, path: ModulePath, file: &Path, directory: &Path, items: Vec<Item>) {
        let mut module = Module { file: file.to_owned(), ..Module::default() };
        for item in items.into_iter().filter(|item| !is_for_tests(attributes(item))) {
            if let Item::Mod(item) = item {
                let name = item.ident.to_string();
                module.names.entry(name.clone()).or_default().is_module = true;
                let child = [path.as_slice(), std::slice::from_ref(&name)].concat();
                match item.content {
                    Some((_, items)) => self.add(child, file, &directory.join(&name), items),
                    None => self.add_declared(child, directory, &name),
                }
            } else {
                module.add_item(&item);
            }
        }
        self.0.insert(path, module);
    }

    fn add_declared(&mut self, path: ModulePath, directory: &Path, name: &str) {
        let below = directory.join(name);
        for file in [below.with_extension("rs"), below.join("mod.rs")] {
            if let Ok(text) = fs::read_to_string(&file) {
                return self.add_file(path, &file, &below, &text);
            }
        }
        panic!("no file of module {path:?}");
    }
}

impl Module {
    fn add_item(&mut self, item: &Item) {
        if let Item::Use(item) = item {
            return self.add_use(item);
        }
        if let Some(name) = name(item) {
            self.names.entry(name).or_default().item = Some(Definition::Here);
        }
        let (references, uses) = references(item);
        self.references.extend(references);
        for inner in &uses {
            self.add_use(inner);
        }
    }

    fn add_use(&mut self, item: &ItemUse) {
        let is_export = !matches!(item.vis, Visibility::Inherited);
        self.add_use_tree(&item.tree, &mut Vec::new(), is_export);
    }

    fn add_use_tree(&mut self, tree: &UseTree, prefix: &mut Vec<String>, is_export: bool) {
        match tree {
            UseTree::Path(tree) => {
                prefix.push(tree.ident.to_string());
                self.add_use_tree(&tree.tree, prefix, is_export);
                prefix.pop();
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_use_tree(tree, prefix, is_export);
                }
            }
            UseTree::Glob(_) => self.globs.push(prefix.clone()),
            UseTree::Name(tree) => self.add_import(prefix, &tree.ident, &tree.ident, is_export),
            UseTree::Rename(tree) => self.add_import(prefix, &tree.ident, &tree.rename, is_export),
        }
    }

    fn add_import(&mut self, prefix: &[String], name: &syn::Ident, local: &syn::Ident, is_export: bool) {
        let mut path = prefix.to_vec();
        // `use path::{self}` imports the path itself.
        let (name, local) = (name.to_string(), local.to_string());
        let local = if local == "self" { prefix.last().cloned().unwrap_or_default() } else { local };
        if name != "self" || path.is_empty() {
            path.push(name);
        }
        if local != "_" {
            self.names.entry(local).or_default().item = Some(Definition::Import(path.clone()));
        }
        let paths = if is_export { &mut self.exports } else { &mut self.imports };
        paths.push(path);
    }
}

/// Whether an item is compiled for tests alone.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn name(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}
