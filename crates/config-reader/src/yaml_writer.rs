//! Settings as YAML that is read as the same settings.

use serde::Serialize;
use yaml_serde::Value;

use crate::unstable_numbers::is_unstable_number;

/// Writes settings as YAML, without what is null or an empty table.
///
/// # Errors
///
/// Those of the settings' `Serialize`.
pub fn to_yaml(settings: &impl Serialize) -> Result<String, yaml_serde::Error> {
    let mut document = yaml_serde::to_value(settings)?;
    remove_absent(&mut document);
    Ok(yaml_serde::to_string(&document)?.lines().map(quote_number).collect())
}

/// A line whose scalar is in quotes if it would not be taken as text: the serializer knows only some of these numbers.
fn quote_number(line: &str) -> String {
    match line.rsplit_once(' ') {
        Some((start, scalar)) if start.ends_with([':', '-']) && is_unstable_number(scalar) => {
            format!("{start} '{scalar}'\n")
        }
        _ => format!("{line}\n"),
    }
}

fn remove_absent(value: &mut Value) {
    match value {
        Value::Mapping(entries) => {
            entries.values_mut().for_each(remove_absent);
            entries.retain(|_, value| {
                !value.is_null() && value.as_mapping().is_none_or(|table| !table.is_empty())
            });
        }
        Value::Sequence(items) => items.iter_mut().for_each(remove_absent),
        _ => {}
    }
}
