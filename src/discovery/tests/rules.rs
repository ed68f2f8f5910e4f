//! Each rule on its own.

use super::*;

const RUNNING: &str = "RUNNING";
const NONE: [&str; 0] = [];

#[test]
fn listed_targets_are_polled_immediately() {
    let mut entry = Entry::of_region();
    entry.workspaces(&[("w1", RUNNING), ("w2", RUNNING)]);
    entry.namespaces("w1", &[("a", "SUCCESS"), ("b", "FAILED")]);
    assert_eq!(entry.polled(), ["w1/a", "w1/b"]);
    entry.namespaces("w2", &[("a", "")]);
    assert_eq!(entry.polled(), ["w1/a", "w1/b", "w2/a"]);
}

#[test]
fn a_namespace_is_removed_after_two_listings_without_it() {
    let mut entry = Entry::of_region();
    entry.workspaces(&[("w1", RUNNING)]);
    entry.namespaces("w1", &[("a", "SUCCESS"), ("b", "SUCCESS")]);
    entry.namespaces("w1", &[("a", "SUCCESS")]);
    assert_eq!(entry.polled(), ["w1/a", "w1/b"]);
    let (_, counts) = entry.counts(&everything());
    assert_eq!(counts, StateCounts { polled: 1, missing: 1, ..StateCounts::default() });
    entry.namespaces("w1", &[("a", "SUCCESS")]);
    assert_eq!(entry.polled(), ["w1/a"]);
    entry.namespaces("w1", &[("a", "SUCCESS"), ("b", "SUCCESS")]);
    assert_eq!(entry.polled(), ["w1/a", "w1/b"]);
}

#[test]
fn an_unlisted_target_stays_while_it_responds() {
    let mut entry = Entry::of_region();
    entry.workspaces(&[("w1", RUNNING)]);
    entry.namespaces("w1", &[("a", "SUCCESS"), ("b", "SUCCESS")]);
    entry.answering = Answering::of(&["w1/b"]);
    for _ in 0..5 {
        entry.namespaces("w1", &[]);
    }
    assert_eq!(entry.polled(), ["w1/b"]);
    for _ in 0..5 {
        entry.workspaces(&[]);
    }
    assert_eq!(entry.polled(), ["w1/b"], "a workspace has_deployments if one of its namespaces does");
    entry.answering = Answering::default();
    assert_eq!(entry.polled(), ["w1/b"], "only a listing removes");
    entry.workspaces(&[]);
    assert_eq!(entry.polled(), NONE);
}

#[test]
fn a_workspace_is_removed_after_two_listings_without_it() {
    let mut entry = Entry::of_region();
    entry.workspaces(&[("w1", RUNNING), ("w2", RUNNING)]);
    entry.namespaces("w1", &[("a", "SUCCESS")]);
    entry.namespaces("w2", &[("a", "SUCCESS")]);
    entry.workspaces(&[("w1", RUNNING)]);
    assert_eq!(entry.polled(), ["w1/a", "w2/a"]);
    let counts = StateCounts { polled: 1, missing: 1, ..StateCounts::default() };
    assert_eq!(entry.counts(&everything()).0, counts);
    entry.workspaces(&[("w1", RUNNING)]);
    assert_eq!(entry.polled(), ["w1/a"]);
}

#[test]
fn an_inconsistent_listing_removes_nothing() {
    let mut entry = Entry::of_region();
    entry.workspaces(&[("w1", RUNNING), ("w2", RUNNING)]);
    entry.namespaces("w1", &[("a", "SUCCESS")]);
    for _ in 0..5 {
        entry.inventory.workspaces_listed(
            &[instance("w2", RUNNING)],
            false,
            &Answering::default().has_deployments(),
        );
        entry.inventory.namespaces_listed("w1", &[], false, &Answering::default().has_deployments());
        entry.inventory.editable_listed(&[], false, &Answering::default().has_deployments());
    }
    assert_eq!(entry.polled(), ["w1/a"]);
    assert_eq!(entry.counts(&everything()).0.missing, 0);
}

#[test]
fn a_state_in_which_nothing_runs_stops_polling_after_two_listings() {
    for state in ["CREATING", "DISABLE", "DELETING", "DELETED"] {
        let mut entry = Entry::of_region();
        entry.workspaces(&[("w1", RUNNING)]);
        entry.namespaces("w1", &[("a", "SUCCESS")]);
        entry.workspaces(&[("w1", state)]);
        assert_eq!(entry.polled(), ["w1/a"], "{state}: it may flicker for one listing");
        entry.workspaces(&[("w1", RUNNING)]);
        entry.workspaces(&[("w1", state)]);
        assert_eq!(entry.polled(), ["w1/a"]);
        entry.workspaces(&[("w1", state)]);
        assert_eq!(entry.polled(), NONE, "{state}");
        let not_running = StateCounts { not_running: 1, ..StateCounts::default() };
        assert_eq!(entry.counts(&everything()), (not_running, not_running));
        entry.workspaces(&[("w1", RUNNING)]);
        assert_eq!(entry.polled(), ["w1/a"]);
    }
}

#[test]
fn a_workspace_that_is_found_in_such_a_state_is_not_polled() {
    let mut entry = Entry::of_region();
    entry.workspaces(&[("w1", "CREATING"), ("w2", "EXCEPTION"), ("w3", "")]);
    for id in ["w1", "w2", "w3"] {
        entry.namespaces(id, &[("a", "SUCCESS")]);
    }
    assert_eq!(entry.polled(), ["w2/a", "w3/a"], "an unknown state is polled");
    entry.workspaces(&[("w1", RUNNING), ("w2", "EXCEPTION"), ("w3", "")]);
    assert_eq!(entry.polled(), ["w1/a", "w2/a", "w3/a"]);
}

#[test]
fn a_workspace_that_was_missing_needs_two_listings_to_stop_too() {
    let mut entry = Entry::of_region();
    entry.workspaces(&[("w1", RUNNING)]);
    entry.namespaces("w1", &[("a", "SUCCESS")]);
    entry.workspaces(&[]);
    entry.workspaces(&[("w1", "DISABLE")]);
    assert_eq!(entry.polled(), ["w1/a"]);
    entry.workspaces(&[("w1", "DISABLE")]);
    assert_eq!(entry.polled(), NONE);
}

#[test]
fn a_namespace_that_is_created_or_deleted_is_not_polled() {
    let mut entry = Entry::of_region();
    entry.workspaces(&[("w1", RUNNING)]);
    entry.namespaces("w1", &[("a", "CREATING"), ("b", "MODIFYING"), ("c", "SUCCESS")]);
    assert_eq!(entry.polled(), ["w1/b", "w1/c"]);
    entry.namespaces("w1", &[("a", "SUCCESS"), ("b", "SUCCESS"), ("c", "DELETING")]);
    assert_eq!(entry.polled(), ["w1/a", "w1/b", "w1/c"]);
    entry.answering = Answering::of(&["w1/c"]);
    entry.namespaces("w1", &[("a", "SUCCESS"), ("b", "SUCCESS"), ("c", "DELETING")]);
    assert_eq!(entry.polled(), ["w1/a", "w1/b"], "its state decides, though it has_deployments");
}

#[test]
fn a_listing_without_a_workspace_keeps_its_namespaces() {
    let mut entry = Entry::of_region();
    entry.workspaces(&[("w1", RUNNING)]);
    entry.namespaces("w1", &[("a", "SUCCESS")]);
    entry.workspaces(&[]);
    entry.workspaces(&[("w1", RUNNING)]);
    entry.namespaces("w1", &[]);
    assert_eq!(entry.polled(), ["w1/a"]);
}

#[test]
fn filters_apply_immediately_to_known_targets() {
    let mut entry = Entry::of_region();
    entry.workspaces(&[("w1", RUNNING), ("w2", RUNNING)]);
    entry.namespaces("w1", &[("a", "SUCCESS"), ("b-test", "SUCCESS")]);
    entry.namespaces("w2", &[("a", "SUCCESS")]);
    let selection = except(&["name-w2"], &["*-test"]);
    assert_eq!(polled(&entry.inventory, &selection), ["w1/a"]);
    let counts = StateCounts { polled: 1, excluded: 1, ..StateCounts::default() };
    assert_eq!(entry.counts(&selection), (counts, counts));
    entry.answering = Answering::of(&["w1/b-test", "w2/a"]);
    assert_eq!(polled(&entry.inventory, &selection), ["w1/a"]);
    assert_eq!(polled(&entry.inventory, &everything()), ["w1/a", "w1/b-test", "w2/a"]);
}

#[test]
fn the_first_entry_that_selects_a_workspace_has_it() {
    let [mut first, mut second] = [Entry::of_region(), Entry::of_region()];
    for entry in [&mut first, &mut second] {
        entry.workspaces(&[("w1", RUNNING), ("w2", RUNNING), ("w3", RUNNING)]);
        for id in ["w1", "w2", "w3"] {
            entry.namespaces(id, &[("a", "SUCCESS")]);
        }
    }
    let (only_1, all) = (except(&["w2", "w3"], &[]), everything());
    let entries = [(&only_1, &first.inventory), (&all, &second.inventory)];
    assert_eq!(polled_by_each(&entries, &[]), [vec!["w1/a"], vec!["w2/a", "w3/a"]]);
    assert_eq!(polled_by_each(&entries, &["w1", "w3"]), [vec![], vec!["w2/a"]], "listed ones are configured");
    let counts: Vec<StateCounts> = select_workspaces(&entries, &BTreeSet::from(["w3"]))
        .iter()
        .map(|selection| selection.workspace_counts)
        .collect();
    assert_eq!(counts[0], StateCounts { polled: 1, excluded: 2, ..StateCounts::default() });
    assert_eq!(counts[1], StateCounts { polled: 1, ..StateCounts::default() });
}

#[test]
fn an_entry_takes_a_workspace_over_when_it_knows_its_namespaces() {
    let [mut first, mut second] = [Entry::of_region(), Entry::of_region()];
    second.workspaces(&[("w1", RUNNING)]);
    second.namespaces("w1", &[("a", "SUCCESS")]);
    let all = everything();
    let polled = |first: &Entry, second: &Entry| {
        polled_by_each(&[(&all, &first.inventory), (&all, &second.inventory)], &[])
    };
    first.workspaces(&[("w1", RUNNING)]);
    assert_eq!(polled(&first, &second), [vec![], vec!["w1/a"]]);
    first.namespaces("w1", &[("a", "SUCCESS"), ("b", "SUCCESS")]);
    assert_eq!(polled(&first, &second), [vec!["w1/a", "w1/b"], vec![]]);
}

#[test]
fn a_listed_workspace_is_never_removed_and_others_do_not_count() {
    let mut entry = Entry { inventory: Inventory::of_workspace("w1"), answering: Answering::default() };
    let missing = StateCounts { missing: 1, ..StateCounts::default() };
    assert_eq!(entry.counts(&listed("w1")), (missing, StateCounts::default()));
    for _ in 0..3 {
        entry.workspaces(&[("w2", RUNNING)]);
    }
    assert_eq!(entry.counts(&listed("w1")).0, missing);
    entry.workspaces(&[("w2", RUNNING), ("w1", "CREATING")]);
    assert_eq!(entry.counts(&listed("w1")).0, StateCounts { not_running: 1, ..StateCounts::default() });
    entry.workspaces(&[("w1", RUNNING)]);
    entry.namespaces("w1", &[("a", "SUCCESS")]);
    let one = StateCounts { polled: 1, ..StateCounts::default() };
    assert_eq!(entry.counts(&listed("w1")), (one, one));
    for _ in 0..3 {
        entry.namespaces("w1", &[]);
    }
    assert_eq!(entry.counts(&listed("w1")), (one, StateCounts::default()));
}

#[test]
fn editable_namespaces_follow_the_same_rules() {
    let mut entry = Entry::of_region();
    entry.editable(&[("w1", "a"), ("w1", "b"), ("w2", "a")]);
    assert_eq!(entry.polled(), ["w1/a", "w1/b", "w2/a"]);
    entry.editable(&[("w1", "a")]);
    assert_eq!(entry.polled(), ["w1/a", "w1/b", "w2/a"]);
    let counts = StateCounts { polled: 1, missing: 1, ..StateCounts::default() };
    assert_eq!(entry.counts(&everything()), (counts, StateCounts { missing: 2, ..counts }));
    entry.answering = Answering::of(&["w1/b"]);
    entry.editable(&[("w1", "a")]);
    assert_eq!(entry.polled(), ["w1/a", "w1/b"]);
    entry.answering = Answering::default();
    entry.editable(&[("w1", "a")]);
    assert_eq!(entry.polled(), ["w1/a"]);
}

#[test]
fn a_source_without_states_polls_workspaces_that_another_source_stopped() {
    let mut entry = Entry::of_region();
    entry.workspaces(&[("w1", "DISABLE"), ("w2", RUNNING)]);
    entry.namespaces("w1", &[("a", "SUCCESS")]);
    entry.inventory.forget_details();
    entry.editable(&[("w1", "a")]);
    assert_eq!(entry.polled(), ["w1/a"]);
}

#[test]
fn known_targets_survive_a_restart() {
    let mut entry = Entry::of_region();
    entry.workspaces(&[("w1", RUNNING), ("w2", "DISABLE"), ("w3", RUNNING)]);
    entry.namespaces("w1", &[("a", "SUCCESS"), ("b", "DELETING")]);
    entry.workspaces(&[("w1", RUNNING), ("w2", "DISABLE")]);
    let saved = serde_json::to_vec(&entry.inventory).unwrap();
    let restored: Inventory = serde_json::from_slice(&saved).unwrap();
    assert_eq!(restored, entry.inventory);
    assert_eq!(polled(&restored, &everything()), ["w1/a"]);
}
