//! Discovery entries, workspaces whose namespaces are discovered, and collectors.

use super::*;
use crate::config::{Collectors, DiscoveredNamespaces, DiscoveryEntry, Namespaces};
use crate::discovery::{Glob, NameFilter, WorkspaceFilter};

const ENTRIES: &str = "\
poll: {timeout: 40s}
collectors: {workspaces: {interval: 1m}}
credentials: {type: access_key, access_key_id: LTAI, access_key_secret: hunter2}
discovery:
  - region: cn-hangzhou
    workspaces: {include: ['a*'], exclude: [old], tags: {env: prod}}
    namespaces: {exclude: ['*-sandbox'], select: {execution_mode: STREAMING}}
  - {region: cn-hangzhou, name: other, collectors: {namespaces: false}, console_endpoint: 'http://c', allow_plain_http: true}
workspaces:
  - {id: w1, region: cn-chengdu, namespaces: all}
  - {id: w2, region: cn-chengdu, namespaces: [n], collectors: {workspaces: false, namespaces: {interval: 2m}}}
  - {id: w3, region: cn-chengdu, namespaces: [n], collectors: {workspaces: false}}
metrics: {workspace_tags: [env, team]}
";

const MINUTE: Duration = Duration::from_secs(60);

fn load_entry(entry: &str) -> DiscoveryEntry {
    let config = load_yaml(&format!("discovery: [{entry}]")).unwrap();
    config.discovery[0].clone()
}

fn globs(texts: &[&str]) -> Vec<Glob> {
    texts.iter().map(|text| Glob::new(text)).collect()
}

fn intervals(collectors: &Collectors) -> Vec<(&str, Duration)> {
    collectors.iter().map(|(name, enabled)| (name, enabled.interval)).collect()
}

#[test]
fn a_region_alone_discovers_everything_in_it() {
    let entry = load_entry("{region: cn-hangzhou}");
    assert_eq!((entry.name.as_str(), entry.interval), ("cn-hangzhou", 5 * MINUTE));
    assert_eq!(entry.workspaces, WorkspaceFilter::default());
    assert_eq!(entry.namespaces, DiscoveredNamespaces::all(poll::Settings::default()));
    assert_eq!(entry.endpoint.as_str(), "https://ververica.cn-hangzhou.aliyuncs.com/");
    assert_eq!(entry.console_endpoint.as_str(), "https://foasconsole.cn-hangzhou.aliyuncs.com/");
    assert!(matches!(*entry.credentials, ProviderConfig::Default(_)));
    assert_eq!(intervals(&entry.collectors), [("namespaces", 5 * MINUTE), ("workspaces", 5 * MINUTE)]);
    assert!(entry.collectors.iter().all(|(_, enabled)| enabled.by_default));
}

#[test]
fn every_key_of_an_entry_is_read() {
    let entry = load_entry(
        "{region: cn-hangzhou, name: prod, interval: 100ms, \
          workspaces: {include: [a*, orders], exclude: ['*-old'], tags: {env: prod, 'cost center': 7}}, \
          namespaces: {include: ['team-?'], exclude: ['*-sandbox'], poll: {interval: 30s}, api: by_label, \
          select: {label: {key: team, values: [a]}}}, collectors: {namespaces: false, workspaces: {interval: 1m}}, \
          endpoint: 'http://v.example.com', console_endpoint: 'http://c.example.com', allow_plain_http: true, \
          credentials: {type: ecs_ram_role}}",
    );
    assert_eq!((entry.name.as_str(), entry.interval), ("prod", Duration::from_millis(100)));
    let names = NameFilter { include: globs(&["a*", "orders"]), exclude: globs(&["*-old"]) };
    assert_eq!(entry.workspaces.names, names);
    let tags = [("cost center", "7"), ("env", "prod")].map(|(key, value)| (key.into(), value.into()));
    assert_eq!(entry.workspaces.tags, tags);
    let filter = NameFilter { include: globs(&["team-?"]), exclude: globs(&["*-sandbox"]) };
    assert_eq!(entry.namespaces.filter, filter);
    assert_eq!(entry.namespaces.poll.interval, Duration::from_secs(30));
    assert_eq!(entry.namespaces.poll.timeout, poll::Settings::default().timeout);
    assert_eq!(entry.namespaces.operation, DeploymentsOperation::GetDeploymentsByLabel);
    assert_eq!(entry.namespaces.selection.to_string(), "label=team=a");
    assert_eq!(intervals(&entry.collectors), [("workspaces", MINUTE)]);
    assert_eq!(entry.endpoint.as_str(), "http://v.example.com/");
    assert_eq!(entry.console_endpoint.as_str(), "http://c.example.com/");
    assert!(matches!(*entry.credentials, ProviderConfig::EcsRamRole(_)));
}

#[test]
fn a_region_without_a_console_endpoint_of_its_own_uses_the_central_one() {
    for region in ["cn-chengdu", "xx-nowhere-9"] {
        let entry = load_entry(&format!("{{region: {region}}}"));
        assert_eq!(entry.console_endpoint.as_str(), "https://foasconsole.aliyuncs.com/");
        assert_eq!(entry.endpoint.as_str(), format!("https://ververica.{region}.aliyuncs.com/"));
    }
}

#[test]
fn the_namespaces_of_a_listed_workspace_may_be_discovered() {
    let load = |namespaces: &str| {
        load_yaml(&format!("workspaces: [{{id: w1, region: cn-hangzhou, namespaces: {namespaces}}}]"))
            .map(|config| config.workspaces[0].clone())
    };
    let all = load("all").unwrap();
    assert_eq!(
        all.namespaces,
        Namespaces::Discovered(Box::new(DiscoveredNamespaces::all(poll::Settings::default())))
    );
    assert_eq!(intervals(&all.collectors), [("namespaces", 5 * MINUTE), ("workspaces", 5 * MINUTE)]);
    let some = load("{exclude: ['*-sandbox'], poll: {interval: 10s}}").unwrap();
    let Namespaces::Discovered(some) = some.namespaces else { panic!("{some:?}") };
    assert!(some.filter.selects(&["a"]) && !some.filter.selects(&["a-sandbox"]));
    assert_eq!(some.poll.interval, Duration::from_secs(10));
    let listed = load("[a]").unwrap();
    assert!(listed.collectors.iter().next().is_none() && !listed.uses_console());
    for namespaces in
        ["All", "'*'", "{includes: [a]}", "{include: a}", "{include: []}", "{include: ['']}", "7"]
    {
        assert!(load(namespaces).is_err(), "{namespaces}");
    }
}

#[test]
fn a_collector_s_settings_come_from_the_entry_then_from_the_top() {
    let load = |top: &str, own: &str| {
        let text = format!(
            "collectors: {top}\ndiscovery: [{{region: r1, collectors: {own}}}]\n\
             workspaces: [{{id: w1, region: r1, namespaces: [n1], collectors: {own}}}]"
        );
        let config = load_yaml(&text).unwrap();
        [&config.discovery[0].collectors, &config.workspaces[0].collectors].map(|collectors| {
            collectors.get("workspaces").map(|enabled| (enabled.interval, enabled.by_default))
        })
    };
    let default = Some((5 * MINUTE, true));
    let explicit = Some((5 * MINUTE, false));
    assert_eq!(load("{}", "{}"), [default, None]);
    assert_eq!(load("{workspaces: true}", "{}"), [explicit, explicit]);
    assert_eq!(load("{workspaces: false}", "{}"), [None, None]);
    assert_eq!(load("{workspaces: false}", "{workspaces: true}"), [explicit, explicit]);
    assert_eq!(load("{workspaces: {interval: 1m}}", "{workspaces: false}"), [None, None]);
    assert_eq!(load("{workspaces: {interval: 1m}}", "{}"), [Some((MINUTE, false)); 2]);
    assert_eq!(load("{workspaces: {interval: 1m}}", "{workspaces: true}"), [Some((MINUTE, false)); 2]);
    assert_eq!(
        load("{workspaces: {interval: 1m}}", "{workspaces: {interval: 2m}}"),
        [Some((2 * MINUTE, false)); 2]
    );
    assert_eq!(load("{namespaces: true}", "{workspaces: {}}"), [explicit, explicit]);
}

#[test]
fn all_errors_of_discovery_are_in_one_report() {
    let text = "\
discovery:
  - region: cn-hangzhou
    interval: 10ms
    workspaces: {include: [], tags: [a], names: [b]}
    namespaces: some
  - region: cn-hangzhou
    workspaces: {exclude: [1.5], tags: {env: true}}
    namespaces: {include: x, select: {status: RUNING}, api: by_label}
    collectors: {workspaces: 5m, savepoints: true, namespaces: {interval: 5}}
  - name: b
    endpoint: https://v.example.com
  - region: Hangzhou
    console_endpoint: http://c.example.com
  - region: cn-beijing
    name: a1
workspaces:
  - {id: a1, region: cn-hangzhou, namespaces: all}
  - {id: a2, endpoint: 'https://v.example.com', namespaces: all}
  - {id: a3, endpoint: 'https://v.example.com', namespaces: [n], collectors: {workspaces: true}}
  - {id: a4, endpoint: 'https://v.example.com', namespaces: [n]}
collectors: {deployments: true}
metrics: {workspace_tags: [a, '*']}
";
    insta::assert_snapshot!(load_yaml(text).unwrap_err(), @r#"
    23 mistakes in the configuration:
    c.yml:3: discovery[0].interval: found "10ms", expected a duration from 100ms to 365d
    c.yml:4: discovery[0].workspaces.names: unknown key; known here: include, exclude, tags
    c.yml:4: discovery[0].workspaces.tags: found a list, expected a table of keys and values
    c.yml:4: discovery[0].workspaces.include: the list is empty, which selects nothing: expected one or more patterns
    c.yml:5: discovery[0].namespaces: found "some", expected `all`, or filters
    c.yml:6: discovery[1].region: "cn-hangzhou" is the name of discovery[0] already, and an entry's name defaults to its region: expected a `name` of its own
    c.yml:7: discovery[1].workspaces.exclude[0]: found the number 1.5, expected a text: put it in quotes
    c.yml:7: discovery[1].workspaces.tags.env: found the boolean true, expected a text: put it in quotes
    c.yml:8: discovery[1].namespaces.include: found "x", expected a list
    c.yml:8: discovery[1].namespaces.select.status: found "RUNING", expected one of CANCELLED, FAILED, RUNNING, TRANSITIONING, FINISHED (did you mean RUNNING?)
    c.yml:8: discovery[1].namespaces.select.status: `api: by_label` takes no filter but `label`: leave this one out, or use `api: list`
    c.yml:8: discovery[1].namespaces.api: by_label needs `select.label`: expected a label, such as {key: team, values: [payments]}, or `api: list`
    c.yml:9: discovery[1].collectors.namespaces.interval: found the number 5, expected a duration such as 500ms, 30s, 5m or 1h30m: add the unit
    c.yml:9: discovery[1].collectors.savepoints: unknown key; known here: workspaces, namespaces, queues, session_clusters, engine_versions, jobs
    c.yml:9: discovery[1].collectors.workspaces: found "5m", expected true, false or settings such as {interval: 5m}
    c.yml:10: discovery[2].region: missing: expected a region such as cn-hangzhou
    c.yml:12: discovery[3].region: found "Hangzhou", expected one region such as cn-hangzhou: lower-case letters, digits and hyphens
    c.yml:13: discovery[3].console_endpoint: found "http://c.example.com", which is not encrypted, and requests carry security tokens: expected https, or `allow_plain_http: true` beside it
    c.yml:15: discovery[4].name: "a1" is a workspace's id already, and an entry's name defaults to its region: expected a `name` of its own
    c.yml:18: workspaces[1].region: missing: expected a region such as cn-hangzhou, which `namespaces: all` needs
    c.yml:19: workspaces[2].region: missing: expected a region such as cn-hangzhou, which the collector `workspaces` needs
    c.yml:21: collectors.deployments: unknown key; known here: workspaces, namespaces, queues, session_clusters, engine_versions, jobs
    c.yml:22: metrics.workspace_tags[1]: `*` stands for all tags: expected it alone, or the keys alone
    "#);
}

#[test]
fn flags_alone_discover_regions_or_namespaces() {
    let variables = environment(&[("DISCOVERY", "[{region=cn-beijing}]"), ("POLL__INTERVAL", "7s")]);
    let load = |regions: &[&str], workspace: Option<&str>, namespaces: &[&str]| {
        let regions = regions.iter().map(|&region| region.to_owned()).collect();
        let flags = Flags { regions, ..flags(workspace, None, namespaces) };
        load_file("c.yml", WORKSPACE, &variables, &flags).unwrap()
    };
    let names = |config: &Config| config.discovery.iter().map(|entry| entry.name.clone()).collect::<Vec<_>>();
    let config = load(&[], None, &[]);
    assert_eq!((names(&config), config.workspaces.len()), (vec!["cn-beijing".to_owned()], 1));
    let config = load(&["cn-hangzhou", "cn-shanghai"], None, &[]);
    assert_eq!(names(&config), ["cn-hangzhou", "cn-shanghai"]);
    assert_eq!(config.discovery[1].namespaces.poll.interval, Duration::from_secs(7));
    assert!(config.workspaces.is_empty());
    let config = load(&["cn-hangzhou"], Some("w2"), &[]);
    assert!(config.discovery.is_empty());
    assert!(config.workspaces[0].namespaces.is_discovered());
    let config = load(&["cn-hangzhou"], Some("w2"), &["n1"]);
    assert!(config.discovery.is_empty() && !config.workspaces[0].namespaces.is_discovered());
}

#[test]
fn a_mistake_in_a_region_names_the_flag() {
    let report = |regions: &[&str], workspace: Option<&str>| {
        let regions = regions.iter().map(|&region| region.to_owned()).collect();
        let flags = Flags { regions, ..flags(workspace, None, &[]) };
        load(None, &Environment::default(), &flags).unwrap_err().to_string()
    };
    insta::assert_snapshot!(report(&["a", "A", "a"], None), @r#"
    2 mistakes in the configuration:
    --region: found "A", expected one region such as cn-hangzhou: lower-case letters, digits and hyphens
    --region: "a" is the name of discovery[0] already, and an entry's name defaults to its region: expected a `name` of its own
    "#);
    insta::assert_snapshot!(report(&["a", "b"], Some("w1")), @r#"--region: found a list, expected one region such as cn-hangzhou: lower-case letters, digits and hyphens"#);
}

#[test]
fn collectors_are_switched_by_flags_and_variables() {
    let load = |text: &str, variables: &[(&str, &str)], collectors: &[(&'static str, bool)]| {
        let flags = Flags { collectors: collectors.to_vec(), ..flags(None, Some("cn-hangzhou"), &[]) };
        let config = load_file("c.yml", text, &environment(variables), &flags).unwrap();
        config.discovery[0].collectors.clone()
    };
    let collectors = load("", &[], &[("workspaces", true), ("namespaces", false)]);
    assert_eq!(intervals(&collectors), [("workspaces", 5 * MINUTE)]);
    assert!(!collectors.get("workspaces").unwrap().by_default);
    let file = "collectors: {workspaces: {interval: 1m}}";
    assert_eq!(load(file, &[], &[("namespaces", false)]).get("workspaces").unwrap().interval, MINUTE);
    assert_eq!(load(file, &[], &[("workspaces", true)]).get("workspaces").unwrap().interval, 5 * MINUTE);
    let variables = [("COLLECTORS__WORKSPACES", "{interval=2m}"), ("COLLECTORS__NAMESPACES", "false")];
    assert_eq!(intervals(&load(file, &variables, &[])), [("workspaces", 2 * MINUTE)]);
}

#[test]
fn entries_are_printed_so_that_they_load_again_as_the_same() {
    let printed = load_yaml(ENTRIES).unwrap().to_yaml_redacted();
    assert_eq!(load_yaml(&printed).unwrap().to_yaml_redacted(), printed);
    assert!(!printed.contains(SECRET));
    let entry = printed.split("discovery:\n").nth(1).unwrap().split("- region:").nth(1).unwrap();
    insta::assert_snapshot!(entry, @r#"
    cn-hangzhou
     name: cn-hangzhou
     interval: 5m
     workspaces:
       include:
       - a*
       exclude:
       - old
       tags:
         env: prod
     namespaces:
       include:
       - '*'
       exclude:
       - '*-sandbox'
       poll:
         interval: 1m
         timeout: 40s
         stale_after: 5m
       select:
         execution_mode: STREAMING
       api: list
     collectors:
       workspaces:
         interval: 1m
       namespaces:
         interval: 5m
     endpoint: https://ververica.cn-hangzhou.aliyuncs.com
     console_endpoint: https://foasconsole.cn-hangzhou.aliyuncs.com
     credentials:
       type: access_key
       access_key_id: <redacted>
       access_key_secret: <redacted>
    "#);
    let workspaces = printed.split("workspaces:\n- id").nth(1).unwrap().split("\nmetrics:").next().unwrap();
    let shown = |line: &&str| {
        let start = line.trim_start();
        ["w", "- id", "region", "console_endpoint", "collectors", "workspaces", "namespaces", "interval"]
            .iter()
            .any(|key| start.starts_with(key))
    };
    let workspaces = workspaces.lines().filter(shown).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(workspaces, @r#"
      region: cn-chengdu
      console_endpoint: https://foasconsole.aliyuncs.com
      namespaces:
          interval: 1m
      collectors:
        workspaces:
          interval: 1m
        namespaces:
          interval: 5m
    - id: w2
      region: cn-chengdu
      console_endpoint: https://foasconsole.aliyuncs.com
      namespaces:
          interval: 1m
      collectors:
        namespaces:
          interval: 2m
    - id: w3
      region: cn-chengdu
      namespaces:
          interval: 1m
    "#);
}

#[test]
fn warnings_name_the_entry() {
    let config = load_yaml(
        "discovery: [{region: r1, endpoint: 'http://v', console_endpoint: 'http://c', allow_plain_http: true, \
         namespaces: {poll: {stale_after: 60s}}}]\nworkspaces: [{id: w1, region: r1, namespaces: \
         {select: {status: FAILED}}}]",
    );
    insta::assert_snapshot!(config.unwrap().warnings().join("\n"), @r#"
    discovery r1, namespaces: poll.stale_after (1m) is not longer than poll.interval (1m): series are withdrawn after three intervals (3m) instead
    discovery r1: requests and their security tokens go to http://v unencrypted
    discovery r1: requests and their security tokens go to http://c unencrypted
    workspace w1, namespaces: a deployment leaves the selection when its status changes, so select.status makes its status and its counts of ended jobs meaningless: select by something else
    "#);
}
