//! What documents a metric family: the only statement of its name, type, unit, help, labels and origin.

use super::Format;

/// A metric's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricType {
    /// A value that goes up and down.
    Gauge,
    /// A value that only increases while the exporter runs.
    Counter,
    /// A distribution in cumulative buckets.
    Histogram,
}

impl MetricType {
    /// The type as `# TYPE` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Histogram => "histogram",
        }
    }
}

/// What a value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A value that is always 1; the labels carry the information.
    One,
    /// 0 or 1.
    Boolean,
    /// Seconds.
    Seconds,
    /// Seconds since the Unix epoch.
    Timestamp,
    /// Bytes.
    Bytes,
    /// CPU cores.
    CpuCores,
    /// Compute units, as Alibaba Cloud bills them: 1 core and 4 GiB.
    ComputeUnits,
    /// Flink's task slots.
    TaskSlots,
    /// A number of the named things.
    Count(&'static str),
}

impl Unit {
    /// The unit as the reference writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::One => "always 1",
            Self::Boolean => "0 or 1",
            Self::Seconds => "seconds",
            Self::Timestamp => "seconds since the Unix epoch",
            Self::Bytes => "bytes",
            Self::CpuCores => "CPU cores",
            Self::ComputeUnits => "compute units",
            Self::TaskSlots => "task slots",
            Self::Count(things) => things,
        }
    }
}

/// Where a family's values come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Fields of the replies to API operations.
    Api {
        /// The operations, any of which returns the fields.
        operations: &'static [&'static str],
        /// The fields, as paths within one object of the reply.
        fields: &'static [&'static str],
    },
    /// Computed from API data; says from which.
    Computed(&'static str),
    /// The exporter itself; says which part of it.
    Exporter(&'static str),
}

/// What documents a metric family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FamilyDescriptor {
    /// The metric's name; of a counter, with `_total`.
    pub name: &'static str,
    /// Its type.
    pub metric_type: MetricType,
    /// Its unit.
    pub unit: Unit,
    /// Its help, on one line, without backslashes or quotes.
    pub help: &'static str,
    /// Its labels, in addition to those that identify the object.
    pub labels: &'static [&'static str],
    /// Where its values come from.
    pub origin: Origin,
}

impl FamilyDescriptor {
    /// The lines before a family's samples. In OpenMetrics the name of a counter's family has no `_total`, the names
    /// of its samples do.
    pub fn header(&self, format: Format) -> String {
        let Self { name, metric_type, help, .. } = self;
        let name = match (format, metric_type) {
            (Format::OpenMetrics, MetricType::Counter) => name.strip_suffix("_total").unwrap_or(name),
            _ => name,
        };
        format!("# HELP {name} {help}\n# TYPE {name} {}\n", metric_type.as_str())
    }
}
