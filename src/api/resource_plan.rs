//! `resourcePlan`: JSON in a string, escaped once or more.

use std::{borrow::Cow, collections::HashSet};

use super::deployment::Decoder;
use super::json::{Entries, List, Part, Read, Scalar, Unreadable, parse, unescape, wire_object};
use crate::model::{PlanNode, ResourcePlan, SlotGroup, parse_memory};

/// How often a plan is unwrapped at the most. The API reference shows one escaping too many; deeper ones are known
/// from tools that store plans.
const MAX_UNWRAPPINGS: u32 = 4;

/// More slot sharing groups than any job has: each is five series.
const MAX_GROUPS: usize = 256;

/// The group of an operator that names none, as in Flink.
const DEFAULT_GROUP: &str = "default";

const FIELD: &str = "streamingResourceSetting.expertResourceSetting.resourcePlan";

wire_object! {
    WirePlan<'a> {
        groups: Part<List<Part<WireGroup<'a>>>> = "ssgProfiles",
        nodes: Part<List<Part<WireNode<'a>>>> = "nodes",
    }
}

wire_object! {
    WireGroup<'a> {
        name: Scalar<'a> = "name",
        cpu: Scalar<'a> = "cpu",
        heap: Scalar<'a> = "heap",
        off_heap: Scalar<'a> = "offHeap",
        managed: Managed<'a> = "managed",
    }
}

wire_object! {
    WireNode<'a> { profile: Part<WireProfile<'a>> = "profile" }
}

wire_object! {
    WireProfile<'a> { group: Scalar<'a> = "group", parallelism: Scalar<'a> = "parallelism" }
}

/// `managed` is a map of sizes, or one size.
type Managed<'a> = Scalar<'a>;

/// Decodes the field as it stands.
pub(super) fn decode(decoder: &mut Decoder<'_>, field: Scalar<'_>) -> Option<ResourcePlan> {
    let mut text = std::mem::take(&mut decoder.plan_text);
    let plan = match field.unescaped_json(MAX_UNWRAPPINGS, &mut text).map(parse) {
        Some(Ok(Part::Is(plan))) => plan_of(decoder, plan),
        _ => decode_stepwise(decoder, field),
    };
    decoder.plan_text = text;
    plan
}

/// Decodes any field, by taking off one layer of escapes after the other.
fn decode_stepwise(decoder: &mut Decoder<'_>, field: Scalar<'_>) -> Option<ResourcePlan> {
    let mut text = decoder.keep(FIELD, field.json_text())?;
    for _ in 0..MAX_UNWRAPPINGS {
        if text.trim().is_empty() {
            return None;
        }
        match parse::<Part<WirePlan<'_>>>(&text) {
            Ok(Part::Is(plan)) => return plan_of(decoder, plan),
            Ok(Part::Absent) => return None,
            Ok(Part::Wrong) | Err(_) => {}
        }
        let Some(inner) = unwrap(&text) else { break };
        text = Cow::Owned(inner);
    }
    decoder.keep(FIELD, Err(Unreadable))
}

/// Takes one layer of string syntax off: a JSON string, or the inside of one that lost its quotes.
fn unwrap(text: &str) -> Option<String> {
    let trimmed = text.trim();
    let inner = trimmed.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    unescape(inner.unwrap_or(text))
}

fn plan_of(decoder: &mut Decoder<'_>, plan: WirePlan<'_>) -> Option<ResourcePlan> {
    let groups = elements(decoder, plan.groups)?;
    let nodes = elements(decoder, plan.nodes)?;
    let mut slot_groups: Vec<SlotGroup> = Vec::new();
    for group in groups {
        let group = group_of(decoder, &group);
        // A name that stands twice would be the same series twice.
        if slot_groups.len() >= MAX_GROUPS || slot_groups.iter().any(|known| known.name == group.name) {
            return decoder.keep(FIELD, Err(Unreadable));
        }
        slot_groups.push(group);
    }
    let nodes: Vec<_> = nodes.into_iter().map(|node| node_of(decoder, node)).collect();
    // Counted before each node's group is looked for among all others.
    if slot_groups.len() + nodes.len() > MAX_GROUPS {
        let names = slot_groups.iter().map(|group| &group.name).chain(nodes.iter().map(|node| &node.group));
        if names.collect::<HashSet<_>>().len() > MAX_GROUPS {
            return decoder.keep(FIELD, Err(Unreadable));
        }
    }
    Some(ResourcePlan::new(slot_groups, &nodes))
}

/// The elements of one of the plan's lists: a plan with a part that can't be read would give wrong sums.
fn elements<T: Default>(decoder: &mut Decoder<'_>, list: Part<List<Part<T>>>) -> Option<Vec<T>> {
    let elements = list.value().and_then(|list| match list {
        None => Ok(Vec::new()),
        Some(List(elements)) => {
            elements.into_iter().map(|element| element.value()?.ok_or(Unreadable)).collect()
        }
    });
    decoder.keep(FIELD, elements.map(Some))
}

fn group_of(decoder: &mut Decoder<'_>, group: &WireGroup<'_>) -> SlotGroup {
    SlotGroup {
        name: decoder.text("resourcePlan.ssgProfiles.name", group.name),
        cpu_cores: decoder.cores("resourcePlan.ssgProfiles.cpu", group.cpu),
        heap_bytes: decoder.memory("resourcePlan.ssgProfiles.heap", group.heap),
        off_heap_bytes: decoder.memory("resourcePlan.ssgProfiles.offHeap", group.off_heap),
        managed_bytes: decoder.keep("resourcePlan.ssgProfiles.managed", managed_bytes(group.managed)),
        slots: None,
    }
}

fn node_of(decoder: &mut Decoder<'_>, node: WireNode<'_>) -> PlanNode {
    let profile = decoder.keep("resourcePlan.nodes.profile", node.profile.value()).unwrap_or_default();
    let group = decoder.text("resourcePlan.nodes.profile.group", profile.group);
    PlanNode {
        group: if group.is_empty() { decoder.intern(DEFAULT_GROUP) } else { group },
        parallelism: decoder.keep("resourcePlan.nodes.profile.parallelism", profile.parallelism.count()),
    }
}

fn managed_bytes(managed: Managed<'_>) -> Read<u64> {
    let text = managed.json_text()?;
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    match parse::<Part<Entries<'_>>>(&text) {
        Ok(Part::Is(Entries(entries))) => sum(&entries),
        _ => parse_memory(&text).map(Some).map_err(|_| Unreadable),
    }
}

/// An empty map says nothing of managed memory.
fn sum(entries: &[(Option<Cow<'_, str>>, Scalar<'_>)]) -> Read<u64> {
    let mut total = None;
    for (_, size) in entries {
        if let Some(size) = size.text()? {
            let size = parse_memory(&size).map_err(|_| Unreadable)?;
            total = Some(total.unwrap_or(0_u64).checked_add(size).ok_or(Unreadable)?);
        }
    }
    Ok(total)
}
