//! Collectors: what the exporter polls. Each directory has one kind of object: the operations that list it, its decoder and
//! its metric families.

pub mod deployments;
