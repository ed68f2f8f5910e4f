//! Label names made from arbitrary keys, as kube-state-metrics makes them from Kubernetes labels.

use std::collections::{BTreeMap, BTreeSet};

/// The names of `keys`, in their order, each beginning with `prefix`. Keys whose names would be equal get `_conflict1`,
/// `_conflict2`, …
pub fn label_names(prefix: &str, keys: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = keys.iter().map(|key| label_name(prefix, key)).collect();
    // Conflicts are numbered in the sorted order of the keys, so that the order in the configuration does not matter.
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by_key(|&index| keys[index]);
    let mut same: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for index in order {
        same.entry(names[index].clone()).or_default().push(index);
    }
    // A key may itself look like a numbered name, and a duplicate label name invalidates the whole exposition.
    let mut taken: BTreeSet<String> = same.keys().cloned().collect();
    for (name, indices) in same.into_iter().filter(|(_, indices)| indices.len() > 1) {
        let mut numbered = (1_usize..).map(|number| format!("{name}_conflict{number}"));
        for index in indices {
            if let Some(free) = numbered.find(|candidate| taken.insert(candidate.clone())) {
                names[index] = free;
            }
        }
    }
    names
}

/// The prefix and the key: characters that label names may not contain become `_`, camel case becomes snake case.
fn label_name(prefix: &str, key: &str) -> String {
    let mut name = prefix.to_owned();
    let mut before = None;
    for character in key.chars() {
        if character.is_ascii_uppercase()
            && before.is_some_and(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        {
            name.push('_');
        }
        name.push(if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '_' });
        before = Some(character);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_names_as_in_kube_state_metrics() {
        let cases = [
            ("team", "label_team"),
            ("costCenter", "label_cost_center"),
            ("app.kubernetes.io/name", "label_app_kubernetes_io_name"),
            ("HTTPServer2Go", "label_httpserver2_go"),
            ("团队", "label___"),
            ("", "label_"),
        ];
        for (key, expected) in cases {
            assert_eq!(label_name("label_", key), expected, "{key:?}");
        }
    }

    #[test]
    fn keys_with_equal_names_are_numbered() {
        assert_eq!(
            label_names("label_", &["b", "a-b", "a.b", "a_b"]),
            ["label_b", "label_a_b_conflict1", "label_a_b_conflict2", "label_a_b_conflict3"]
        );
        assert_eq!(
            label_names("label_", &["a-b", "a.b", "a_b_conflict1"]),
            ["label_a_b_conflict2", "label_a_b_conflict3", "label_a_b_conflict1"]
        );
    }
}
