//! The parameters of a query, read as the service reads them.

use std::str::FromStr;

use hyper::StatusCode;

use crate::reply::Refusal;

pub(crate) const DEFAULT_PAGE_SIZE: usize = 10;
pub(crate) const MAX_PAGE_SIZE: usize = 100;

/// The parameters of a query.
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(crate) fn read(query: &str) -> Self {
        Self(acs3::verify::query_parameters(query))
    }

    /// An empty value is none.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, value)| name == key && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    pub(crate) fn owned(&self, key: &str) -> Option<String> {
        self.get(key).map(str::to_owned)
    }

    pub(crate) fn required(&self, key: &str, code: &'static str) -> Result<&str, Refusal> {
        let message = || format!("{key} is mandatory for this action.");
        self.get(key).ok_or_else(|| Refusal::gateway(StatusCode::BAD_REQUEST, code, message()))
    }

    pub(crate) fn number(&self, key: &str, default: usize, largest: usize) -> Result<usize, Refusal> {
        let Some(text) = self.get(key) else {
            return Ok(default);
        };
        let number = text.parse().ok().filter(|number| (1..=largest).contains(number));
        number.ok_or_else(|| Refusal::parameter(format!("{key} is out of range: {text}")))
    }

    pub(crate) fn parse<T: FromStr>(&self, key: &str) -> Result<Option<T>, Refusal> {
        let parse =
            |text: &str| text.parse().map_err(|_| Refusal::parameter(format!("{key} is not valid: {text}")));
        self.get(key).map(parse).transpose()
    }

    /// The official clients write both `true` and `True`.
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.get(key).is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }
}
