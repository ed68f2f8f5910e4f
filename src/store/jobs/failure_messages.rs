//! Messages of job failures. They are never saved, and their total size is limited.

use std::collections::{BTreeMap, HashMap};

use crate::model::{FailureMessage, GroupId};

/// Maximum size of all messages together, in bytes.
const MAX_BYTES: usize = 16 << 20;

type Key = (GroupId, Box<str>);

/// Messages of the last failures, by namespace and deployment.
#[derive(Debug, Default)]
pub(in crate::store) struct FailureMessages {
    by_age: BTreeMap<u64, (Key, FailureMessage)>,
    ages: HashMap<Key, u64>,
    bytes: usize,
    last_age: u64,
}

impl FailureMessages {
    /// Replaces the message of a deployment. If there are too many, the oldest are dropped.
    pub(in crate::store) fn set(&mut self, group: &GroupId, id: &str, message: Option<FailureMessage>) {
        self.remove(group, id);
        let Some(message) = message else { return };
        self.last_age += 1;
        self.bytes += message.as_str().len();
        let key: Key = (group.clone(), id.into());
        self.ages.insert(key.clone(), self.last_age);
        self.by_age.insert(self.last_age, (key, message));
        while self.bytes > MAX_BYTES {
            let Some((_, (key, message))) = self.by_age.pop_first() else { return };
            self.ages.remove(&key);
            self.bytes -= message.as_str().len();
        }
    }

    pub(in crate::store) fn get(&self, group: &GroupId, id: &str) -> Option<FailureMessage> {
        let age = self.ages.get(&(group.clone(), id.into()))?;
        self.by_age.get(age).map(|(_, message)| message.clone())
    }

    fn remove(&mut self, group: &GroupId, id: &str) {
        let Some(age) = self.ages.remove(&(group.clone(), id.into())) else { return };
        if let Some((_, message)) = self.by_age.remove(&age) {
            self.bytes -= message.as_str().len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DEPLOYMENTS, MAX_MESSAGE};

    #[test]
    fn the_oldest_messages_are_dropped_beyond_the_total() {
        let group = GroupId { workspace: "w".into(), namespace: "n".into(), collector: DEPLOYMENTS };
        let message = FailureMessage::new(&"m".repeat(MAX_MESSAGE));
        let most = MAX_BYTES / MAX_MESSAGE;
        let mut messages = FailureMessages::default();
        for number in 0..most {
            messages.set(&group, &number.to_string(), message.clone());
        }
        messages.set(&group, "0", FailureMessage::new("again"));
        assert_eq!(messages.get(&group, "0"), FailureMessage::new("again"));
        assert_eq!(messages.get(&group, "1"), message);
        messages.set(&group, "one more", message.clone());
        assert_eq!((messages.get(&group, "1"), messages.get(&group, "one more")), (None, message));
        assert!(messages.bytes <= MAX_BYTES);
        for number in 0..most {
            messages.set(&group, &number.to_string(), None);
        }
        messages.set(&group, "one more", None);
        assert_eq!((messages.bytes, messages.by_age.len(), messages.ages.len()), (0, 0, 0));
    }
}
