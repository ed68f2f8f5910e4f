//! A strict parser of the text format, and assertions on metrics.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
};

/// The metrics of one scrape.
#[derive(Debug, Default)]
pub(crate) struct Exposition {
    pub(crate) families: Vec<Family>,
}

/// One metric family.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) series: Vec<Series>,
}

/// One series with its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

impl fmt::Display for Series {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{:?} {}", self.name, self.labels, self.value)
    }
}

impl Exposition {
    /// Parses an exposition. Rejects what a scraper may reject or misinterpret.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if !text.ends_with('\n') {
            return Err("no newline at the end".to_owned());
        }
        let mut reader = Reader::default();
        for (index, line) in text.lines().enumerate() {
            reader.line(line).map_err(|mistake| format!("line {}: {mistake}: {line}", index + 1))?;
        }
        reader.close_family()?;
        Ok(Self { families: reader.families })
    }

    /// Every series.
    pub(crate) fn series(&self) -> impl Iterator<Item = &Series> {
        self.families.iter().flat_map(|family| &family.series)
    }

    /// The series with this name.
    pub(crate) fn find(&self, name: &str) -> Query<'_> {
        Query { exposition: self, name: name.to_owned(), labels: Vec::new() }
    }
}

#[derive(Default)]
struct Reader {
    families: Vec<Family>,
    help: Option<String>,
    seen: HashSet<String>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), String> {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, text) = help.split_once(' ').ok_or("a help without text")?;
            if text.is_empty() || self.help.is_some() {
                return Err("a HELP without text, or two of them".to_owned());
            }
            self.close_family()?;
            self.help = Some(name.to_owned());
            Ok(())
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').ok_or("a type without a name")?;
            self.open_family(name, kind)
        } else {
            let series = read_series(line)?;
            self.add(series)
        }
    }

    fn open_family(&mut self, name: &str, kind: &str) -> Result<(), String> {
        if self.help.take().as_deref() != Some(name) {
            return Err("a type that doesn't follow its help".to_owned());
        }
        if !["counter", "gauge", "histogram"].contains(&kind) {
            return Err("an unexpected type".to_owned());
        }
        if (kind == "counter") != name.ends_with("_total") {
            return Err("counters, and no others, end in _total".to_owned());
        }
        if self.families.iter().any(|family| family.name == name) {
            return Err("the family is there twice, or in two parts".to_owned());
        }
        self.families.push(Family { name: name.to_owned(), kind: kind.to_owned(), series: Vec::new() });
        Ok(())
    }

    fn close_family(&self) -> Result<(), String> {
        match self.families.last() {
            Some(family) if family.series.is_empty() => Err(format!("{} has no series", family.name)),
            _ => Ok(()),
        }
    }

    fn add(&mut self, series: Series) -> Result<(), String> {
        let family = self.families.last_mut().ok_or("a series before any type")?;
        let suffix = series.name.strip_prefix(&family.name).ok_or("a series of another family")?;
        let fits = match family.kind.as_str() {
            "histogram" => ["_bucket", "_sum", "_count"].contains(&suffix),
            _ => suffix.is_empty(),
        };
        if !fits || self.help.is_some() {
            return Err("a series of another family".to_owned());
        }
        if !self.seen.insert(format!("{} {:?}", series.name, series.labels)) {
            return Err("a series that is there twice".to_owned());
        }
        family.series.push(series);
        Ok(())
    }
}

fn read_series(line: &str) -> Result<Series, String> {
    let end = line.find(|c: char| !is_name(c)).ok_or("a name without a value")?;
    let (name, rest) = line.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err("no name".to_owned());
    }
    let mut labels = BTreeMap::new();
    let rest = match rest.strip_prefix('{') {
        Some(inner) => read_labels(inner, &mut labels)?,
        None => rest,
    };
    let value = rest.strip_prefix(' ').ok_or("no blank before the value")?;
    if value.contains(' ') {
        return Err("a timestamp".to_owned());
    }
    let value = value.parse().map_err(|_| "no number")?;
    Ok(Series { name: name.to_owned(), labels, value })
}

fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// Parses labels up to the closing brace. Returns the text after it.
fn read_labels<'a>(mut rest: &'a str, labels: &mut BTreeMap<String, String>) -> Result<&'a str, String> {
    loop {
        let (name, after) = rest.split_once("=\"").ok_or("a label without a value")?;
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(is_name) {
            return Err(format!("{name:?} is no label's name"));
        }
        let (value, after) = read_value(after)?;
        if labels.insert(name.to_owned(), value).is_some() {
            return Err(format!("the label {name} is there twice"));
        }
        if let Some(after) = after.strip_prefix('}') {
            return Ok(after);
        }
        rest = after.strip_prefix(',').ok_or("neither a comma nor a brace after a label")?;
    }
}

/// Parses a label value up to the closing quote. Returns the text after it.
fn read_value(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => value.push(match characters.next().map(|(_, escaped)| escaped) {
                Some('n') => '\n',
                Some(plain @ ('\\' | '"')) => plain,
                other => return Err(format!("{other:?} can't be escaped")),
            }),
            _ => value.push(character),
        }
    }
    Err("a value without an end".to_owned())
}

/// A query for series.
pub(crate) struct Query<'e> {
    exposition: &'e Exposition,
    name: String,
    labels: Vec<(String, String)>,
}

impl<'e> Query<'e> {
    /// Only series with this label.
    pub(crate) fn label(mut self, name: &str, value: &str) -> Self {
        self.labels.push((name.to_owned(), value.to_owned()));
        self
    }

    /// All matching series.
    pub(crate) fn all(&self) -> Vec<&'e Series> {
        self.exposition.series().filter(|series| self.misses(series) == Some(0)).collect()
    }

    /// The sum of the values of all matching series.
    pub(crate) fn sum(&self) -> f64 {
        self.all().iter().map(|series| series.value).sum()
    }

    /// Whether any series matches.
    pub(crate) fn exists(&self) -> bool {
        !self.all().is_empty()
    }

    /// Asserts that no series matches.
    pub(crate) fn absent(&self) {
        let found: Vec<_> = self.all().iter().map(ToString::to_string).collect();
        assert!(found.is_empty(), "expected no series, found\n{}", found.join("\n"));
    }

    /// The only matching series.
    pub(crate) fn one(&self) -> &'e Series {
        match self.all()[..] {
            [series] => series,
            [] => panic!("there is no {self}; the nearest:\n{}", self.nearest()),
            ref several => panic!("there are {} of {self}", several.len()),
        }
    }

    /// Asserts the value of the only matching series.
    #[track_caller]
    pub(crate) fn value(&self, expected: f64) {
        let series = self.one();
        assert!((series.value - expected).abs() < 1e-9, "expected {expected}: {series}");
    }

    /// Asserts all labels of the only matching series.
    pub(crate) fn labels(&self, expected: &[(&str, &str)]) {
        let expected = expected.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(self.one().labels, expected.collect());
    }

    /// Asserts some labels of the only matching series.
    pub(crate) fn labels_contain(&self, expected: &[(&str, &str)]) {
        let labels = &self.one().labels;
        for (name, value) in expected {
            assert_eq!(labels.get(*name).map(String::as_str), Some(*value), "{name} of {labels:?}");
        }
    }

    /// The number of labels that a series with the name does not match.
    fn misses(&self, series: &Series) -> Option<usize> {
        let lacks = |(name, value): &&(String, String)| series.labels.get(name) != Some(value);
        (series.name == self.name).then(|| self.labels.iter().filter(lacks).count())
    }

    fn nearest(&self) -> String {
        let mut candidates: Vec<_> =
            self.exposition.series().filter_map(|series| Some((self.misses(series)?, series))).collect();
        candidates.sort_by_key(|(misses, _)| *misses);
        if !candidates.is_empty() {
            return lines(candidates.into_iter().map(|(_, series)| series.to_string()));
        }
        let mut names: Vec<_> = self.exposition.families.iter().map(|family| &family.name).collect();
        names.sort_by(|left, right| {
            strsim::jaro(&self.name, right).total_cmp(&strsim::jaro(&self.name, left))
        });
        lines(names.into_iter().cloned())
    }
}

fn lines(items: impl Iterator<Item = String>) -> String {
    items.take(10).collect::<Vec<_>>().join("\n")
}

impl fmt::Display for Query<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels: Vec<_> = self.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        write!(formatter, "{}{{{}}}", self.name, labels.join(","))
    }
}
