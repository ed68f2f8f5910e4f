//! Files that appear, change, or are no files.

use tokio::time::sleep;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// A context whose clock moves with Tokio's.
fn paused_context(variables: &[(&str, &str)]) -> Arc<ProviderContext> {
    context_at(variables, Clock::paused(Duration::from_secs(1_794_000_000)))
}

/// An access key in files of a directory, with its provider.
struct KeyFiles {
    directory: tempfile::TempDir,
    provider: Arc<dyn ProvideCredentials>,
}

impl KeyFiles {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| SecretSource::File(directory.path().join(name));
        let key = AccessKey { id: file("id"), secret: file("secret"), token: None };
        Self { provider: paused_context(&[]).provider(&ProviderConfig::AccessKey(key)), directory }
    }

    fn write(&self, name: &str, text: &str) {
        write(self.directory.path(), name, text);
    }

    /// The id and the secret in use.
    async fn key(&self) -> Result<String, String> {
        let key = self.provider.credentials().await.map_err(|error| error.to_string())?;
        Ok(format!("{} {}", key.access_key_id, key.access_key_secret.expose_secret()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_is_used_within_a_second_of_being_complete() {
    let files = KeyFiles::new();
    files.write("id", "id-1");
    assert!(files.key().await.unwrap_err().contains("secret can't be read: there is no such file"));
    // By now, a retry is due in up to a minute.
    sleep(300 * SECOND).await;
    files.write("secret", "");
    sleep(SECOND).await;
    assert!(files.key().await.unwrap_err().contains("secret is empty"));
    files.write("secret", "secret-1");
    sleep(SECOND).await;
    assert_eq!(files.key().await.unwrap(), "id-1 secret-1");
}

#[tokio::test(start_paused = true)]
async fn id_and_secret_are_replaced_together() {
    for parts in [["id", "secret"], ["secret", "id"]] {
        let files = KeyFiles::new();
        for part in parts {
            files.write(part, &format!("{part}-1"));
        }
        assert_eq!(files.key().await.unwrap(), "id-1 secret-1");
        files.write(parts[0], &format!("{}-2", parts[0]));
        for _ in 0..4 {
            sleep(SECOND).await;
            assert_eq!(files.key().await.unwrap(), "id-1 secret-1");
        }
        files.write(parts[1], &format!("{}-2", parts[1]));
        sleep(SECOND).await;
        assert_eq!(files.key().await.unwrap(), "id-2 secret-2");
    }
}

#[tokio::test(start_paused = true)]
async fn a_single_changed_part_is_used_after_a_while_or_once_the_key_is_rejected() {
    let files = KeyFiles::new();
    files.write("id", "id-1");
    files.write("secret", "wrong");
    assert_eq!(files.key().await.unwrap(), "id-1 wrong");
    files.write("secret", "mistyped");
    sleep(20 * SECOND).await;
    assert_eq!(files.key().await.unwrap(), "id-1 mistyped");
    files.write("secret", "right");
    let rejected = files.provider.credentials().await.unwrap();
    assert!(files.provider.renewed(&rejected).await);
    assert_eq!(files.key().await.unwrap(), "id-1 right");
}

#[tokio::test(start_paused = true)]
async fn a_profile_that_is_being_written_does_not_switch_to_another_identity() {
    let home = tempfile::tempdir().unwrap();
    let cli = |id: &str| {
        format!(
            r#"{{"current":"a","profiles":[{{"name":"a","mode":"AK","access_key_id":"{id}","access_key_secret":"s"}}]}}"#
        )
    };
    write(home.path(), ".aliyun/config.json", &cli("id-1"));
    write(
        home.path(),
        ".alibabacloud/credentials",
        "[default]\ntype=access_key\naccess_key_id=x\naccess_key_secret=s\n",
    );
    let variables =
        [("HOME", home.path().to_str().unwrap()), ("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")];
    let provider = paused_context(&variables).provider(&ProviderConfig::default());
    let id = async || provider.credentials().await.unwrap().access_key_id.clone();
    assert_eq!(id().await, "id-1");
    write(home.path(), ".aliyun/config.json", &cli("id-2")[..30]);
    for _ in 0..4 {
        sleep(SECOND).await;
        assert_eq!(id().await, "id-1");
    }
    write(home.path(), ".aliyun/config.json", &cli("id-2"));
    sleep(SECOND).await;
    assert_eq!(id().await, "id-2");
    // One that stays broken is a failure of its provider.
    write(home.path(), ".aliyun/config.json", "{");
    sleep(60 * SECOND).await;
    assert_eq!(id().await, "x");
}

#[tokio::test]
async fn byte_order_marks_are_skipped_in_keys_and_profiles() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "id", "\u{feff}the-id\r\n");
    write(directory.path(), "secret", "\u{feff}the-secret");
    let file = |name: &str| SecretSource::File(directory.path().join(name));
    let key = AccessKey { id: file("id"), secret: file("secret"), token: None };
    let got = found(&context(&[]), &ProviderConfig::AccessKey(key)).await.unwrap();
    assert_eq!(got[..2], ["the-id", "the-secret"]);
    let cli = r#"{"current":"a","profiles":[{"name":"a","mode":"AK","access_key_id":"i","access_key_secret":"s"}]}"#;
    let ini = "[default]\ntype=access_key\naccess_key_id=i\naccess_key_secret=s\n";
    for (name, text) in [("c.json", cli), ("c.ini", ini)] {
        write(directory.path(), name, &format!("\u{feff}{text}"));
        let profile = Profile { file: Some(directory.path().join(name)), ..Profile::default() };
        assert_eq!(found(&context(&[]), &ProviderConfig::Profile(profile)).await.unwrap()[0], "i", "{name}");
    }
}

#[tokio::test]
async fn a_pipe_or_a_device_is_rejected_as_a_key_file() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [pipe.as_path(), Path::new("/dev/zero"), Path::new("/proc/self"), Path::new("/")] {
        let key = AccessKey {
            id: SecretSource::Inline("id".into()),
            secret: SecretSource::File(path.to_owned()),
            token: None,
        };
        let profile = Profile { file: Some(path.to_owned()), ..Profile::default() };
        let oidc = Oidc {
            role_arn: Some("r".into()),
            oidc_provider_arn: Some("p".into()),
            oidc_token_file: Some(path.to_owned()),
            ..Oidc::default()
        };
        for source in
            [ProviderConfig::AccessKey(key), ProviderConfig::Profile(profile), ProviderConfig::Oidc(oidc)]
        {
            let error = found(&context(&[]), &source).await.unwrap_err().to_string();
            assert!(error.contains("can't be read: it is not a regular file"), "{error}");
        }
    }
}
