//! Why simulated jobs fail: reasons and messages, some of them odd.

use serde_json::{Value, json};

use crate::rng::mix;

/// How every failure message of the simulated fleet begins, so that a test can prove that none leaks.
pub const FAILURE_MARK: &str = "SIMULATED-FAILURE-";

/// Reasons and what their messages say. The first one is from the API reference, the others are in its style.
const REASONS: [(&str, &str); 5] = [
    (
        "KubernetesDeploymentNotProgressing",
        "ReplicaSet has timed out progressing: 0/1 nodes are available: 1 Insufficient cpu.",
    ),
    (
        "FlinkJobFailed",
        "org.apache.flink.runtime.JobException: Recovery is suppressed by FixedDelayRestartBackoffTimeStrategy\n\
         \tat org.apache.flink.runtime.executiongraph.failover.ExecutionFailureHandler.handleFailure\n\
         Caused by: java.lang.IllegalStateException: value <null> of column `amount` & \"currency\" is not valid",
    ),
    ("TaskManagerOutOfMemory", "Container exited with code 137: memory limit of 8Gi exceeded"),
    (
        "StateRestoreFailed",
        "Failed to rollback to checkpoint/savepoint: Cannot map state for operator 5d41402abc4b2a76b9719d911017c592",
    ),
    ("CatalogNotFound", "Object 'orders_dwd' not found within 'hologres.public'"),
];

/// `failure` of the job with this seed, which failed at `failed_at` seconds since the Unix epoch; null for a few.
pub(crate) fn render(seed: u64, deployment_seed: u64, deployment: &str, failed_at: i64) -> Value {
    // Most failures of a deployment have one cause.
    let cause = if mix(&[seed, 1]).is_multiple_of(4) { seed } else { deployment_seed };
    let (reason, text) = REASONS[index(mix(&[cause, 2]), REASONS.len())];
    let number = mix(&[seed, 3]);
    let pod = format!("job-{number:016x}-taskmanager-1-{}", number % 90 + 1);
    let message = format!("{FAILURE_MARK}{number:016x} {deployment}: pod {pod}: {text}");
    let failure =
        |reason: Value, message: String| json!({"failedAt": failed_at, "reason": reason, "message": message});
    match mix(&[seed, 4]) % 40 {
        0 | 1 => Value::Null,
        2 => failure(json!("X".repeat(100)), message),
        3 => failure(json!("资源不足 <b>\"quota\"</b>\n{x=\"1\"}"), message),
        4 => json!({"failedAt": failed_at, "message": message}),
        5 => failure(json!(null), message),
        6 => json!({"failedAt": failed_at, "reason": reason}),
        // Longer than anyone wants to keep, and of characters of several bytes.
        7..10 => {
            failure(json!(reason), format!("{message}\n{}", "堆栈跟踪 <script>at</script> é😀\n".repeat(200)))
        }
        _ => failure(json!(reason), message),
    }
}

fn index(number: u64, length: usize) -> usize {
    usize::try_from(number % length as u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn most_failures_are_plain_and_every_unusual_form_occurs() {
        let all: Vec<_> = (0..400).map(|job| render(job, job / 8, "orders", 1_795_000_000)).collect();
        let texts = |key: &str| all.iter().filter_map(|failure| failure[key].as_str()).collect::<Vec<_>>();
        let known =
            texts("reason").iter().filter(|reason| REASONS.iter().any(|(name, _)| name == *reason)).count();
        assert!((300..400).contains(&known), "{known}");
        assert!(all.iter().any(Value::is_null));
        assert!(all.iter().any(|failure| failure.is_object() && failure.get("reason").is_none()));
        assert!(all.iter().any(|failure| failure.get("reason").is_some_and(Value::is_null)));
        assert!(texts("reason").iter().any(|reason| reason.len() > 64));
        assert!(texts("reason").iter().any(|reason| !reason.is_ascii()));
        assert!(texts("message").iter().any(|message| message.len() > 4096));
        assert!(texts("message").iter().all(|message| message.starts_with(FAILURE_MARK)));
        assert_eq!(texts("reason").into_iter().collect::<BTreeSet<_>>().len(), REASONS.len() + 2);
    }
}
