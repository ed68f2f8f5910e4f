//! Messages of job failures, which are shown on the pages and in the JSON API only.

use std::{fmt, sync::Arc};

use super::prefix;

/// Maximum length of a failure message in bytes.
pub const MAX_MESSAGE: usize = 1024;

/// The message of a failed job. It may contain secrets, so neither `Debug` nor `Display` prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct FailureMessage(Arc<str>);

impl FailureMessage {
    /// The first [`MAX_MESSAGE`] bytes of `text`, cut at a character boundary; none if it is empty.
    pub fn new(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(prefix(text, MAX_MESSAGE).into()))
    }

    /// The text. Use it only for pages and the JSON API.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for FailureMessage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("FailureMessage")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_truncated_at_a_character_boundary_and_never_printed() {
        let text = format!("{}é{}", "a".repeat(MAX_MESSAGE - 1), "b".repeat(100));
        let message = FailureMessage::new(&text).unwrap();
        assert_eq!(message.as_str(), "a".repeat(MAX_MESSAGE - 1));
        assert_eq!(format!("{message:?}"), "FailureMessage");
        assert_eq!(FailureMessage::new("é").unwrap().as_str(), "é");
        assert_eq!(FailureMessage::new(""), None);
    }
}
