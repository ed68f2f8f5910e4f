//! Workspaces and namespaces, in both products.

use strum::VariantArray as _;

use super::*;

const OVERDUE: usize = 1;
const CREATING: usize = 2;

fn console(action: &str, query: &str) -> Client {
    Client::new("/", query)
        .without("workspace")
        .with("x-acs-action", action)
        .with("x-acs-version", "2021-10-28")
}

fn editable(query: &str) -> Client {
    Client::new("/gateway/v2/namespaces/editable", query)
        .without("workspace")
        .with("x-acs-action", "ListEditableNamespace")
}

fn instances(simulator: &Simulator) -> Vec<Value> {
    let (status, body) = console("DescribeInstances", "Region=cn-hangzhou&PageSize=100").send(simulator);
    assert_eq!((status, &body["Success"]), (200, &json!(true)), "{body}");
    body["Instances"].as_array().unwrap().clone()
}

fn namespaces(simulator: &Simulator, instance: &Value) -> Vec<Value> {
    let id = instance["InstanceId"].as_str().unwrap();
    let query = format!("Region=cn-hangzhou&InstanceId={id}&PageSize=100");
    let (status, body) = console("DescribeNamespaces", &query).send(simulator);
    assert_eq!((status, &body["Success"]), (200, &json!(true)), "{body}");
    body["Namespaces"].as_array().unwrap().clone()
}

fn editable_namespaces(simulator: &Simulator) -> Vec<(String, String)> {
    let (status, body) = editable("regionId=cn-hangzhou&pageSize=100").send(simulator);
    assert_eq!((status, &body["success"]), (200, &json!(true)), "{body}");
    let entries = body["data"]["editableNamespaces"].as_array().unwrap();
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
    entries.iter().map(|entry| (text(entry, "WorkspaceId"), text(entry, "Namespace"))).collect()
}

fn names(namespaces: &[Value]) -> Vec<&str> {
    namespaces.iter().map(|namespace| namespace["Namespace"].as_str().unwrap()).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_region_has_running_overdue_and_new_workspaces() {
    let simulator = simulator(settings());
    let all = instances(&simulator);
    let states: Vec<_> = all.iter().map(|instance| instance["ClusterStatus"].as_str().unwrap()).collect();
    assert_eq!(states, ["RUNNING", "DISABLE", "CREATING"]);
    assert_eq!(all[0]["ResourceId"], "a14bd5d90a0123");
    assert_eq!(all[OVERDUE]["OrderState"], "CEASE");
    assert_eq!(all[CREATING]["ResourceId"], "");
    assert_eq!(all[CREATING]["AskClusterId"].as_str().unwrap().len(), 14);
    let days = (number(&all[0]["ResourceExpiredTime"]) / 1000.0 - NOW.as_secs_f64()) / 86_400.0;
    assert!((days - 5.0).abs() < 0.01, "the first workspace expires soon: {days}");
    assert!(number(&all[OVERDUE]["ResourceExpiredTime"]) / 1000.0 < NOW.as_secs_f64());
    assert_eq!(all[0]["Tags"][0], json!({"Key": "env", "Value": "prod"}));
    let id = all[OVERDUE]["ResourceId"].as_str().unwrap();
    let (_, body) = Client::new(LIST, "").with("workspace", id).send(&simulator);
    assert_eq!(body["errorCode"], "990301", "nothing runs in an overdue workspace");
}

#[tokio::test(start_paused = true)]
async fn pages_of_workspaces_have_each_once_and_filters_select() {
    let simulator = simulator(Settings { workspaces: 10, deployments: 0, namespaces: 1, ..settings() });
    let mut ids = BTreeSet::new();
    for page in 1..=3 {
        let query = format!("Region=cn-hangzhou&PageIndex={page}&PageSize=5");
        let (_, body) = console("DescribeInstances", &query).send(&simulator);
        assert_eq!((&body["TotalCount"], &body["TotalPage"]), (&json!(12), &json!(3)));
        ids.extend(
            body["Instances"].as_array().unwrap().iter().map(|instance| instance["AskClusterId"].to_string()),
        );
    }
    assert_eq!(ids.len(), 12);
    let count = |filter: &str| {
        let (_, body) =
            console("DescribeInstances", &format!("Region=cn-hangzhou&{filter}")).send(&simulator);
        body["TotalCount"].as_u64().unwrap()
    };
    assert_eq!(count("InstanceName=analytics"), 1);
    assert_eq!(count("NamespaceName=default-namespace&ChargeType=POST"), 3);
    assert_eq!(count("Tags=%5B%7B%22Key%22%3A%22env%22%2C%22Value%22%3A%22prod%22%7D%5D"), 5);
    assert_eq!(count("Elastic=True&ArchitectureType=X86"), 6);
    assert_eq!(count("ArchitectureType=ARM"), 0);
    let (status, body) = console("DescribeInstances", "Region=r&Tags=env").send(&simulator);
    assert_eq!((status, &body["Code"]), (400, &json!("InvalidTags")));
}

#[tokio::test(start_paused = true)]
async fn quotas_and_usage_follow_the_jobs() {
    let simulator = simulator(settings());
    let workspace = &instances(&simulator)[0];
    let all = namespaces(&simulator, workspace);
    assert_eq!(names(&all), ["default-namespace", "payments-prod", "risk-prod"]);
    let (mut quota, mut used) = (0.0, 0.0);
    for namespace in &all {
        let units = number(&namespace["ResourceUsed"]["Cu"]);
        let total = number(&namespace["ResourceSpec"]["Cpu"]);
        let parts = number(&namespace["GuaranteedResourceSpec"]["Cpu"])
            + number(&namespace["ElasticResourceSpec"]["Cpu"]);
        assert!((parts - total).abs() < 1e-9 && units > 0.0 && units <= total, "{namespace}");
        let memory = number(&namespace["ResourceUsed"]["MemoryGB"]);
        assert!(units >= number(&namespace["ResourceUsed"]["Cpu"]) && units >= memory / 4.0);
        quota += number(&namespace["GuaranteedResourceSpec"]["Cpu"]);
        used += units;
    }
    assert!((number(&workspace["ClusterUsedResources"]["UsedResource"]) - used).abs() < 1e-6);
    assert!(number(&workspace["ResourceSpec"]["Cpu"]) > quota, "not everything is allocated");
    tokio::time::advance(Duration::from_secs(120)).await;
    let later = number(&instances(&simulator)[0]["ClusterUsedResources"]["UsedResource"]);
    assert!((later - used).abs() > 1e-6, "jobs came and went");
}

#[tokio::test(start_paused = true)]
async fn the_usage_of_a_namespace_is_that_of_its_live_jobs() {
    let simulator = simulator(Settings { namespaces: 1, deployments: 24, ..settings() });
    let workspace = &instances(&simulator)[0];
    let used = number(&namespaces(&simulator, workspace)[0]["ResourceUsed"]["Cu"]);
    let (_, body) = Client::new(LIST, "pageSize=100").send(&simulator);
    let expected: f64 = data(&body)
        .iter()
        .map(|deployment| {
            let live = ["starting", "running", "cancelling"]
                .map(|state| deployment["jobSummary"][state].as_f64().unwrap_or_default());
            resource_usage::ResourceUsage::of_deployment(deployment).compute_units * live.iter().sum::<f64>()
        })
        .sum();
    // One deployment in forty returns odd values.
    assert!((expected - used).abs() <= used / 10.0, "{used} and {expected}");
}

#[tokio::test(start_paused = true)]
async fn a_namespace_can_be_added_and_removed() {
    let simulator = simulator(settings());
    let workspace = &instances(&simulator)[0];
    let path = "/api/v2/namespaces/preview-4711/deployments";
    let mut states = Vec::new();
    for _ in 0..90 {
        let all = namespaces(&simulator, workspace);
        let visitor = all.iter().find(|namespace| namespace["Namespace"] == "preview-4711");
        let state = visitor.map(|namespace| namespace["Status"].as_str().unwrap().to_owned());
        let (_, body) = Client::new(path, "").send(&simulator);
        assert_eq!(body["success"], json!(state.is_some()), "listed and served at the same time");
        assert_eq!(editable_namespaces(&simulator).len(), all.len());
        if states.last() != Some(&state) {
            states.push(state);
        }
        tokio::time::advance(Duration::from_secs(10)).await;
    }
    let once =
        [Some("CREATING"), Some("SUCCESS"), Some("DELETING"), None].map(|state| state.map(str::to_owned));
    assert_eq!(states[0], None);
    assert_eq!(states[1..5], once);
    assert_eq!(states[5], once[0]);
}

#[tokio::test(start_paused = true)]
async fn a_test_can_change_namespaces_and_their_states() {
    let simulator = simulator(settings());
    let workspace = simulator.workspaces()[0].clone();
    let listed = |simulator: &Simulator| {
        let all = namespaces(simulator, &instances(simulator)[0]);
        all.iter().map(|namespace| namespace["Namespace"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let answers = |name: &str| {
        let (_, body) = Client::new(&format!("/api/v2/namespaces/{name}/deployments"), "").send(&simulator);
        body["totalSize"].as_u64()
    };
    simulator.add_namespace(&workspace, "new", 2);
    assert_eq!(listed(&simulator), ["default-namespace", "payments-prod", "risk-prod", "new"]);
    assert_eq!(answers("new"), Some(2));
    simulator.set_namespace_listed(&workspace, "new", false);
    assert_eq!((listed(&simulator).len(), answers("new")), (3, Some(2)));
    assert_eq!(editable_namespaces(&simulator).len(), 3);
    simulator.remove_namespace(&workspace, "new");
    assert_eq!(answers("new"), None);
    simulator.set_workspace_status(&workspace, "MAINTAINING");
    assert_eq!(instances(&simulator)[0]["ClusterStatus"], "MAINTAINING");
    assert_eq!(answers("risk-prod"), None);
    assert!(editable_namespaces(&simulator).is_empty());
    simulator.set_workspace_status(&workspace, "RUNNING");
    simulator.set_workspace_listed(&workspace, false);
    assert_eq!((instances(&simulator).len(), answers("risk-prod").is_some()), (2, true));
}

#[tokio::test]
async fn every_denied_operation_names_the_missing_action() {
    let all = [
        (Client::new(LIST, ""), "stream:ListDeployments"),
        (Client::new(BY_LABEL, "labelKey=a&labelValue=b"), "stream:GetDeploymentsByLabel"),
        (editable("regionId=r"), "stream:ListEditableNamespace"),
        (console("DescribeInstances", "Region=r"), "stream:DescribeVvpInstances"),
        (console("DescribeNamespaces", "Region=r&InstanceId=f"), "stream:DescribeVvpNamespaces"),
    ];
    let simulator = simulator(Settings { denied: Operation::VARIANTS.to_vec(), ..settings() });
    for (client, action) in &all {
        let (status, body) = client.send(&simulator);
        assert_eq!((status, &body["Code"]), (403, &json!("NoPermission")));
        assert_eq!(body["AccessDeniedDetail"]["AuthAction"], *action);
    }
    simulator.set_denied(vec![Operation::DescribeInstances]);
    assert_eq!(console("DescribeInstances", "Region=r").send(&simulator).0, 403);
    assert_eq!(Client::new(LIST, "").send(&simulator).0, 200);
}

#[tokio::test]
async fn faults_strike_the_console_too_and_in_its_own_form() {
    let unsuccessful = Faults { unsuccessful: 1.0, ..Faults::default() };
    let simulator = simulator(settings());
    for (faults, expected) in [
        (unsuccessful, 200),
        (Faults { throttle: 1.0, ..Faults::default() }, 400),
        (Faults { server_error: 1.0, ..Faults::default() }, 500),
    ] {
        simulator.set_faults(faults);
        let (status, body) = console("DescribeInstances", "Region=r").send(&simulator);
        assert!(status >= expected, "{status}: {body}");
        assert_ne!(body["Success"], json!(true));
        assert!(body.get("success").is_none() && body.get("Instances").is_none(), "{body}");
    }
    simulator.set_faults(Faults { truncate: 1.0, ..Faults::default() });
    let (status, body) = console("DescribeInstances", "Region=r").send(&simulator);
    assert_eq!((status, body), (200, Value::Null));
}

#[tokio::test]
async fn requests_of_the_wrong_form_are_refused() {
    let simulator = simulator(settings());
    for (client, status, code) in [
        (console("DescribeInstances", ""), 400, "MissingRegion"),
        (console("DescribeNamespaces", "Region=r"), 400, "MissingInstanceId"),
        (console("DescribeInstances", "Region=r").with("x-acs-version", "2022-07-18"), 400, "InvalidVersion"),
        (console("ListDeployments", ""), 404, "InvalidApi.NotFound"),
        (console("DescribeWhatever", ""), 404, "InvalidApi.NotFound"),
        (editable(""), 400, "MissingRegionId"),
        (console("DescribeNamespaces", "Region=r&InstanceId=f-none"), 200, "990301"),
    ] {
        let (seen, body) = client.send(&simulator);
        assert_eq!((seen, &body["Code"]), (status, &json!(code)), "{body}");
    }
    assert_eq!(simulator.requests_seen()[&("DescribeInstances", 400)], 2);
}
