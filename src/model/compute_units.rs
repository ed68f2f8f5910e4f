//! Compute units, in which the service bills.

const GIB: f64 = 1_073_741_824.0;

/// Memory of a compute unit, which is 1 core and 4 GiB: "Billable items", last updated on 26 December 2024,
/// <https://www.alibabacloud.com/help/en/flink/product-overview/billable-items>.
const GIB_PER_COMPUTE_UNIT: f64 = 4.0;

/// The compute units for these cores and bytes of memory: the maximum of the cores and a quarter of the memory in GiB.
pub fn compute_units(cpu_cores: f64, memory_bytes: f64) -> f64 {
    cpu_cores.max(memory_bytes / GIB / GIB_PER_COMPUTE_UNIT)
}
