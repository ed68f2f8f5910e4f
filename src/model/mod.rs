//! What the exporter knows of a deployment and of what to ask for: no I/O, no wire format.

pub mod selection;

pub use selection::{ExecutionMode, JobStatus, LabelSelector, Operation, Selection};
