//! Reloads of the web configuration.

use std::fs;

use tempfile::TempDir;

use crate::support::{Program, Start, until};

const RELOADED: &str = "web configuration reloaded";
const NOT_RELOADED: &str = "web configuration not reloaded";

async fn status(program: &Program) -> u16 {
    program.get("/metrics").await.status
}

/// Waits until the log has `count` lines with `message`.
async fn logged(program: &Program, message: &str, count: usize) {
    until(format!("{count} × {message:?}"), async || {
        (program.stderr().matches(message).count() >= count).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_changed_web_configuration_takes_effect_and_an_invalid_or_missing_one_does_not() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("web.yml");
    let users = format!("basic_auth_users: {{alice: '{}'}}\n", bcrypt::hash("secret", 4).unwrap());
    fs::write(&path, &users).unwrap();
    let program = Start::demo().args(&["--web.config.file", path.to_str().unwrap()]).listening().await;
    assert_eq!(status(&program).await, 401);

    fs::write(&path, "basic_auth_user: {}\n").unwrap();
    logged(&program, NOT_RELOADED, 1).await;
    assert_eq!(status(&program).await, 401, "the last valid one is in effect");
    fs::write(&path, "# everybody\n").unwrap();
    logged(&program, RELOADED, 1).await;
    assert_eq!(status(&program).await, 200);

    fs::remove_file(&path).unwrap();
    logged(&program, NOT_RELOADED, 2).await;
    assert_eq!(status(&program).await, 200);
    fs::write(&path, &users).unwrap();
    logged(&program, RELOADED, 2).await;
    assert_eq!(status(&program).await, 401);
}
