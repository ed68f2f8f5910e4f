//! A namespace's deployments as text, family by family.

use super::{
    Chunk,
    families::{FAMILIES, LABELS},
    labels,
    text::{Pieces, Samples, write_label},
};
use crate::model::{Deployment, LabelKeys};

/// How many families a chunk has: those of the catalogue, and the deployment labels.
const COUNT: usize = FAMILIES.len() + 1;

/// Renders `deployments` of one namespace.
pub fn render<'d>(
    workspace: &str,
    namespace: &str,
    deployments: impl Iterator<Item = &'d Deployment>,
    label_keys: &LabelKeys,
) -> Chunk {
    let identities = Identities::new(workspace, namespace, deployments);
    let mut pieces = Pieces::default();
    let mut families = Vec::with_capacity(COUNT);
    for family in FAMILIES {
        for (deployment, identity) in identities.iter() {
            (family.write)(deployment, &mut Samples::new(&mut pieces, family.description.name, identity));
        }
        families.push(pieces.take());
    }
    if !label_keys.is_empty() {
        let names = LabelNames::new(label_keys);
        for (deployment, identity) in identities.iter() {
            names.write(deployment, &mut Samples::new(&mut pieces, LABELS.name, identity));
        }
    }
    families.push(pieces.take());
    Chunk::new(families)
}

/// The identity labels of each deployment, rendered once for all its samples.
struct Identities<'d> {
    text: Vec<u8>,
    deployments: Vec<(&'d Deployment, usize)>,
}

impl<'d> Identities<'d> {
    fn new(workspace: &str, namespace: &str, deployments: impl Iterator<Item = &'d Deployment>) -> Self {
        let mut common = Vec::new();
        write_label(&mut common, "workspace", workspace);
        common.push(b',');
        write_label(&mut common, "namespace", namespace);
        let mut text = Vec::new();
        let deployments = deployments.map(|deployment| {
            text.extend_from_slice(&common);
            text.push(b',');
            write_label(&mut text, "deployment_id", &deployment.id);
            text.push(b',');
            write_label(&mut text, "deployment", &deployment.name);
            (deployment, text.len())
        });
        let deployments = deployments.collect();
        Self { text, deployments }
    }

    fn iter(&self) -> impl Iterator<Item = (&'d Deployment, &[u8])> {
        self.deployments.iter().scan(0, |start, &(deployment, end)| {
            let identity = &self.text[*start..end];
            *start = end;
            Some((deployment, identity))
        })
    }
}

/// How deployment labels are named.
enum LabelNames<'k> {
    /// The same labels on every deployment, empty where it has none.
    Listed(Vec<(&'k str, String)>),
    /// Whatever labels a deployment has.
    All,
}

impl<'k> LabelNames<'k> {
    fn new(keys: &'k LabelKeys) -> Self {
        match keys {
            LabelKeys::All => Self::All,
            LabelKeys::Listed(keys) => {
                let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                let names = labels::names(&keys);
                Self::Listed(keys.into_iter().zip(names).collect())
            }
        }
    }

    fn write(&self, deployment: &Deployment, samples: &mut Samples<'_>) {
        match self {
            Self::Listed(keys) => {
                let labels: Vec<(&str, &str)> =
                    keys.iter().map(|(key, name)| (name.as_str(), value_of(deployment, key))).collect();
                samples.count(&labels, Some(1));
            }
            Self::All => {
                let keys: Vec<&str> = deployment.labels.iter().map(|(key, _)| &**key).collect();
                let names = labels::names(&keys);
                let values = deployment.labels.iter().map(|(_, value)| &**value);
                let labels: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(values).collect();
                samples.count(&labels, Some(1));
            }
        }
    }
}

fn value_of<'d>(deployment: &'d Deployment, key: &str) -> &'d str {
    deployment.labels.iter().find(|(known, _)| &**known == key).map_or("", |(_, value)| value)
}
