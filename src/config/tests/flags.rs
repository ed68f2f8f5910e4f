//! Flags.

use super::*;

#[test]
fn the_flags_replace_all_workspaces() {
    let variables =
        environment(&[("WORKSPACES", "[{id=w2,region=r,namespaces=[n2]}]"), ("POLL__INTERVAL", "7s")]);
    let config =
        load_file("c.yml", WORKSPACE, &variables, &flags(Some("w3"), Some("cn-beijing"), &["a", "b"]))
            .unwrap();
    let [workspace] = &config.workspaces[..] else { panic!("one workspace") };
    assert_eq!((workspace.id.as_str(), workspace.region.as_deref()), ("w3", Some("cn-beijing")));
    assert_eq!(workspace.targets().len(), 2);
    assert_eq!(workspace.targets()[1].poll.interval, Duration::from_secs(7));
    let config = load_file("c.yml", WORKSPACE, &variables, &Flags::default()).unwrap();
    assert_eq!(config.workspaces[0].id, "w2");
}

#[test]
fn a_mistake_in_a_flag_names_it() {
    let report = |flags| load(None, &Environment::default(), &flags).unwrap_err().to_string();
    insta::assert_snapshot!(report(flags(Some("w1"), None, &[])), @r#"--region: missing: expected a region such as cn-hangzhou"#);
    insta::assert_snapshot!(report(flags(None, Some("cn-hangzhou"), &["n1"])), @r#"--workspace: missing: expected the workspace's id, such as a14bd5d90a0123"#);
    insta::assert_snapshot!(report(flags(Some("w 1"), Some("Hangzhou"), &["a/b", "n1", "n1"])), @r#"
    4 mistakes in the configuration:
    --workspace: found "w 1", expected the workspace's id, such as a14bd5d90a0123, of visible ASCII characters without blanks
    --namespace: found "a/b", expected the name of a namespace: letters, digits, `-`, `_` and `.`
    --region: found "Hangzhou", expected one region such as cn-hangzhou: lower-case letters, digits and hyphens
    --namespace: the same namespace and selection as workspaces[0].namespaces[1]: expected each target once
    "#);
}

#[test]
fn file_variable_and_flag_set_the_state_path() {
    let text = format!("state: {{path: file}}\n{WORKSPACE}");
    let path = |text: &str, variables: &[(&str, &str)], flag: Option<&str>| {
        let flags = Flags { state_path: flag.map(str::to_owned), ..Flags::default() };
        load_file("c.yml", text, &environment(variables), &flags).unwrap().state_path
    };
    assert_eq!(path(WORKSPACE, &[], None), None);
    assert_eq!(path(&text, &[], None), Some("file".into()));
    assert_eq!(path(&text, &[("STATE__PATH", "variable")], None), Some("variable".into()));
    assert_eq!(path(&text, &[("STATE", "{path=variable}")], Some("flag")), Some("flag".into()));
    let flags = Flags { state_path: Some(String::new()), ..Flags::default() };
    insta::assert_snapshot!(load_file("c.yml", WORKSPACE, &Environment::default(), &flags).unwrap_err(), @r#"--state.path: found an empty text, expected a text"#);
}
