//! Descriptions of failed requests.

use std::error::Error;

/// The innermost cause of `error`, which says what happened; the outer ones say what was attempted. An error without a
/// cause is its own cause, so `error` must not be one whose text contains a URL with a secret.
pub fn root_cause<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error
}

/// What went wrong with a request, to follow the name of the server. Never contains the URL, which may hold a secret.
pub fn failure(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "did not answer in time".to_owned();
    }
    let stage = if error.is_connect() { "can't be reached" } else { "broke the connection" };
    // The outermost error is the one that prints the URL.
    match error.source() {
        Some(source) => format!("{stage}: {}", root_cause(source)),
        None => stage.to_owned(),
    }
}
