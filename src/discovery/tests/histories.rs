//! Random histories, against a simple account of what must be polled.

use std::collections::BTreeMap;

use proptest::{collection, prelude::*, sample::subsequence};

use super::*;

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// The objects in one listing, and those with deployments at that time. A failed listing is none.
type Step = (Option<Vec<(usize, bool)>>, Vec<usize>);

fn history() -> impl Strategy<Value = Vec<Step>> {
    let indices = || subsequence((0..NAMES.len()).collect::<Vec<_>>(), 0..=NAMES.len());
    let listing =
        (indices(), collection::vec(any::<bool>(), NAMES.len())).prop_map(|(indices, not_running)| {
            indices.into_iter().map(|index| (index, not_running[index])).collect()
        });
    collection::vec((proptest::option::weighted(0.8, listing), indices()), 0..30)
}

/// What must be polled, straight from the listings: an object that ran in the last or the last but one listing, unless
/// two successful listings in a row lack it while it does not answer.
#[derive(Debug, Default)]
struct Account {
    /// Of each object since it was found: the listings so far, absent, or whether it was in a state in which nothing runs.
    seen: BTreeMap<usize, Vec<Option<bool>>>,
    not_running: BTreeMap<usize, bool>,
}

impl Account {
    fn apply(&mut self, listed: &[(usize, bool)], answering: &[usize]) {
        for index in 0..NAMES.len() {
            let state =
                listed.iter().find(|(listed, _)| *listed == index).map(|(_, not_running)| *not_running);
            let known = self.seen.contains_key(&index);
            if !known && state.is_none() {
                continue;
            }
            let history = self.seen.entry(index).or_default();
            history.push(state);
            let last_two = &history[history.len().saturating_sub(2)..];
            let not_running = match last_two {
                [first] => *first == Some(true),
                [Some(true), Some(true)] => true,
                [_, Some(false)] => false,
                _ => self.not_running[&index],
            };
            let gone = last_two == [None, None] && !answering.contains(&index);
            self.not_running.insert(index, not_running);
            if gone {
                self.seen.remove(&index);
                self.not_running.remove(&index);
            }
        }
    }

    fn polled(&self) -> Vec<&str> {
        let running = self.not_running.iter().filter(|(_, not_running)| !**not_running);
        running.map(|(index, _)| NAMES[*index]).collect()
    }
}

fn answering(indices: &[usize], name: impl Fn(&str) -> String) -> Answering {
    Answering(indices.iter().map(|index| name(NAMES[*index])).collect())
}

proptest! {
    #[test]
    fn namespaces_are_polled_as_their_listings_say(history in history()) {
        let mut account = Account::default();
        let mut inventory = Inventory::of_region();
        inventory.workspaces_listed(&[instance("w", "RUNNING")], true, &Answering::default().has_deployments());
        for (listing, has_deployments) in history {
            // A listing that failed changes nothing.
            let Some(listing) = listing else { continue };
            let state = |not_running| if not_running { "DELETING" } else { "SUCCESS" };
            let listed: Vec<_> =
                listing.iter().map(|(index, not_running)| namespace(NAMES[*index], state(*not_running))).collect();
            inventory.namespaces_listed("w", &listed, true, &answering(&has_deployments, |name| format!("w/{name}")).has_deployments());
            account.apply(&listing, &has_deployments);
            let expected: Vec<_> = account.polled().iter().map(|name| format!("w/{name}")).collect();
            prop_assert_eq!(polled(&inventory, &everything()), expected);
        }
    }

    #[test]
    fn workspaces_are_polled_as_their_listings_say(history in history()) {
        let mut account = Account::default();
        let mut inventory = Inventory::of_region();
        for (listing, has_deployments) in history {
            let Some(listing) = listing else { continue };
            let state = |not_running| if not_running { "DISABLE" } else { "RUNNING" };
            let listed: Vec<_> =
                listing.iter().map(|(index, not_running)| instance(NAMES[*index], state(*not_running))).collect();
            let answers_now = answering(&has_deployments, |name| format!("{name}/n"));
            inventory.workspaces_listed(&listed, true, &answers_now.has_deployments());
            for (index, _) in &listing {
                inventory.namespaces_listed(NAMES[*index], &[namespace("n", "SUCCESS")], true, &answers_now.has_deployments());
            }
            account.apply(&listing, &has_deployments);
            let expected: Vec<_> = account.polled().iter().map(|name| format!("{name}/n")).collect();
            prop_assert_eq!(polled(&inventory, &everything()), expected);
        }
    }

    #[test]
    fn each_workspace_belongs_to_one_entry(
        entries in collection::vec((history(), subsequence(NAMES.to_vec(), 0..=NAMES.len())), 1..4),
        configured in subsequence(NAMES.to_vec(), 0..=2),
    ) {
        let known: Vec<_> = entries.iter().map(|(history, excluded)| {
            let mut inventory = Inventory::of_region();
            for (listing, _) in history {
                let listed: Vec<_> =
                    listing.iter().flatten().map(|(index, _)| instance(NAMES[*index], "RUNNING")).collect();
                inventory.workspaces_listed(&listed, true, &Answering::default().has_deployments());
            }
            (except(excluded, &[]), inventory)
        }).collect();
        let entries: Vec<_> = known.iter().map(|(selection, inventory)| (selection, inventory)).collect();
        let select_workspaces = select_workspaces(&entries, &configured.iter().copied().collect());
        for name in NAMES {
            let owners = select_workspaces.iter().filter(|selection| selection.workspaces.contains_key(name)).count();
            let selected = entries.iter().any(|(selection, inventory)| {
                let WorkspaceSelection::Matching(filter) = &selection.workspaces else { return false };
                inventory.workspaces.get(name).is_some_and(|known| filter.selects(name, &known.name, &known.tags))
            });
            prop_assert_eq!(owners, usize::from(selected && !configured.contains(&name)), "{}", name);
        }
    }
}
