//! Filters of workspaces and namespaces by name and tags.

use std::fmt;

use wildmatch::WildMatch;

use crate::collectors::namespaces::SelectNamespaces;

/// A pattern in which `*` matches any characters and `?` one. Case-sensitive.
#[derive(Debug, Clone, PartialEq)]
pub struct Glob(WildMatch);

impl Glob {
    /// Parses a pattern.
    pub fn new(text: &str) -> Self {
        Self(WildMatch::new(text))
    }

    /// Whether the whole of `name` matches.
    pub fn matches(&self, name: &str) -> bool {
        self.0.matches(name)
    }

    /// Whether the pattern contains characters that ids, which are hexadecimal, do not have. It then matches names.
    fn may_be_of_name(&self) -> bool {
        !self.to_string().chars().all(|c| c.is_ascii_hexdigit() || matches!(c, '*' | '?'))
    }
}

/// Writes the pattern, with consecutive `*` as one.
impl fmt::Display for Glob {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A filter by name.
#[derive(Debug, Clone, PartialEq)]
pub struct NameFilter {
    /// One of these must match.
    pub include: Vec<Glob>,
    /// None of these may match.
    pub exclude: Vec<Glob>,
}

impl NameFilter {
    /// Whether an object with these names is selected. Empty names are ignored.
    pub fn selects(&self, names: &[&str]) -> bool {
        let any = |globs: &[Glob]| {
            let mut names = names.iter().filter(|name| !name.is_empty());
            names.any(|name| globs.iter().any(|glob| glob.matches(name)))
        };
        any(&self.include) && !any(&self.exclude)
    }
}

impl SelectNamespaces for NameFilter {
    fn selects(&self, name: &str) -> bool {
        Self::selects(self, &[name])
    }
}

/// The default selects everything.
impl Default for NameFilter {
    fn default() -> Self {
        Self { include: vec![Glob::new("*")], exclude: Vec::new() }
    }
}

/// A filter of the workspaces in a region.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WorkspaceFilter {
    /// Patterns of ids and names.
    pub names: NameFilter,
    /// Tags that a workspace must have.
    pub tags: Vec<(String, String)>,
}

impl WorkspaceFilter {
    /// Whether a workspace is selected.
    pub fn selects(&self, id: &str, name: &str, tags: &[(String, String)]) -> bool {
        self.names.selects(&[id, name]) && self.tags.iter().all(|tag| tags.contains(tag))
    }

    /// The data that the filter needs in addition to ids.
    pub fn needs(&self) -> Option<Needs> {
        if !self.tags.is_empty() {
            return Some(Needs::Tags);
        }
        let mut globs = self.names.include.iter().chain(&self.names.exclude);
        globs.find(|glob| glob.may_be_of_name()).map(|glob| Needs::Names { pattern: glob.to_string() })
    }
}

/// Data that a filter needs in addition to ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Needs {
    /// Tags.
    Tags,
    /// Names.
    Names {
        /// The first pattern that matches names.
        pattern: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(include: &[&str], exclude: &[&str]) -> NameFilter {
        let globs = |texts: &[&str]| texts.iter().map(|text| Glob::new(text)).collect();
        NameFilter { include: globs(include), exclude: globs(exclude) }
    }

    #[test]
    fn a_glob_matches_the_whole_name_and_its_case() {
        for (glob, name) in
            [("*", "a"), ("team-*", "team-"), ("team-?", "team-a"), ("*-prod", "x-prod"), ("a*c*e", "abcde")]
        {
            assert!(Glob::new(glob).matches(name), "{glob} {name}");
        }
        for (glob, name) in [
            ("team-?", "team-"),
            ("team-?", "team-ab"),
            ("Team", "team"),
            ("team", "team-a"),
            ("[ab]", "a"),
            ("a.c", "abc"),
            ("{a,b}", "a"),
        ] {
            assert!(!Glob::new(glob).matches(name), "{glob} {name}");
        }
    }

    #[test]
    fn exclusion_wins_over_inclusion() {
        let filter = names(&["a*", "b"], &["*-sandbox"]);
        assert!(filter.selects(&["a1"]) && filter.selects(&["b"]));
        assert!(!filter.selects(&["a-sandbox"]) && !filter.selects(&["c"]));
        assert!(NameFilter::default().selects(&["anything"]));
    }

    #[test]
    fn a_workspace_is_selected_by_id_or_name_and_excluded_by_either() {
        let filter =
            WorkspaceFilter { names: names(&["a1*", "orders"], &["*old", "a1bad"]), tags: Vec::new() };
        assert!(filter.selects("a1b2", "x", &[]) && filter.selects("ff", "orders", &[]));
        assert!(!filter.selects("a1b2", "very-old", &[]) && !filter.selects("a1bad", "orders", &[]));
        assert!(!filter.selects("ff", "", &[]));
        assert!(!names(&["*"], &[]).selects(&["", ""]), "an empty name matches nothing");
    }

    #[test]
    fn all_tags_must_match() {
        let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let filter = WorkspaceFilter {
            tags: vec![tag("env", "prod"), tag("team", "a")],
            ..WorkspaceFilter::default()
        };
        assert!(filter.selects("1", "", &[tag("team", "a"), tag("env", "prod"), tag("x", "y")]));
        assert!(!filter.selects("1", "", &[tag("env", "prod")]));
        assert!(!filter.selects("1", "", &[tag("env", "prod"), tag("team", "b")]));
    }

    #[test]
    fn a_filter_on_ids_alone_needs_neither_names_nor_tags() {
        let needs = |include: &[&str], exclude: &[&str]| {
            WorkspaceFilter { names: names(include, exclude), tags: Vec::new() }.needs()
        };
        assert_eq!(needs(&["*"], &[]), None);
        assert_eq!(needs(&["a14bd5d90a0123", "b2?", "0*"], &["*ff"]), None);
        assert_eq!(needs(&["*"], &["*-old"]), Some(Needs::Names { pattern: "*-old".into() }));
        assert_eq!(needs(&["orders"], &[]), Some(Needs::Names { pattern: "orders".into() }));
        let tags = vec![("a".to_owned(), "b".to_owned())];
        assert_eq!(WorkspaceFilter { tags, ..WorkspaceFilter::default() }.needs(), Some(Needs::Tags));
    }
}
