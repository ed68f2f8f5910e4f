//! Suggestions for misspelt keys and values: `did you mean …?`.

/// The known name that is closest to `found`, as the end of a message; none if no name is close.
pub(crate) fn suggestion(found: &str, known: &[&str]) -> Option<String> {
    const CLOSE: f64 = 0.75;
    let found = found.to_lowercase();
    let likeness = |name: &str| strsim::jaro_winkler(&found, &name.to_lowercase());
    let best = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(best) >= CLOSE).then(|| format!(" (did you mean {best}?)"))
}
