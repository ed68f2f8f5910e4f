//! One directory for each kind of object that is polled: the operations that list it, and how it is decoded.

pub mod deployments;
