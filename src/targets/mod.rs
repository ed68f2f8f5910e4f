//! Targets: the desired set, and the manager that reconciles the running poll loops with it.
//!
//! The configuration and discovery produce a [`TargetSet`]. Only the manager starts and stops poll loops.

mod target_manager;
mod target_set;

pub use target_manager::{Changes, TargetManager};
pub use target_set::{DesiredTarget, TargetSet};
