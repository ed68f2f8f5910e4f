//! Text, numbers and times for HTML.

use std::{
    fmt::{self, Display, Formatter},
    time::Duration,
};

use maud::{Markup, Render, html};

/// Text from outside. maud escapes its markup; characters that would rearrange the page are replaced.
pub(super) struct Untrusted<'t>(pub(super) &'t str);

impl Render for Untrusted<'_> {
    fn render_to(&self, html: &mut String) {
        self.0.replace(rearranges, "\u{fffd}").render_to(html);
    }
}

/// Whether a character changes the direction of what follows, or is a control character.
fn rearranges(character: char) -> bool {
    let turns = matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    turns || character.is_control() && !matches!(character, '\n' | '\t')
}

/// Text from outside whose direction of writing does not affect its surroundings.
pub(super) fn isolated(text: &str) -> Markup {
    html! { bdi { (Untrusted(text)) } }
}

/// A value, or a dash where there is none.
pub(super) struct OrDash<T>(pub(super) Option<T>);

impl<T: Display> Display for OrDash<T> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(formatter),
            None => formatter.write_str("–"),
        }
    }
}

/// A number with at most two decimals.
pub(super) fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// Bytes as GiB.
pub(super) fn gibibytes(bytes: f64) -> f64 {
    rounded(bytes / f64::from(1 << 30))
}

/// A duration in its two largest units.
pub(super) struct HumanDuration(pub(super) Duration);

impl Display for HumanDuration {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
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
