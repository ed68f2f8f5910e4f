//! Targets: the desired set, and the manager that reconciles the running poll loops with it.
//!
//! The configuration and discovery produce a [`TargetSet`]. Only the manager starts and stops poll loops.

mod manager;
mod set;

pub use manager::{Changes, TargetManager};
pub use set::{Target, TargetSet};
