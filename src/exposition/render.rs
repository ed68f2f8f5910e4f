//! Deployments as text, family by family.

use std::{convert::Infallible, io};

use bytes::Bytes;

use super::{
    Chunk, Description, Format,
    families::{FAMILIES, LABELS, Subject},
    labels,
    text::{Samples, write_label},
};
use crate::model::{Deployment, LabelKeys, Requested};

/// So many deployments' samples of a family are one piece of text. A piece in which nothing changed is shared with the
/// text before; and the next one is written where the last was, in memory that the caches hold.
pub(super) const BLOCK: usize = 1024;

/// Text that is written out and not kept is written in pieces of about so many bytes, which stay in the caches.
const WRITTEN: usize = 256 * 1024;

/// So many deployments' samples are added to such a piece at once.
const ADDED: usize = 64;

/// Renders `namespace`; what is the same as in `before` is shared with it.
pub fn render(namespace: &Namespace<'_>, label_keys: &LabelKeys, before: &Chunk) -> Chunk {
    let mut text = Vec::new();
    let mut families = Vec::new();
    let Ok(()) = for_each_family(label_keys, |family, write| {
        let known = before.family(families.len());
        let mut pieces: Vec<Bytes> = Vec::new();
        for block in namespace.blocks(BLOCK) {
            text.clear();
            block.write(family, write, &mut text);
            if !text.is_empty() {
                let same = known.get(pieces.len()).filter(|known| *known == &text);
                pieces.push(same.cloned().unwrap_or_else(|| Bytes::copy_from_slice(&text)));
            }
        }
        families.push(pieces);
        Ok::<(), Infallible>(())
    });
    Chunk::new(families).sharing(before)
}

/// Writes all `namespaces` in the text format, holding little of it.
pub fn write(
    namespaces: &[Namespace<'_>],
    label_keys: &LabelKeys,
    out: &mut impl io::Write,
) -> io::Result<()> {
    let mut text = Vec::new();
    for_each_family(label_keys, |family, write| {
        let mut header = family.header(Format::Text);
        for block in namespaces.iter().flat_map(|namespace| namespace.blocks(ADDED)) {
            let start = text.len();
            text.extend_from_slice(header.as_bytes());
            let samples = text.len();
            block.write(family, write, &mut text);
            if text.len() == samples {
                text.truncate(start);
                continue;
            }
            header.clear();
            if text.len() >= WRITTEN {
                out.write_all(&text)?;
                text.clear();
            }
        }
        Ok::<(), io::Error>(())
    })?;
    out.write_all(&text)
}

/// Writes one deployment's samples of a family.
type Write<'w> = &'w dyn Fn(&Subject<'_>, &mut Samples<'_>);

/// Goes through the catalogue, whose last family is that of the deployment labels.
fn for_each_family<E>(
    label_keys: &LabelKeys,
    mut each: impl FnMut(Description, Write<'_>) -> Result<(), E>,
) -> Result<(), E> {
    for family in FAMILIES {
        each(family.description, &family.write)?;
    }
    let names = LabelNames::new(label_keys);
    each(LABELS, &|subject, samples| names.write(subject.deployment, samples))
}

/// The deployments of a namespace, and what every family needs of each.
#[derive(Debug)]
pub struct Namespace<'d> {
    subjects: Vec<Subject<'d>>,
    /// The identity labels of each, one after the other.
    identities: Vec<u8>,
}

impl<'d> Namespace<'d> {
    /// The `deployments` of one namespace.
    pub fn new(workspace: &str, namespace: &str, deployments: impl Iterator<Item = &'d Deployment>) -> Self {
        let mut common = Vec::new();
        write_label(&mut common, "workspace", workspace);
        common.push(b',');
        write_label(&mut common, "namespace", namespace);
        let mut identities = Vec::new();
        let subjects = deployments.map(|deployment| {
            identities.extend_from_slice(&common);
            identities.push(b',');
            write_label(&mut identities, "deployment_id", &deployment.id);
            identities.push(b',');
            write_label(&mut identities, "deployment", &deployment.name);
            Subject { deployment, requested: Requested::of(deployment), identity_end: identities.len() }
        });
        let subjects = subjects.collect();
        Self { subjects, identities }
    }

    /// All of them in their order, so many at a time.
    fn blocks(&self, size: usize) -> impl Iterator<Item = Block<'_>> {
        self.subjects.chunks(size).scan(0, |start, subjects| {
            let block = Block { subjects, identities: &self.identities, start: *start };
            *start = subjects.last().map_or(*start, |last| last.identity_end);
            Some(block)
        })
    }
}

/// Deployments of one namespace that follow one another.
struct Block<'n> {
    subjects: &'n [Subject<'n>],
    identities: &'n [u8],
    /// Where their identity labels start.
    start: usize,
}

impl Block<'_> {
    /// Adds their samples of a family to `text`.
    fn write(&self, family: Description, write: Write<'_>, text: &mut Vec<u8>) {
        let mut start = self.start;
        for subject in self.subjects {
            let identity = &self.identities[start..subject.identity_end];
            start = subject.identity_end;
            write(subject, &mut Samples::new(text, family.name, identity));
        }
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
            Self::Listed(keys) if keys.is_empty() => {}
            Self::Listed(keys) => {
                let labels: Vec<(&str, &str)> =
                    keys.iter().map(|(key, name)| (name.as_str(), value_of(deployment, key))).collect();
                samples.count(labels.as_slice(), Some(1));
            }
            Self::All => {
                let keys: Vec<&str> = deployment.labels.iter().map(|(key, _)| &**key).collect();
                let names = labels::names(&keys);
                let values = deployment.labels.iter().map(|(_, value)| &**value);
                let labels: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(values).collect();
                samples.count(labels.as_slice(), Some(1));
            }
        }
    }
}

fn value_of<'d>(deployment: &'d Deployment, key: &str) -> &'d str {
    deployment.labels.iter().find(|(known, _)| &**known == key).map_or("", |(_, value)| value)
}
