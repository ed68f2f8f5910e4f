//! The paths in an item's code, also in macros and attributes.

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Attribute, ImplItemFn, Item, ItemUse, Macro, Meta, Path,
    visit::{self, Visit},
};

/// A path in code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference(pub(super) Vec<String>);

/// The paths in `item`, and the `use` declarations inside its functions.
pub(super) fn references(item: &Item) -> (Vec<Reference>, Vec<ItemUse>) {
    let mut visitor = Visitor::default();
    visitor.visit_item(item);
    (visitor.references, visitor.uses)
}

#[derive(Default)]
struct Visitor {
    references: Vec<Reference>,
    uses: Vec<ItemUse>,
}

impl Visitor {
    fn add_path(&mut self, path: &Path) {
        self.add(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
    }

    fn add(&mut self, path: Vec<String>) {
        self.references.push(Reference(path));
    }

    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        let mut path = Vec::new();
        let mut follows_dot = false;
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Ident(ident) if !follows_dot => {
                    path.push(ident.to_string());
                    if is_separator(tokens.peek()) {
                        tokens.next();
                        tokens.next();
                    } else {
                        let path = std::mem::take(&mut path);
                        if path.len() > 1 || is_item(&path, tokens.peek()) {
                            self.add(path);
                        }
                    }
                }
                TokenTree::Group(group) => self.add_tokens(group.stream()),
                // The path of `with = "path"` in an attribute.
                TokenTree::Literal(literal) => self.add_quoted(&literal.to_string()),
                _ => {}
            }
            follows_dot = false;
            if let Some(TokenTree::Punct(punct)) = tokens.peek() {
                follows_dot = punct.as_char() == '.';
                if follows_dot {
                    tokens.next();
                }
            }
        }
    }

    fn add_quoted(&mut self, literal: &str) {
        if let Ok(path) = syn::parse_str::<syn::LitStr>(literal).and_then(|text| text.parse::<Path>()) {
            self.add_path(&path);
        }
    }
}

fn is_separator(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == ':' && punct.spacing() == proc_macro2::Spacing::Joint)
}

/// Whether a single name among a macro's tokens is one of an item, rather than of a variable or a field.
fn is_item(path: &[String], next: Option<&TokenTree>) -> bool {
    let is_called = match next {
        Some(TokenTree::Group(_)) => true,
        Some(TokenTree::Punct(punct)) => punct.as_char() == '!',
        _ => false,
    };
    is_called || path[0].starts_with(char::is_uppercase)
}

impl<'ast> Visit<'ast> for Visitor {
    fn visit_path(&mut self, path: &'ast Path) {
        self.add_path(path);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast Macro) {
        self.add_path(&item.path);
        self.add_tokens(item.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.add_tokens(list.tokens.clone());
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.uses.push(item.clone());
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        let is_for_tests = item.attrs.iter().any(|attribute| {
            attribute.path().is_ident("cfg")
                && attribute.parse_args::<Path>().is_ok_and(|path| path.is_ident("test"))
        });
        if !is_for_tests {
            visit::visit_impl_item_fn(self, item);
        }
    }
}
