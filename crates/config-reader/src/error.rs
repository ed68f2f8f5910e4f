//! Errors in a configuration, with their places.

use std::fmt;

/// Every error that was found; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    diagnostics: Vec<Diagnostic>,
}

impl ConfigError {
    /// Sorts by the lines of the file; what is not in the file comes first.
    pub fn new(mut diagnostics: Vec<Diagnostic>) -> Self {
        diagnostics.sort_by_key(|diagnostic| diagnostic.line);
        Self { diagnostics }
    }

    /// The errors: those of variables and flags, then those of the file by line.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }
}

impl From<Diagnostic> for ConfigError {
    fn from(diagnostic: Diagnostic) -> Self {
        Self { diagnostics: vec![diagnostic] }
    }
}

/// One line an error, preceded by their count when there are several.
impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.diagnostics.len() > 1 {
            writeln!(formatter, "{} mistakes in the configuration:", self.diagnostics.len())?;
        }
        let mut separator = "";
        for diagnostic in &self.diagnostics {
            write!(formatter, "{separator}{diagnostic}")?;
            separator = "\n";
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// One error: where it is, which key it is about, what is wrong and what is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    place: Option<String>,
    /// The line in the file, by which errors are sorted.
    line: Option<usize>,
    key: Option<String>,
    message: String,
}

impl Diagnostic {
    /// An error without a place.
    pub fn new(message: impl Into<String>) -> Self {
        Self { place: None, line: None, key: None, message: message.into() }
    }

    /// Adds the place: a file, a variable or a flag.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    pub(crate) fn on_line(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }

    /// Adds the key.
    #[must_use]
    pub fn about(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The file (with the line, if known), the environment variable or the flag that holds it.
    pub fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }

    /// The key as it is written, such as `workspaces[1].namespaces[0].select.status`.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A flag names the setting already; its path is not what the user wrote.
        let is_flag = self.place().is_some_and(|place| place.starts_with("--"));
        for part in [self.place(), self.key().filter(|_| !is_flag)].into_iter().flatten() {
            write!(formatter, "{part}: ")?;
        }
        formatter.write_str(&self.message)
    }
}

/// What of a key may be shown: up to the first character that no key has. With a forgotten colon, a key holds its value,
/// which may be a secret.
pub(crate) fn plain_start(key: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    &key[..key.bytes().take(40).take_while(|byte| plain(*byte)).count()]
}

const LONGEST_EXCERPT: usize = 80;

/// A text in quotes, on one line and cut when long, so that a message stays readable whatever was pasted.
pub(crate) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(LONGEST_EXCERPT) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_mistake_needs_no_count() {
        let mistake = Diagnostic::new("missing").at("config.yml:3").about("workspaces[0].id");
        assert_eq!(mistake.to_string(), "config.yml:3: workspaces[0].id: missing");
        assert_eq!(ConfigError::from(mistake.clone()).to_string(), mistake.to_string());
        assert_eq!(
            ConfigError::new(vec![mistake, Diagnostic::new("b")]).to_string(),
            "2 mistakes in the configuration:\nconfig.yml:3: workspaces[0].id: missing\nb"
        );
    }

    #[test]
    fn a_long_or_many_lined_text_is_shown_on_one_short_line() {
        assert_eq!(excerpt("a\nb\"c"), r#""a\nb\"c""#);
        assert_eq!(excerpt(&"杭".repeat(500)).chars().count(), LONGEST_EXCERPT + 3);
    }
}
