//! Random histories, against a simple account of what must be polled.

use std::collections::BTreeMap;

use proptest::{collection, prelude::*, sample::subsequence};

use super::*;

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// What one listing says, and what answers at that time. None is a listing that failed.
type Step = (Option<Vec<(usize, bool)>>, Vec<usize>);

fn history() -> impl Strategy<Value = Vec<Step>> {
    let indices = || subsequence((0..NAMES.len()).collect::<Vec<_>>(), 0..=NAMES.len());
    let listing = (indices(), collection::vec(any::<bool>(), NAMES.len()))
        .prop_map(|(indices, stopped)| indices.into_iter().map(|index| (index, stopped[index])).collect());
    collection::vec((proptest::option::weighted(0.8, listing), indices()), 0..30)
}

/// What must be polled, straight from the listings: an object that ran in the last or the last but one listing, unless
/// two successful listings in a row lack it while it does not answer.
#[derive(Debug, Default)]
struct Account {
    /// Of each object since it was found: the listings so far, absent or whether stopped.
    seen: BTreeMap<usize, Vec<Option<bool>>>,
    stopped: BTreeMap<usize, bool>,
}

impl Account {
    fn apply(&mut self, listed: &[(usize, bool)], answering: &[usize]) {
        for index in 0..NAMES.len() {
            let state = listed.iter().find(|(listed, _)| *listed == index).map(|(_, stopped)| *stopped);
            let known = self.seen.contains_key(&index);
            if !known && state.is_none() {
                continue;
            }
            let history = self.seen.entry(index).or_default();
            history.push(state);
            let last_two = &history[history.len().saturating_sub(2)..];
            let stopped = match last_two {
                [first] => *first == Some(true),
                [Some(true), Some(true)] => true,
                [_, Some(false)] => false,
                _ => self.stopped[&index],
            };
            let gone = last_two == [None, None] && !answering.contains(&index);
            self.stopped.insert(index, stopped);
            if gone {
                self.seen.remove(&index);
                self.stopped.remove(&index);
            }
        }
    }

    fn polled(&self) -> Vec<&str> {
        let running = self.stopped.iter().filter(|(_, stopped)| !**stopped);
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
        let mut knowledge = Knowledge::of_region();
        knowledge.workspaces_listed(&[instance("w", "RUNNING")], true, &Answering::default().answers());
        for (listing, answers) in history {
            // A listing that failed changes nothing.
            let Some(listing) = listing else { continue };
            let state = |stopped| if stopped { "DELETING" } else { "SUCCESS" };
            let listed: Vec<_> =
                listing.iter().map(|(index, stopped)| namespace(NAMES[*index], state(*stopped))).collect();
            knowledge.namespaces_listed("w", &listed, true, &answering(&answers, |name| format!("w/{name}")).answers());
            account.apply(&listing, &answers);
            let expected: Vec<_> = account.polled().iter().map(|name| format!("w/{name}")).collect();
            prop_assert_eq!(polled(&knowledge, &everything()), expected);
        }
    }

    #[test]
    fn workspaces_are_polled_as_their_listings_say(history in history()) {
        let mut account = Account::default();
        let mut knowledge = Knowledge::of_region();
        for (listing, answers) in history {
            let Some(listing) = listing else { continue };
            let state = |stopped| if stopped { "DISABLE" } else { "RUNNING" };
            let listed: Vec<_> =
                listing.iter().map(|(index, stopped)| instance(NAMES[*index], state(*stopped))).collect();
            let answers_now = answering(&answers, |name| format!("{name}/n"));
            knowledge.workspaces_listed(&listed, true, &answers_now.answers());
            for (index, _) in &listing {
                knowledge.namespaces_listed(NAMES[*index], &[namespace("n", "SUCCESS")], true, &answers_now.answers());
            }
            account.apply(&listing, &answers);
            let expected: Vec<_> = account.polled().iter().map(|name| format!("{name}/n")).collect();
            prop_assert_eq!(polled(&knowledge, &everything()), expected);
        }
    }

    #[test]
    fn each_workspace_belongs_to_one_entry(
        entries in collection::vec((history(), subsequence(NAMES.to_vec(), 0..=NAMES.len())), 1..4),
        taken in subsequence(NAMES.to_vec(), 0..=2),
    ) {
        let known: Vec<_> = entries.iter().map(|(history, excluded)| {
            let mut knowledge = Knowledge::of_region();
            for (listing, _) in history {
                let listed: Vec<_> =
                    listing.iter().flatten().map(|(index, _)| instance(NAMES[*index], "RUNNING")).collect();
                knowledge.workspaces_listed(&listed, true, &Answering::default().answers());
            }
            (except(excluded, &[]), knowledge)
        }).collect();
        let entries: Vec<_> = known.iter().map(|(selection, knowledge)| (selection, knowledge)).collect();
        let views = views(&entries, &taken.iter().copied().collect());
        for name in NAMES {
            let owners = views.iter().filter(|view| view.workspaces.contains_key(name)).count();
            let selected = entries.iter().any(|(selection, knowledge)| {
                let WorkspaceSelection::Matching(filter) = &selection.workspaces else { return false };
                knowledge.workspaces.get(name).is_some_and(|known| filter.selects(name, &known.name, &known.tags))
            });
            prop_assert_eq!(owners, usize::from(selected && !taken.contains(&name)), "{}", name);
        }
    }
}
