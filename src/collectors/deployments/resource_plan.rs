//! Decoding of `resourcePlan`: JSON in a string, with one or more levels of escaping.

use std::{borrow::Cow, collections::HashSet};

use lenient_json::{Array, Entries, InvalidValue, Lenient, Parsed, Scalar, lenient_object, parse, unescape};

use crate::{
    api::Decoder,
    model::{PlanNode, ResourcePlan, SlotGroup, parse_memory},
};

/// Maximum number of levels of escaping. The example in the reference of `ListDeployments` (November 2026) has one
/// level too many; tools that store plans add more.
const MAX_DEPTH: u32 = 4;

/// Maximum number of slot sharing groups, because each adds five series. Jobs have fewer.
const MAX_GROUPS: usize = 256;

/// The group of an operator without a group (Flink, November 2026).
/// <https://nightlies.apache.org/flink/flink-docs-stable/docs/deployment/finegrained_resource/>
const DEFAULT_GROUP: &str = "default";

const FIELD: &str = "streamingResourceSetting.expertResourceSetting.resourcePlan";

lenient_object! {
    struct WirePlan<'a> {
        groups: Lenient<Array<Lenient<WireGroup<'a>>>> = "ssgProfiles",
        nodes: Lenient<Array<Lenient<WireNode<'a>>>> = "nodes",
    }
}

lenient_object! {
    struct WireGroup<'a> {
        name: Scalar<'a> = "name",
        cpu: Scalar<'a> = "cpu",
        heap: Scalar<'a> = "heap",
        off_heap: Scalar<'a> = "offHeap",
        managed: Managed<'a> = "managed",
    }
}

lenient_object! {
    struct WireNode<'a> { profile: Lenient<WireProfile<'a>> = "profile" }
}

lenient_object! {
    struct WireProfile<'a> { group: Scalar<'a> = "group", parallelism: Scalar<'a> = "parallelism" }
}

/// `managed` is a size or a map of sizes.
type Managed<'a> = Scalar<'a>;

/// Decodes the field. `buffer` holds the unescaped text.
pub(super) fn decode(decoder: &mut Decoder, buffer: &mut Vec<u8>, field: Scalar<'_>) -> Option<ResourcePlan> {
    match field.unescaped_json(MAX_DEPTH, buffer).map(parse) {
        Some(Ok(Lenient::Valid(plan))) => plan_of(decoder, plan),
        _ => decode_stepwise(decoder, field),
    }
}

/// Decodes a field by removing one level of escaping after the other.
fn decode_stepwise(decoder: &mut Decoder, field: Scalar<'_>) -> Option<ResourcePlan> {
    let mut text = decoder.valid(FIELD, field.json_text())?;
    for _ in 0..MAX_DEPTH {
        if text.trim().is_empty() {
            return None;
        }
        match parse::<Lenient<WirePlan<'_>>>(&text) {
            Ok(Lenient::Valid(plan)) => return plan_of(decoder, plan),
            Ok(Lenient::Absent) => return None,
            Ok(Lenient::Invalid) | Err(_) => {}
        }
        let Some(inner) = unwrap(&text) else { break };
        text = Cow::Owned(inner);
    }
    decoder.valid(FIELD, Err(InvalidValue))
}

/// Removes one level of escaping, of a JSON string with or without its quotes.
fn unwrap(text: &str) -> Option<String> {
    let trimmed = text.trim();
    let inner = trimmed.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    unescape(inner.unwrap_or(text))
}

fn plan_of(decoder: &mut Decoder, plan: WirePlan<'_>) -> Option<ResourcePlan> {
    let groups = elements(decoder, plan.groups)?;
    let nodes = elements(decoder, plan.nodes)?;
    let mut slot_groups: Vec<SlotGroup> = Vec::new();
    for group in groups {
        let group = group_of(decoder, &group);
        // A repeated name would be a duplicate series.
        if slot_groups.len() >= MAX_GROUPS || slot_groups.iter().any(|known| known.name == group.name) {
            return decoder.valid(FIELD, Err(InvalidValue));
        }
        slot_groups.push(group);
    }
    let nodes: Vec<_> = nodes.into_iter().map(|node| node_of(decoder, node)).collect();
    // Checked first, because the lookup of each node's group is linear.
    if slot_groups.len() + nodes.len() > MAX_GROUPS {
        let names = slot_groups.iter().map(|group| &group.name).chain(nodes.iter().map(|node| &node.group));
        if names.collect::<HashSet<_>>().len() > MAX_GROUPS {
            return decoder.valid(FIELD, Err(InvalidValue));
        }
    }
    Some(ResourcePlan::new(slot_groups, &nodes))
}

/// The elements of an array in the plan. If one element is invalid, the whole plan is invalid, because sums would be
/// wrong.
fn elements<T: Default>(decoder: &mut Decoder, list: Lenient<Array<Lenient<T>>>) -> Option<Vec<T>> {
    let elements = list.value().and_then(|list| match list {
        None => Ok(Vec::new()),
        Some(Array(elements)) => {
            elements.into_iter().map(|element| element.value()?.ok_or(InvalidValue)).collect()
        }
    });
    decoder.valid(FIELD, elements.map(Some))
}

fn group_of(decoder: &mut Decoder, group: &WireGroup<'_>) -> SlotGroup {
    SlotGroup {
        name: decoder.text("resourcePlan.ssgProfiles.name", group.name),
        cpu_cores: decoder.cores("resourcePlan.ssgProfiles.cpu", group.cpu),
        heap_bytes: decoder.memory("resourcePlan.ssgProfiles.heap", group.heap),
        off_heap_bytes: decoder.memory("resourcePlan.ssgProfiles.offHeap", group.off_heap),
        managed_bytes: decoder.valid("resourcePlan.ssgProfiles.managed", managed_bytes(group.managed)),
        slots: None,
    }
}

fn node_of(decoder: &mut Decoder, node: WireNode<'_>) -> PlanNode {
    let profile = decoder.valid("resourcePlan.nodes.profile", node.profile.value()).unwrap_or_default();
    let group = decoder.text("resourcePlan.nodes.profile.group", profile.group);
    PlanNode {
        group: if group.is_empty() { decoder.intern(DEFAULT_GROUP) } else { group },
        parallelism: decoder.valid("resourcePlan.nodes.profile.parallelism", profile.parallelism.count()),
    }
}

fn managed_bytes(managed: Managed<'_>) -> Parsed<u64> {
    let text = managed.json_text()?;
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    match parse::<Lenient<Entries<'_>>>(&text) {
        Ok(Lenient::Valid(Entries(entries))) => sum(&entries),
        _ => parse_memory(&text).map(Some).map_err(|_| InvalidValue),
    }
}

/// None for an empty map.
fn sum(entries: &[(Option<Cow<'_, str>>, Scalar<'_>)]) -> Parsed<u64> {
    let mut total = None;
    for (_, size) in entries {
        if let Some(size) = size.text()? {
            let size = parse_memory(&size).map_err(|_| InvalidValue)?;
            total = Some(total.unwrap_or(0_u64).checked_add(size).ok_or(InvalidValue)?);
        }
    }
    Ok(total)
}
