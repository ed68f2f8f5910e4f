//! The runbooks, and the names of alerts in other files.

use std::{collections::BTreeSet, path::Path};

use serde::Deserialize;

use super::files::{Parts, Rule, alerts, between, names, read, tree, yaml};

const RUNBOOKS: &str = "docs/runbooks";

/// What every address of a runbook begins with; it stands in deploy/prometheus/alerts.yml.
const BASE: &str = "https://github.com/aliyun-flink-exporter/aliyun-flink-exporter/blob/main/";

const SECTIONS: [&str; 4] = ["Meaning", "Impact", "Diagnose", "Fix"];

/// What of the past an exporter that has just been installed reports; only some runbooks have this section.
const FIRST_DAY: &str = "The first day";

/// Every expression of a runbook, with the page's name.
pub(super) fn expressions() -> Vec<(String, String)> {
    let pages = names(RUNBOOKS, ".md");
    let blocks = pages.into_iter().flat_map(|page| {
        let text = read(&format!("{RUNBOOKS}/{page}"));
        let blocks: Vec<_> = between(&text, "```promql\n", "```").into_iter().map(str::to_owned).collect();
        blocks.into_iter().map(move |block| (page.clone(), block))
    });
    blocks.collect()
}

#[test]
fn every_alert_leads_to_its_runbook_and_every_runbook_has_an_alert() {
    let mut pages: BTreeSet<_> = names(RUNBOOKS, ".md").into_iter().collect();
    assert!(pages.remove("README.md"));
    let mut named = BTreeSet::new();
    for rule in alerts() {
        let page = format!("{}.md", rule.name());
        let path = rule.annotations["runbook_url"].strip_prefix(BASE).expect("an address in this repository");
        assert_eq!(path, format!("{RUNBOOKS}/{page}"));
        assert!(pages.contains(&page), "{} has no runbook", rule.name());
        named.insert(page);
    }
    assert_eq!(pages, named, "each runbook has an alert");
}

#[test]
fn every_runbook_has_its_sections() {
    for rule in alerts() {
        let text = read(&format!("{RUNBOOKS}/{}.md", rule.name()));
        let mut sections = text.split("\n## ");
        assert_eq!(sections.next(), Some(&*format!("# {}\n", rule.name())));
        let sections: Vec<_> = sections.map(|section| section.split_once('\n').unwrap()).collect();
        let titles = sections.iter().map(|(title, _)| *title).filter(|title| *title != FIRST_DAY);
        assert_eq!(titles.collect::<Vec<_>>(), SECTIONS, "{}", rule.name());
        for (title, body) in &sections {
            assert!(body.trim().len() > 40, "{}: {title} is empty", rule.name());
        }
        assert!(sections[2].1.contains("```promql\n"), "{} has nothing to query", rule.name());
    }
}

#[test]
fn the_list_of_alerts_has_each_with_its_severity() {
    let list = read(&format!("{RUNBOOKS}/README.md"));
    let rows: BTreeSet<_> = list
        .lines()
        .filter_map(|line| line.strip_prefix("| [AliyunFlink"))
        .map(|row| row.split('|').take(2).map(str::trim).collect::<Vec<_>>().join(" "))
        .collect();
    let expected: BTreeSet<_> = alerts()
        .iter()
        .map(|rule| {
            let name = rule.name();
            let short = name.strip_prefix("AliyunFlink").unwrap();
            format!("{short}]({name}.md) {}", rule.labels["severity"])
        })
        .collect();
    assert_eq!(rows, expected);
}

#[test]
fn every_link_of_the_runbooks_leads_somewhere() {
    for page in names(RUNBOOKS, ".md") {
        let text = read(&format!("{RUNBOOKS}/{page}"));
        let links = between(&text, "](", ")");
        for link in links.into_iter().filter(|link| !link.starts_with("https://")) {
            let path = link.split_once('#').map_or(link, |(path, _)| path);
            assert!(Path::new(&tree(RUNBOOKS)).join(path).exists(), "{page}: {link} leads nowhere");
        }
        for file in between(&text, "`deploy/", "`") {
            assert!(tree("deploy").join(file).exists(), "{page}: there is no deploy/{file}");
        }
    }
}

#[test]
fn alertmanager_routes_and_mutes_alerts_that_there_are() {
    let known: BTreeSet<_> = alerts().iter().map(|rule| rule.name().to_owned()).collect();
    let config = read("deploy/alertmanager/alertmanager.yml");
    let mut named = BTreeSet::new();
    for rest in config.split("AliyunFlink").skip(1) {
        // One name, any (`.+`), or several in parentheses.
        let is_name = |c: char| c.is_ascii_alphanumeric();
        match rest.strip_prefix('(') {
            Some(several) => named.extend(several.split_once(')').unwrap().0.split('|')),
            None => named.extend(rest.split(|c| !is_name(c)).next()),
        }
    }
    assert!(named.remove("") && named.len() > 10, "{named:?}");
    for short in named {
        assert!(known.contains(&format!("AliyunFlink{short}")), "there is no AliyunFlink{short}");
    }
}

/// The part of Alertmanager's configuration that mutes.
#[derive(Deserialize)]
struct Muting {
    inhibit_rules: Vec<Inhibition>,
}

#[derive(Deserialize)]
struct Inhibition {
    source_matchers: Vec<String>,
    target_matchers: Vec<String>,
}

/// How grave the alerts are that the matchers choose by their names: 0 is the gravest.
fn gravities(matchers: &[String]) -> Vec<usize> {
    let quoted = |matcher: &String| {
        let (label, rest) = matcher.split_once(' ').expect("a label, an operator and a value");
        let (operator, value) = rest.split_once(' ').expect("an operator and a value");
        format!("{label}{operator}\"{}\"", value.trim_matches('"'))
    };
    let selector = format!("{{{}}}", matchers.iter().map(quoted).collect::<Vec<_>>().join(","));
    let selector = Parts::of(&selector).selectors.remove(0);
    let chosen = |rule: &Rule| selector.matchers.matchers.iter().all(|matcher| matcher.is_match(rule.name()));
    let gravity =
        |rule: Rule| ["critical", "warning", "info"].iter().position(|it| *it == rule.labels["severity"]);
    alerts().into_iter().filter(chosen).map(|rule| gravity(rule).expect("a severity")).collect()
}

#[test]
fn no_alert_mutes_a_graver_one() {
    let config: Muting = yaml("deploy/alertmanager/alertmanager.yml");
    for Inhibition { source_matchers, target_matchers } in config.inhibit_rules {
        let mildest = gravities(&source_matchers).into_iter().max().expect("an alert that mutes");
        let gravest = gravities(&target_matchers).into_iter().min().expect("an alert that is muted");
        assert!(mildest <= gravest, "{source_matchers:?} may mute a page: {target_matchers:?}");
    }
}
