//! Numbers where text is expected.

use super::*;

/// Each is read as another number, or as text, by some readers of YAML.
const UNSTABLE: [&str; 9] = ["0x1f", "+12", "0123", "1_000", "0o17", "0b11", "-012", "00", "0X1F"];

fn texts(value: &str) -> [String; 6] {
    [
        format!("workspaces: [{{id: {value}, region: r, namespaces: [n]}}]"),
        format!(
            "workspaces: [{{id: w, region: r, namespaces: [{{name: n, select: {{creator: {value}}}}}]}}]"
        ),
        format!(
            "workspaces: [{{id: w, region: r, namespaces: [{{name: n, select: {{modifier: {value}}}}}]}}]"
        ),
        format!(
            "workspaces: [{{id: w, region: r, namespaces: [{{name: n, select: {{label: {{key: k, values: [{value}]}}}}}}]}}]"
        ),
        format!("discovery: [{{region: r, workspaces: {{tags: {{env: {value}}}}}}}]"),
        format!("metrics: {{deployment_labels: [{value}]}}\n{WORKSPACE}"),
    ]
}

#[test]
fn a_number_that_yaml_changes_is_refused_where_text_is_expected() {
    for value in UNSTABLE {
        for text in texts(value) {
            let error = load_yaml(&text).unwrap_err();
            assert!(
                error.contains(&format!("found {value}")) && error.contains("put it in quotes"),
                "{error}"
            );
            assert!(!error.contains('\n'), "{error}");
        }
    }
    insta::assert_snapshot!(load_yaml(&texts("0x1f")[0]).unwrap_err(), @r#"c.yml:1: workspaces[0].id: found 0x1f, which readers of YAML and TOML take for a number and change, expected the workspace's id, such as a14bd5d90a0123, of visible ASCII characters without blanks: put it in quotes"#);
}

#[test]
fn in_quotes_or_with_the_tag_of_texts_it_is_kept() {
    for value in UNSTABLE {
        for quoted in [format!("'{value}'"), format!("\"{value}\""), format!("!!str {value}")] {
            for text in texts(&quoted) {
                let config = load_yaml(&text);
                assert!(config.is_ok(), "{text}: {config:?}");
            }
            assert_eq!(load_yaml(&texts(&quoted)[0]).unwrap().workspaces[0].id, value);
        }
    }
}

#[test]
fn a_number_whose_digits_are_kept_is_taken_as_text() {
    for value in ["0", "7", "183899668", "-5", "123456789012345678901234567890"] {
        for text in texts(value) {
            assert!(load_yaml(&text).is_ok(), "{text}: {:?}", load_yaml(&text));
        }
        assert_eq!(load_yaml(&texts(value)[0]).unwrap().workspaces[0].id, value);
    }
    for value in ["1.5", "1e3", "12e4", ".5"] {
        assert!(load_yaml(&texts(value)[0]).unwrap_err().contains("put it in quotes"), "{value}");
    }
}

#[test]
fn a_number_keeps_any_form_where_a_number_is_expected() {
    for (value, expected) in [("0x20", 32), ("+12", 12), ("0o17", 15)] {
        let config = load_yaml(&format!("api: {{page_size: {value}}}\n{WORKSPACE}")).unwrap();
        assert_eq!(config.api.page_size, expected);
    }
}

#[test]
fn toml_has_the_same_rule() {
    let load = |id: &str| {
        let text = format!("[[workspaces]]\nid = {id}\nregion = 'r'\nnamespaces = ['n']\n");
        load_file("c.toml", &text, &Environment::default(), &Flags::default())
    };
    for id in ["0x1f", "+12", "1_000", "0o17", "0b11"] {
        let error = load(id).unwrap_err();
        assert!(error.contains(&format!("c.toml:2: workspaces[0].id: found {id}")), "{error}");
        assert_eq!(load(&format!("'{id}'")).unwrap().workspaces[0].id, id);
    }
    assert_eq!(load("123").unwrap().workspaces[0].id, "123");
}

#[test]
fn a_secret_that_looks_like_such_a_number_is_not_shown() {
    let text = "credentials: {type: access_key, access_key_id: 0x1f, access_key_secret: 0123}\n";
    let error = load_yaml(&format!("{text}{WORKSPACE}")).unwrap_err();
    assert!(!error.contains("0x1f") && !error.contains("0123") && !error.contains("31"), "{error}");
    assert_eq!(error.matches("put it in quotes").count(), 2, "{error}");
}

#[test]
fn printed_text_that_looks_like_a_number_can_be_loaded() {
    for value in UNSTABLE {
        let config = load_yaml(&texts(&format!("'{value}'"))[0]).unwrap();
        assert_eq!(load_yaml(&config.to_yaml_redacted()).unwrap().workspaces[0].id, value);
    }
}
