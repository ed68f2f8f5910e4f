//! Text, numbers and times for HTML.

use std::{
    fmt::{self, Write as _},
    time::Duration,
};

/// Text made safe for HTML.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => formatter.write_str("&amp;")?,
                '<' => formatter.write_str("&lt;")?,
                '>' => formatter.write_str("&gt;")?,
                '"' => formatter.write_str("&quot;")?,
                '\'' => formatter.write_str("&#39;")?,
                // Marks that turn the direction of what follows would rearrange the page.
                '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                    formatter.write_char('\u{fffd}')?;
                }
                control if control.is_control() && !matches!(control, '\n' | '\t') => {
                    formatter.write_char('\u{fffd}')?;
                }
                _ => formatter.write_char(character)?,
            }
        }
        Ok(())
    }
}

/// A number, or a dash where there is none.
pub(super) struct OrDash<T>(pub(super) Option<T>);

impl<T: fmt::Display> fmt::Display for OrDash<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(number) => number.fmt(formatter),
            None => formatter.write_str("–"),
        }
    }
}

/// A number with two digits after the point at the most.
pub(super) fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// Bytes as GiB.
pub(super) fn gibibytes(bytes: f64) -> f64 {
    rounded(bytes / f64::from(1 << 30))
}

/// A duration in its two largest units.
pub(super) struct HumanDuration(pub(super) Duration);

impl fmt::Display for HumanDuration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            0 => write!(formatter, "{} ms", self.0.as_millis()),
            1..60 => write!(formatter, "{seconds} s"),
            60..3600 => write!(formatter, "{} min {} s", seconds / 60, seconds % 60),
            3600..86_400 => write!(formatter, "{} h {} min", seconds / 3600, seconds / 60 % 60),
            _ => write!(formatter, "{} d {} h", seconds / 86_400, seconds / 3600 % 24),
        }
    }
}
