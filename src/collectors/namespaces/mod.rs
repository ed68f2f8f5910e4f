//! The collector of namespaces: their quotas and usage, and its metric families.

mod collector;
pub mod families;

#[cfg(test)]
mod tests;

pub use collector::{NAME, NamespacesCollector, NamespacesTargetQuery, SelectNamespaces};
