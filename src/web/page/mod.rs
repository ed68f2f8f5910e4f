//! HTML pages for people, rendered by the server: no scripts, no external resources, usable on phones and in dark mode.

mod document;
mod facts;
mod links;
mod overview;
mod target;
mod text;

#[cfg(test)]
mod tests;

pub(super) use document::SECURITY_POLICY;
pub(super) use links::Query;
pub(super) use overview::overview;
pub(super) use target::target;
