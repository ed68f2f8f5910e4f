//! Which targets are polled: the desired set, and the manager that makes the running poll loops match it.
//!
//! The configuration is one producer of a [`TargetSet`]. A producer never starts or stops a poll loop itself.

mod manager;
mod set;

pub use manager::{Changes, TargetManager};
pub use set::{Target, TargetSet};
