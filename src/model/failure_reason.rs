//! The reason code of a failure as a label value: `other` if it is too long or not a code.

/// Maximum length of a reason in a label, in characters.
const MAX_REASON: usize = 64;

/// The value of the label `reason`: `other` if the reason does not look like a code, to limit the cardinality.
pub(super) fn failure_reason(reason: &str) -> &str {
    let is_code = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if reason.len() <= MAX_REASON && reason.bytes().all(is_code) { reason } else { "other" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_that_is_not_a_code_becomes_other() {
        for (reason, label) in [
            ("KubernetesDeploymentNotProgressing", "KubernetesDeploymentNotProgressing"),
            ("a.b_c-9", "a.b_c-9"),
            ("", ""),
            ("two words", "other"),
            ("失败", "other"),
            (&"x".repeat(64), &"x".repeat(64)),
            (&"x".repeat(65), "other"),
        ] {
            assert_eq!(failure_reason(reason), label);
        }
    }
}
