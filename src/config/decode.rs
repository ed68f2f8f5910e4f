//! Reads typed values out of what figment merged, and notes every mistake on the way instead of the first alone.

use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::ops::RangeInclusive;
use std::time::Duration;

use figment::value::{Dict, Num, Value};
use figment::{Figment, Metadata, Profile};

use super::error::{Mistake, excerpt};
use super::layer::Kind;
use super::units;

/// The longest duration taken: beyond it, sums with the time of day could overflow.
const LONGEST: Duration = Duration::from_secs(365 * 86_400);

/// The merged settings and the mistakes noted so far.
pub(super) struct Decoder {
    figment: Figment,
    settings: Dict,
    mistakes: RefCell<Vec<Mistake>>,
}

impl Decoder {
    pub(super) fn new(figment: Figment, mistakes: Vec<Mistake>) -> Self {
        // The layers can't fail: each was read before it was merged.
        let settings = figment.find_value("").ok().and_then(Value::into_dict).unwrap_or_default();
        Self { figment, settings, mistakes: RefCell::new(mistakes) }
    }

    /// The whole configuration, which may have these keys and no others.
    pub(super) fn root(&self, known: &[&str]) -> Table<'_> {
        let table = Table { decoder: self, path: Path::default(), metadata: None, entries: &self.settings };
        table.allow_only(known);
        table
    }

    pub(super) fn note(&self, mistake: Mistake) {
        self.mistakes.borrow_mut().push(mistake);
    }

    /// Whether a mistake is about `key` or something below it.
    pub(super) fn noted_below(&self, key: &str) -> bool {
        let below = |mistake: &Mistake| {
            let rest = mistake.key().and_then(|noted| noted.strip_prefix(key));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        self.mistakes.borrow().iter().any(below)
    }

    pub(super) fn into_mistakes(self) -> Vec<Mistake> {
        self.mistakes.into_inner()
    }

    fn note_at(&self, metadata: Option<&Metadata>, path: &Path, message: String) {
        let mistake = Mistake::new(message).about(path.to_string());
        self.note(match metadata {
            Some(metadata) => mistake.at(metadata.interpolate(&Profile::Default, &path.keys())),
            None => mistake,
        });
    }
}

#[derive(Clone, PartialEq)]
enum Step {
    Key(String),
    Index(usize),
}

/// Where a value stands: `workspaces[1].namespaces[0].select`.
#[derive(Clone, Default)]
pub(super) struct Path(Vec<Step>);

impl Path {
    fn join(&self, step: Step) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }

    fn keys(&self) -> Vec<String> {
        let key = |step: &Step| match step {
            Step::Key(key) => key.clone(),
            Step::Index(index) => index.to_string(),
        };
        self.0.iter().map(key).collect()
    }

    /// Whether the value may be secret, or be one pasted into the wrong place.
    fn is_secret(&self) -> bool {
        let at = |name: &str| Step::Key(name.to_owned());
        self.0.contains(&at("credentials")) && self.0.last() != Some(&at("type"))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for step in &self.0 {
            match step {
                Step::Index(index) => write!(formatter, "[{index}]")?,
                Step::Key(key) if is_plain(key) => write!(formatter, "{separator}{key}")?,
                // A key with a forgotten colon holds its value, which may be a secret.
                Step::Key(key) => write!(formatter, "{separator}{}…", plain_start(key))?,
            }
            separator = ".";
        }
        Ok(())
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty() && plain_start(key) == key
}

/// What of a key may be shown: up to the first character that no key has.
pub(super) fn plain_start(key: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    &key[..key.bytes().take(40).take_while(|byte| plain(*byte)).count()]
}

/// One value, with where it stands.
#[derive(Clone)]
pub(super) struct Node<'a> {
    decoder: &'a Decoder,
    path: Path,
    value: &'a Value,
}

impl<'a> Node<'a> {
    pub(super) fn path(&self) -> String {
        self.path.to_string()
    }

    /// The path of the table that the value is in.
    pub(super) fn parent(&self) -> String {
        Path(self.path.0.iter().take(self.path.0.len().saturating_sub(1)).cloned().collect()).to_string()
    }

    pub(super) fn is_table(&self) -> bool {
        matches!(self.value, Value::Dict(..))
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self.value, Value::Array(..))
    }

    pub(super) fn is_text(&self, text: &str) -> bool {
        self.value.as_str() == Some(text)
    }

    /// Notes a mistake; always `None`, which ends what needed the value.
    pub(super) fn reject<T>(&self, message: impl Into<String>) -> Option<T> {
        self.decoder.note_at(self.metadata(), &self.path, message.into());
        None
    }

    /// Notes that something else was expected.
    pub(super) fn expected<T>(&self, what: &str) -> Option<T> {
        self.reject(format!("found {}, expected {what}", self.found()))
    }

    /// The same for a number or a boolean, which a file may hold as text.
    fn expected_unquoted<T>(&self, what: &str) -> Option<T> {
        let is_quoted = match self.value.as_str() {
            Some("true" | "false") => self.untyped().is_none(),
            Some(_) => self.is_bare_number() && self.untyped().is_none(),
            None => false,
        };
        self.expected(&format!("{what}{}", if is_quoted { ": leave out the quotes" } else { "" }))
    }

    pub(super) fn table(&self, known: &[&str]) -> Option<Table<'a>> {
        let table = self.open_table()?;
        table.allow_only(known);
        Some(table)
    }

    /// A table whose known keys depend on one of its values.
    pub(super) fn open_table(&self) -> Option<Table<'a>> {
        let Value::Dict(_, entries) = self.value else { return self.expected("a table of keys and values") };
        Some(Table { decoder: self.decoder, path: self.path.clone(), metadata: self.metadata(), entries })
    }

    pub(super) fn list(&self, what: &str) -> Option<Vec<Self>> {
        let Value::Array(_, items) = self.value else { return self.expected(what) };
        let item = |(index, value)| Self { path: self.path.join(Step::Index(index)), value, ..self.clone() };
        Some(items.iter().enumerate().map(item).collect())
    }

    /// A text, or a whole number in a text's place: UIDs and names may look like numbers.
    pub(super) fn text(&self, what: &str) -> Option<String> {
        match self.value {
            Value::String(_, text) if text.is_empty() => self.expected(what),
            Value::String(_, text) => Some(text.clone()),
            Value::Num(_, number) if number.to_f64().is_none() => Some(show_number(*number)),
            Value::Num(..) | Value::Bool(..) => self.expected(&format!("{what}: put it in quotes")),
            _ => self.expected(what),
        }
    }

    /// A text that goes into a header: visible ASCII without blanks.
    pub(super) fn header_text(&self, what: &str) -> Option<String> {
        let text = self.text(what)?;
        if text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Some(text);
        }
        self.expected(&format!("{what}, of visible ASCII characters without blanks"))
    }

    /// A secret that goes into a header, never a number: a file's numbers don't keep the digits as written.
    pub(super) fn secret(&self, what: &str) -> Option<String> {
        match self.value {
            Value::Num(..) => self.expected(&format!("{what}: put it in quotes")),
            _ => self.header_text(what),
        }
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        self.boolean_or_expected("true or false")
    }

    /// A boolean where something else is possible too.
    pub(super) fn boolean_or(&self, other: &str) -> Option<bool> {
        self.boolean_or_expected(&format!("true, false or {other}"))
    }

    fn boolean_or_expected(&self, expected: &str) -> Option<bool> {
        match (self.value, self.untyped()) {
            (Value::Bool(_, value), _) => Some(*value),
            (_, Some("true")) => Some(true),
            (_, Some("false")) => Some(false),
            _ => self.expected_unquoted(expected),
        }
    }

    pub(super) fn whole_number(&self, range: RangeInclusive<u32>) -> Option<u32> {
        let number = match (self.value, self.untyped()) {
            (Value::Num(_, number), _) => number.to_u128_lossy(),
            (_, text) => text.and_then(|text| text.parse().ok()),
        };
        match number.and_then(|number| u32::try_from(number).ok()).filter(|number| range.contains(number)) {
            Some(number) => Some(number),
            None => {
                self.expected_unquoted(&format!("a whole number from {} to {}", range.start(), range.end()))
            }
        }
    }

    /// A number from `least`, up to `most`.
    pub(super) fn number_between(&self, least: f64, most: u32) -> Option<f64> {
        let number: Option<f64> = match (self.value, self.untyped()) {
            (Value::Num(_, number), _) => show_number(*number).parse().ok(),
            (_, text) => text.and_then(|text| text.parse().ok()),
        };
        match number.filter(|number| (least..=f64::from(most)).contains(number)) {
            Some(number) => Some(number),
            None => self.expected_unquoted(&format!("a number from {least} to {most}")),
        }
    }

    pub(super) fn duration(&self, least: Duration) -> Option<Duration> {
        let Some(duration) = self.value.as_str().and_then(units::parse_duration) else {
            let remedy = if self.is_bare_number() { ": add the unit" } else { "" };
            return self.expected(&format!("{}{remedy}", units::DURATION));
        };
        if (least..=LONGEST).contains(&duration) {
            return Some(duration);
        }
        self.expected(&format!("a duration from {} to 365d", units::format_duration(least)))
    }

    pub(super) fn size(&self, range: RangeInclusive<u64>) -> Option<usize> {
        let bytes = match self.value {
            Value::Num(_, number) => number.to_u128_lossy().and_then(|bytes| u64::try_from(bytes).ok()),
            value => value.as_str().and_then(units::parse_size),
        };
        let Some(bytes) = bytes else { return self.expected(units::SIZE) };
        match usize::try_from(bytes) {
            Ok(size) if range.contains(&bytes) => Some(size),
            _ => {
                let [least, most] = [range.start(), range.end()].map(|bytes| units::format_size(*bytes));
                self.expected(&format!("a size from {least} to {most}"))
            }
        }
    }

    pub(super) fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Option<T> {
        let chosen = choices.iter().find(|(name, _)| Some(*name) == self.value.as_str());
        if let Some((_, value)) = chosen {
            return Some(*value);
        }
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let hint = self.value.as_str().and_then(|found| suggestion(found, &names)).unwrap_or_default();
        self.expected(&format!("one of {}{hint}", names.join(", ")))
    }

    /// What stands here, for a message. A secret's value is never told.
    pub(super) fn found(&self) -> String {
        let secret = self.path.is_secret();
        match self.value {
            Value::String(_, text) if text.is_empty() => "an empty text".to_owned(),
            Value::String(..) | Value::Char(..) if secret => "a text".to_owned(),
            Value::String(_, text) => excerpt(text),
            Value::Char(_, character) => excerpt(&character.to_string()),
            Value::Num(..) if secret => "a number".to_owned(),
            Value::Num(_, number) => format!("the number {}", show_number(*number)),
            Value::Bool(..) if secret => "a boolean".to_owned(),
            Value::Bool(_, value) => format!("the boolean {value}"),
            Value::Empty(..) => "nothing".to_owned(),
            Value::Dict(..) => "a table".to_owned(),
            Value::Array(..) => "a list".to_owned(),
        }
    }

    fn metadata(&self) -> Option<&'a Metadata> {
        self.decoder.figment.get_metadata(self.value.tag())
    }

    /// The text from a source that knows no other type, to be read as the one expected.
    fn untyped(&self) -> Option<&'a str> {
        let typed = self.metadata().and_then(Kind::of) == Some(Kind::File);
        self.value.as_str().filter(|_| !typed).map(str::trim)
    }

    fn is_bare_number(&self) -> bool {
        match self.value {
            Value::Num(..) => true,
            value => value.as_str().is_some_and(|text| text.trim().parse::<f64>().is_ok()),
        }
    }
}

/// A table whose keys are read one by one. A key without a value counts as absent.
pub(super) struct Table<'a> {
    decoder: &'a Decoder,
    path: Path,
    metadata: Option<&'a Metadata>,
    entries: &'a Dict,
}

impl<'a> Table<'a> {
    pub(super) fn get(&self, key: &str) -> Option<Node<'a>> {
        let value = self.entries.get(key).filter(|value| !matches!(value, Value::Empty(..)))?;
        Some(Node { decoder: self.decoder, path: self.path.join(Step::Key(key.to_owned())), value })
    }

    /// A key that must be there; `what` says what it holds.
    pub(super) fn require(&self, key: &str, what: &str) -> Option<Node<'a>> {
        let node = self.get(key);
        if node.is_none() {
            self.missing(key, what);
        }
        node
    }

    /// The keys that have a value.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'a str> {
        let entries = self.entries.iter().filter(|(_, value)| !matches!(value, Value::Empty(..)));
        entries.map(|(key, _)| key.as_str())
    }

    /// The kind of source that the table is from, as far as it is from one.
    pub(super) fn kind(&self) -> Option<Kind> {
        self.metadata.and_then(Kind::of)
    }

    pub(super) fn missing(&self, key: &str, what: &str) {
        let path = self.path.join(Step::Key(key.to_owned()));
        self.decoder.note_at(self.metadata, &path, format!("missing: expected {what}"));
    }

    /// Notes every key that isn't known here. Its value isn't told: it may be a secret under a mistyped key.
    pub(super) fn allow_only(&self, known: &[&str]) {
        for (key, value) in self.entries.iter().filter(|(key, _)| !known.contains(&key.as_str())) {
            let metadata = self.decoder.figment.get_metadata(value.tag());
            let hint = self.misplaced(key, metadata, known).or_else(|| suggestion(key, known));
            let mut message = format!("unknown key{}", hint.unwrap_or_default());
            let _ = write!(message, "; known here: {}", known.join(", "));
            self.decoder.note_at(metadata, &self.path.join(Step::Key(key.clone())), message);
        }
    }

    /// `POLL_INTERVAL` for `POLL__INTERVAL`: one underscore too few between the levels of a variable's name.
    fn misplaced(&self, key: &str, metadata: Option<&Metadata>, known: &[&str]) -> Option<String> {
        if metadata.and_then(Kind::of) != Some(Kind::Environment) || !self.path.0.is_empty() {
            return None;
        }
        let (table, rest) = known.iter().find_map(|table| Some((table, key.strip_prefix(table)?)))?;
        let rest = rest.strip_prefix('_')?;
        let name = format!("{table}__{rest}").to_ascii_uppercase();
        Some(format!(" (levels are separated by two underscores: {name})"))
    }
}

fn suggestion(found: &str, known: &[&str]) -> Option<String> {
    const CLOSE: f64 = 0.75;
    let found = found.to_lowercase();
    let likeness = |name: &str| strsim::jaro_winkler(&found, &name.to_lowercase());
    let best = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(best) >= CLOSE).then(|| format!(" (did you mean {best}?)"))
}

fn show_number(number: Num) -> String {
    if let Some(whole) = number.to_u128_lossy() {
        return whole.to_string();
    }
    match number.to_i128() {
        Some(whole) => whole.to_string(),
        None => number.to_f64().unwrap_or(f64::NAN).to_string(),
    }
}
