//! The process's environment, read once, and the settings in it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::mem;

use figment::value::{Dict, Value};

use crate::error::Diagnostic;
use crate::flow_syntax;
use crate::layer::{Kind, Layer};

/// How the settings in the environment are written.
#[derive(Debug, Clone, Copy)]
pub struct Variables {
    /// Begins the name of every variable that holds a setting.
    pub prefix: &'static str,
    /// The lists, which are set as a whole.
    pub lists: &'static [List],
    /// Whether the value at these keys is a table, which is merged. Its text is given too, for a short form may be possible.
    pub is_table: fn(&[&str], &str) -> bool,
}

/// A list in the environment.
#[derive(Debug, Clone, Copy)]
pub struct List {
    /// Its keys.
    pub keys: &'static [&'static str],
    /// How it is written, for messages.
    pub example: &'static str,
    /// Whether it may be written as words with commas and without brackets.
    pub has_words: bool,
}

/// How a table is written, for messages.
const TABLE: &str = "'{key: value, other: \"value\"}'";

/// A snapshot of the process's environment, so that nothing else reads it and a test can make one up.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    /// The names of variables whose values aren't Unicode.
    unreadable: Vec<String>,
}

impl Environment {
    /// The environment of this process.
    pub fn from_process() -> Self {
        std::env::vars_os().collect()
    }

    /// An environment of these variables alone.
    pub fn from_pairs<N: Into<OsString>, V: Into<OsString>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    /// The value of a variable, if it is set and Unicode.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// One layer a variable, so that each setting is known by its variable; those for less specific keys first. Variables
    /// that Kubernetes makes for Services are no settings.
    pub fn layers(&self, variables: Variables) -> (Vec<Layer>, Vec<Diagnostic>) {
        let unreadable = self.unreadable.iter().filter_map(|name| {
            let setting = Setting::of(name, variables.prefix)?;
            Some(setting.diagnostic("the value isn't valid UTF-8"))
        });
        let mut diagnostics: Vec<Diagnostic> = unreadable.collect();
        let mut settings: Vec<Setting<'_>> =
            self.variables.keys().filter_map(|name| Setting::of(name, variables.prefix)).collect();
        settings.sort_by(|a, b| (a.keys.len(), &a.keys).cmp(&(b.keys.len(), &b.keys)));
        for pair in settings.windows(2).filter(|pair| pair[0].keys == pair[1].keys) {
            diagnostics.push(
                pair[1].diagnostic(format!("sets the same key as {}: keep one of them", pair[0].variable)),
            );
        }
        let mut layers = Vec::new();
        for setting in settings {
            match setting.value(self.get(setting.variable).unwrap_or_default(), variables) {
                Ok(value) => layers.extend(setting.layer(value)),
                Err(message) => diagnostics.push(setting.diagnostic(message)),
            }
        }
        (layers, diagnostics)
    }
}

impl FromIterator<(OsString, OsString)> for Environment {
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(pairs: I) -> Self {
        let mut environment = Self::default();
        for (name, value) in pairs {
            // A name that isn't Unicode is none of ours, nor of the cloud's.
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => drop(environment.variables.insert(name, value)),
                Err(_) => environment.unreadable.push(name),
            }
        }
        environment
    }
}

/// Tells how many variables there are and nothing of them: some hold secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Environment({} variables)", self.variables.len() + self.unreadable.len())
    }
}

/// A variable that names a setting.
struct Setting<'a> {
    variable: &'a str,
    keys: Vec<String>,
}

impl<'a> Setting<'a> {
    fn of(variable: &'a str, prefix: &str) -> Option<Self> {
        let name = variable.strip_prefix(prefix).filter(|name| !is_service_link(name))?;
        let keys = name.split("__").map(str::to_ascii_lowercase).collect();
        Some(Self { variable, keys })
    }

    /// Lists and tables are parsed here, for tables are merged; everything else stays text until its type is known.
    ///
    /// Empty text is an empty list or table; elsewhere it stays, and is refused where nothing empty will do.
    fn value(&self, text: &str, variables: Variables) -> Result<Value, String> {
        let keys: Vec<&str> = self.keys.iter().map(String::as_str).collect();
        if keys.contains(&"") {
            return Err("names no key: keys are separated by `__`".to_owned());
        }
        let is_words = !text.trim().is_empty() && !text.trim_start().starts_with('[');
        match variables.lists.iter().find(|list| keys.starts_with(list.keys)) {
            Some(List { keys: list, example, .. }) if keys.len() > list.len() => Err(format!(
                "part of a list can't be set: give the whole list, {}{}={example}",
                variables.prefix,
                list.join("__").to_ascii_uppercase()
            )),
            Some(list) if list.has_words && is_words => {
                Ok(text.split(',').map(str::trim).collect::<Vec<_>>().into())
            }
            Some(list) => read_flow(text, "list", Vec::<Value>::new().into(), list.example),
            None if (variables.is_table)(&keys, text) => read_flow(text, "table", Dict::new().into(), TABLE),
            None => Ok(text.into()),
        }
    }

    fn layer(&self, value: Value) -> Option<Layer> {
        let settings = figment::util::nest(&self.keys.join("."), value).into_dict()?;
        let place = self.place();
        Some(Layer::of(Kind::Environment, settings, move |_: &[&str]| place.clone()))
    }

    fn place(&self) -> String {
        format!("environment variable {}", self.variable)
    }

    fn diagnostic(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(message).at(self.place()).about(self.keys.join("."))
    }
}

/// Reads a list or a table. Empty text is an empty one.
fn read_flow(text: &str, what: &str, empty: Value, example: &str) -> Result<Value, String> {
    if text.trim().is_empty() {
        return Ok(empty);
    }
    match flow_syntax::parse(text) {
        Ok(value) if mem::discriminant(&value) == mem::discriminant(&empty) => Ok(value),
        Ok(_) => Err(format!("expected a {what}, such as {example}")),
        Err(error) => Err(format!("not a valid {what}: {error}; written like {example}")),
    }
}

/// Whether Kubernetes made the variable for a Service whose name begins like ours: `SERVICE_HOST`,
/// `SERVICE_PORT_HTTP`, `PORT`, `PORT_10978_TCP_ADDR`, with more of the Service's name before them, if any.
fn is_service_link(name: &str) -> bool {
    let words: Vec<&str> = name.split('_').collect();
    !words.contains(&"")
        && (0..words.len()).any(|start| match words[start..] {
            ["SERVICE", "HOST"] | ["SERVICE", "PORT", ..] | ["PORT"] => true,
            ["PORT", number, "TCP" | "UDP" | "SCTP", ref rest @ ..] => {
                number.parse::<u16>().is_ok() && matches!(rest, [] | ["PROTO" | "PORT" | "ADDR"])
            }
            _ => false,
        })
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn service_links_are_no_settings() {
        for name in [
            "SERVICE_HOST",
            "SERVICE_PORT",
            "SERVICE_PORT_HTTP",
            "SERVICE_PORT_HTTP_METRICS",
            "PORT",
            "PORT_10978_TCP",
            "PORT_10978_TCP_PROTO",
            "PORT_10978_TCP_PORT",
            "PORT_10978_TCP_ADDR",
            "PORT_53_UDP",
            "PORT_53_UDP_ADDR",
            "PORT_5000_SCTP",
            "METRICS_SERVICE_HOST",
            "METRICS_PORT_10978_TCP",
        ] {
            assert!(is_service_link(name), "{name}");
        }
        for name in [
            "POLL__INTERVAL",
            "METRICS__PORT",
            "PORTS",
            "SERVICE",
            "PORT_X_TCP",
            "PORT_1_TCP_X",
            "METRICS__JOBS",
            "service_host",
        ] {
            assert!(!is_service_link(name), "{name}");
        }
    }

    #[test]
    fn a_value_that_is_not_unicode_is_an_error_only_in_a_setting() {
        let broken = || OsString::from_vec(vec![b'a', 0xff]);
        let environment = Environment::from_pairs([
            ("ALIYUN_FLINK_EXPORTER_POLL__INTERVAL", broken()),
            ("LS_COLORS", broken()),
        ]);
        let variables = Variables { prefix: "ALIYUN_FLINK_EXPORTER_", lists: &[], is_table: |_, _| false };
        let (layers, mistakes) = environment.layers(variables);
        assert!(layers.is_empty());
        assert_eq!(mistakes.len(), 1);
        assert_eq!(
            mistakes[0].to_string(),
            "environment variable ALIYUN_FLINK_EXPORTER_POLL__INTERVAL: poll.interval: the value isn't valid UTF-8"
        );
        assert_eq!(environment.get("LS_COLORS"), None);
    }

    #[test]
    fn debug_output_shows_no_variable() {
        let environment = Environment::from_pairs([("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "hunter2")]);
        assert_eq!(format!("{environment:?}"), "Environment(1 variables)");
        assert_eq!(environment.get("ALIBABA_CLOUD_ACCESS_KEY_SECRET"), Some("hunter2"));
    }
}
