//! Texts that follow a rule, and other values that are written as one word or number.

use config_reader::{Decimal, Request, Rule, Ruled, Scalar, deserialize_scalar};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::model::is_namespace_name;

/// The word for every namespace.
pub(super) const ALL: &str = "all";

/// Declares the type of the texts that follow a rule.
macro_rules! ruled {
    ($(#[$doc:meta])* $name:ident, $rule:ident, $expected:expr, $pattern:expr, $holds:expr) => {
        $(#[$doc])*
        pub(super) type $name = Ruled<$rule>;

        #[derive(Debug, Clone)]
        pub(super) enum $rule {}

        impl Rule for $rule {
            const EXPECTED: &'static str = $expected;
            const PATTERN: &'static str = $pattern;
            const HOLDS: fn(&str) -> bool = $holds;
        }
    };
}

ruled!(
    /// The id of a workspace. It is sent in a header.
    WorkspaceId,
    WorkspaceIdRule,
    "the workspace's id, such as a14bd5d90a0123, of visible ASCII characters without blanks",
    "^[!-~]+$",
    |text| text.bytes().all(|byte| byte.is_ascii_graphic())
);
ruled!(
    /// A region.
    Region,
    RegionRule,
    "one region such as cn-hangzhou: lower-case letters, digits and hyphens",
    "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$",
    |text| {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        text.chars().all(allowed) && !text.starts_with('-') && !text.ends_with('-') && text.len() <= 50
    }
);
ruled!(
    /// The name of a namespace.
    NamespaceName,
    NamespaceNameRule,
    "the name of a namespace: letters, digits, `-`, `_` and `.`",
    "^[A-Za-z0-9._-]+$",
    is_namespace_name
);
ruled!(
    /// The word for every namespace, where a table of filters is possible too.
    AllOrFilters,
    AllOrFiltersRule,
    "`all`, or filters",
    "^all$",
    |text| text == ALL
);
ruled!(
    /// The same, where a list is possible too.
    AllOrList,
    AllOrListRule,
    "a list of namespaces, or `all`",
    "^all$",
    |text| text == ALL
);

/// Requests per second. At least one in a quarter of an hour: with less, no poll would ever end.
pub(super) type Rate = Decimal<1, 1_000_000>;

/// Whether a collector is enabled, where its settings are possible too.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct Switch(pub(super) bool);

impl Scalar for Switch {
    const REQUEST: Request = Request::Boolean;

    fn expected() -> String {
        "true, false or settings such as {interval: 5m}".to_owned()
    }

    fn read(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| Self::expected())
    }
}

impl<'de> Deserialize<'de> for Switch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_scalar(deserializer)
    }
}
