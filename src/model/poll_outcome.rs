//! How a poll ended.

use strum::{EnumCount, EnumIter, IntoEnumIterator as _, IntoStaticStr};

/// Why a request or a poll failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumCount, EnumIter, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ErrorClass {
    /// The credentials are missing, wrong or expired, or the signature is rejected.
    Auth,
    /// The credentials are valid, but not authorized.
    Permission,
    /// Too many requests.
    Throttled,
    /// No answer in time.
    Timeout,
    /// No connection, or one that broke.
    Network,
    /// The service rejected the request or failed.
    Api,
    /// The answer is not what the API documents.
    InvalidResponse,
    /// The namespace or the workspace does not exist.
    NotFound,
    /// A fault of the exporter itself.
    Internal,
}

impl ErrorClass {
    /// The class as a label value.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// How a poll ended: the values of `outcome` in `aliyun_flink_target_polls_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PollOutcome {
    /// The data is complete.
    Success,
    /// The poll failed.
    Failure(ErrorClass),
}

impl PollOutcome {
    /// The number of outcomes.
    pub const COUNT: usize = 1 + ErrorClass::COUNT;

    /// Every outcome, in the order of [`PollOutcome::index`].
    pub fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Success).chain(ErrorClass::iter().map(Self::Failure))
    }

    /// The outcome as a label value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure(class) => class.as_str(),
        }
    }

    /// The position of the outcome among all of them.
    pub fn index(self) -> usize {
        match self {
            Self::Success => 0,
            Self::Failure(class) => 1 + class as usize,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_its_label_value_and_its_index() {
        let words: Vec<_> = PollOutcome::all().map(PollOutcome::as_str).collect();
        let expected =
            "success auth permission throttled timeout network api invalid_response not_found internal";
        assert_eq!(words.join(" "), expected);
        let indexes: Vec<_> = PollOutcome::all().map(PollOutcome::index).collect();
        assert_eq!(indexes, (0..PollOutcome::COUNT).collect::<Vec<_>>());
    }
}
