//! One merged setting: its value, its path and its source, and the errors that are noted about it.

use std::cell::RefCell;
use std::fmt;

use figment::value::{Num, Value};
use figment::{Figment, Metadata, Profile};

use crate::error::{Diagnostic, excerpt, plain_start};
use crate::layer::{Kind, Layer};
use crate::located_values::Document;

/// The merged settings and the errors noted so far.
pub struct Settings {
    figment: Figment,
    root: Value,
    document: Option<Document>,
    secrets: &'static str,
    diagnostics: RefCell<Vec<Diagnostic>>,
}

impl Settings {
    /// Merges a file, then the layers: tables key by key, lists and plain values as a whole. Values below the key
    /// `secrets`, at any level, are not shown, except those of `type`.
    pub fn merge(
        document: Option<Document>,
        layers: impl IntoIterator<Item = Layer>,
        secrets: &'static str,
        diagnostics: Vec<Diagnostic>,
    ) -> Self {
        let file = document.as_ref().and_then(|document| document.root.to_value().into_dict());
        // The document itself knows the places of its settings.
        let file = file.map(|settings| Layer::of(Kind::File, settings, |_: &[&str]| String::new()));
        let figment = file.into_iter().chain(layers).fold(Figment::new(), Figment::merge);
        // The layers can't fail: each was read before it was merged.
        let root = figment.find_value("").unwrap_or_else(|_| figment::value::Dict::new().into());
        Self { figment, root, document, secrets, diagnostics: RefCell::new(diagnostics) }
    }

    /// The setting at the top: a table.
    pub fn root(&self) -> Node<'_> {
        Node { settings: self, path: Path::default(), value: Some(&self.root), metadata: None }
    }

    /// Notes an error that is about no single setting.
    pub fn note(&self, diagnostic: Diagnostic) {
        self.diagnostics.borrow_mut().push(diagnostic);
    }

    /// Notes an error about a key that is in no source; the place is the file, if there is one.
    pub fn note_absent(&self, key: &str, message: impl Into<String>) {
        let diagnostic = Diagnostic::new(message).about(key);
        self.note(match &self.document {
            Some(document) => diagnostic.at(document.name.as_str()),
            None => diagnostic,
        });
    }

    /// The errors that were noted.
    pub fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.diagnostics.into_inner()
    }
}

#[derive(Clone, PartialEq)]
enum Step {
    Key(String),
    Index(usize),
}

/// The way to a setting: `workspaces[1].namespaces[0].select`.
#[derive(Clone, Default)]
struct Path(Vec<Step>);

impl Path {
    fn join(&self, step: Step) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }

    /// Whether the value may be secret, or be one pasted into the wrong place.
    fn is_secret(&self, secrets: &str) -> bool {
        let at = |name: &str| Step::Key(name.to_owned());
        self.0.contains(&at(secrets)) && self.0.last() != Some(&at("type"))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for step in &self.0 {
            match step {
                Step::Index(index) => write!(formatter, "[{index}]")?,
                Step::Key(key) => {
                    let shown = plain_start(key);
                    let cut = if shown == key && !key.is_empty() { "" } else { "…" };
                    write!(formatter, "{separator}{shown}{cut}")?;
                }
            }
            separator = ".";
        }
        Ok(())
    }
}

/// A setting, which may be absent.
#[must_use]
#[derive(Clone)]
pub struct Node<'a> {
    settings: &'a Settings,
    path: Path,
    value: Option<&'a Value>,
    /// The source of the value, or of what would contain it.
    metadata: Option<&'a Metadata>,
}

impl<'a> Node<'a> {
    /// The setting below a key. A key without a value counts as absent.
    pub fn get(&self, key: &str) -> Self {
        let entries = self.value.and_then(Value::as_dict);
        self.below(Step::Key(key.to_owned()), entries.and_then(|entries| entries.get(key)))
    }

    /// An item of a list.
    pub fn item(&self, index: usize) -> Self {
        let items = self.value.and_then(Value::as_array).unwrap_or_default();
        self.below(Step::Index(index), items.get(index))
    }

    /// The items of a list.
    pub fn items(&self) -> impl Iterator<Item = Self> {
        let count = self.value.and_then(Value::as_array).map_or(0, <[Value]>::len);
        (0..count).map(|index| self.item(index))
    }

    /// The keys of a table that have a value.
    pub fn keys(&self) -> impl Iterator<Item = &'a str> {
        let entries = self.value.and_then(Value::as_dict).into_iter().flatten();
        entries.filter(|(_, value)| !matches!(value, Value::Empty(..))).map(|(key, _)| key.as_str())
    }

    /// Whether the value is a table.
    pub fn is_table(&self) -> bool {
        matches!(self.value, Some(Value::Dict(..)))
    }

    /// The value, if it is a text.
    pub fn text(&self) -> Option<&'a str> {
        self.value.and_then(Value::as_str)
    }

    fn below(&self, step: Step, value: Option<&'a Value>) -> Self {
        let value = value.filter(|value| !matches!(value, Value::Empty(..)));
        let metadata = value.and_then(|value| self.settings.figment.get_metadata(value.tag()));
        let metadata = metadata.or(self.metadata);
        Self { settings: self.settings, path: self.path.join(step), value, metadata }
    }

    /// The value.
    pub fn value(&self) -> Option<&'a Value> {
        self.value
    }

    /// Whether there is a value.
    pub fn is_set(&self) -> bool {
        self.value.is_some()
    }

    /// The path, as it is written in messages.
    pub fn path(&self) -> String {
        self.path.to_string()
    }

    /// The kind of source, as far as there is one.
    pub fn kind(&self) -> Option<Kind> {
        self.metadata.and_then(Kind::of)
    }

    /// The text from a source that knows no other type.
    pub(crate) fn untyped(&self) -> Option<&'a str> {
        self.value.filter(|_| self.kind() != Some(Kind::File)).and_then(Value::as_str).map(str::trim)
    }

    /// A number in a file whose form is not kept, as it is written.
    pub(crate) fn unstable_number(&self) -> Option<&'a str> {
        let document = self.settings.document.as_ref().filter(|_| self.kind() == Some(Kind::File))?;
        let keys = self.steps();
        document.unstable_number(&keys.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn steps(&self) -> Vec<String> {
        let key = |step: &Step| match step {
            Step::Key(key) => key.clone(),
            Step::Index(index) => index.to_string(),
        };
        self.path.0.iter().map(key).collect()
    }

    /// Whether an error is about this setting or one below it.
    pub fn is_noted(&self) -> bool {
        let path = self.path();
        let below = |diagnostic: &Diagnostic| {
            let rest = diagnostic.key().and_then(|noted| noted.strip_prefix(path.as_str()));
            rest.is_some_and(|rest| rest.is_empty() || path.is_empty() || rest.starts_with(['.', '[']))
        };
        self.settings.diagnostics.borrow().iter().any(below)
    }

    /// Notes an error.
    pub fn reject(&self, message: impl Into<String>) {
        let diagnostic = Diagnostic::new(message).about(self.path());
        let keys = self.steps();
        let keys: Vec<_> = keys.iter().map(String::as_str).collect();
        let diagnostic = match (self.metadata, self.kind(), &self.settings.document) {
            (_, Some(Kind::File), Some(document)) => {
                let (place, line) = document.place(&keys);
                diagnostic.at(place).on_line(line)
            }
            (Some(metadata), ..) => diagnostic.at(metadata.interpolate(&Profile::Default, &keys)),
            _ => diagnostic,
        };
        self.settings.note(diagnostic);
    }

    /// Notes that something else was expected.
    pub fn expected(&self, what: &str) {
        self.reject(format!("found {}, expected {what}", self.found()));
    }

    /// Passes a setting on that must be there; `what` says what it holds.
    pub fn require<T>(&self, setting: Option<T>, what: &str) -> Option<T> {
        if setting.is_none() && !self.is_set() {
            self.reject(format!("missing: expected {what}"));
        }
        setting
    }

    /// What the value is, for a message. A secret is not shown.
    pub fn found(&self) -> String {
        let secret = self.is_secret();
        match self.value {
            None | Some(Value::Empty(..)) => "nothing".to_owned(),
            Some(Value::String(_, text)) if text.is_empty() => "an empty text".to_owned(),
            Some(Value::String(..) | Value::Char(..)) if secret => "a text".to_owned(),
            Some(Value::String(_, text)) => excerpt(text),
            Some(Value::Char(_, character)) => excerpt(&character.to_string()),
            Some(Value::Num(..)) if secret => "a number".to_owned(),
            Some(Value::Num(_, number)) => format!("the number {}", show_number(*number)),
            Some(Value::Bool(..)) if secret => "a boolean".to_owned(),
            Some(Value::Bool(_, value)) => format!("the boolean {value}"),
            Some(Value::Dict(..)) => "a table".to_owned(),
            Some(Value::Array(..)) => "a list".to_owned(),
        }
    }

    /// Whether the value must not be shown.
    pub(crate) fn is_secret(&self) -> bool {
        self.path.is_secret(self.settings.secrets)
    }
}

/// The number in decimal digits.
pub(crate) fn show_number(number: Num) -> String {
    let whole = number.to_u128_lossy().map(|whole| whole.to_string());
    whole
        .or_else(|| number.to_i128().map(|whole| whole.to_string()))
        .unwrap_or_else(|| number.to_f64().unwrap_or(f64::NAN).to_string())
}
