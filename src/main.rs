//! The `aliyun-flink-exporter` binary.

fn main() {}
