//! Jobs of deployments, session clusters and engine versions.

use super::*;

const JOBS: &str = "/api/v2/namespaces/default-namespace/jobs";

fn open_settings() -> Settings {
    Settings { access_key: None, workspace: Some("a14bd5d90a0000".into()), deployments: 60, ..settings() }
}

fn deployments(simulator: &Simulator) -> Vec<Value> {
    let (_, body) = Client::new(LIST, "pageSize=100").send(simulator);
    data(&body).clone()
}

fn ask(simulator: &Simulator, query: &str) -> Value {
    Client::new(JOBS, query).with("x-acs-action", "ListJobs").send(simulator).1
}

/// Every job of a deployment, read page by page.
fn jobs_of(simulator: &Simulator, deployment: &Value) -> Vec<Value> {
    let id = deployment["deploymentId"].as_str().unwrap();
    let mut jobs = Vec::new();
    loop {
        let page = jobs.len() / 100 + 1;
        let body = ask(simulator, &format!("deploymentId={id}&pageSize=100&pageIndex={page}"));
        jobs.extend(data(&body).iter().cloned());
        if data(&body).is_empty() || jobs.len() as u64 >= body["totalSize"].as_u64().unwrap() {
            return jobs;
        }
    }
}

fn state(job: &Value) -> &str {
    job["status"]["currentJobStatus"].as_str().unwrap()
}

fn count(jobs: &[Value], wanted: &str) -> u64 {
    jobs.iter().filter(|job| state(job) == wanted).count() as u64
}

#[tokio::test(start_paused = true)]
async fn listed_jobs_add_up_to_the_job_summary_unless_failed_ones_were_deleted() {
    let simulator = simulator(open_settings());
    let mut deleted = BTreeSet::new();
    for _ in 0..4 {
        for deployment in deployments(&simulator) {
            let Some(summary) = deployment.get("jobSummary") else { continue };
            let jobs = jobs_of(&simulator, &deployment);
            for state in ["starting", "running", "cancelling", "cancelled", "finished", "failed"] {
                let seen = count(&jobs, &state.to_uppercase());
                if summary[state] != json!(seen) {
                    assert_eq!((state, seen), ("failed", 0), "{deployment}");
                    deleted.insert(deployment["name"].to_string());
                }
            }
        }
        tokio::time::advance(Duration::from_secs(523)).await;
    }
    assert_eq!(deleted.len(), 1, "{deleted:?}");
}

#[tokio::test(start_paused = true)]
async fn jobs_have_times_resources_and_the_fields_of_their_state() {
    let simulator = simulator(open_settings());
    let mut restarts = 0;
    let mut scores = BTreeSet::new();
    let mut sessions = 0;
    for deployment in deployments(&simulator) {
        for job in jobs_of(&simulator, &deployment) {
            let status = &job["status"];
            assert_eq!(job["deploymentId"], deployment["deploymentId"]);
            let started = job["startTime"].as_i64().unwrap();
            assert!(started <= NOW.as_secs().cast_signed() && started > 1_700_000_000, "{started}");
            let live = ["STARTING", "RUNNING", "CANCELLING"].contains(&state(&job));
            assert_eq!(live, job["endTime"].as_i64().is_none_or(|end| end <= 0), "{}", job["endTime"]);
            assert_eq!(state(&job) == "RUNNING", status.get("running").is_some());
            assert_eq!(state(&job) == "FAILED", status.get("failure").is_some());
            assert_eq!(
                job["sessionClusterName"].is_string(),
                deployment["deploymentTarget"]["mode"] == "SESSION"
            );
            assert!(job["metric"]["totalCpu"].is_number() && job["metric"]["totalMemoryByte"].is_i64());
            restarts = restarts.max(status["running"]["observedFlinkJobRestarts"].as_i64().unwrap_or(0));
            scores.extend(status["healthScore"].as_u64());
            sessions += u64::from(job["sessionClusterName"].is_string());
        }
    }
    assert!(restarts > 0 && sessions > 0, "{restarts} {sessions}");
    assert!(scores.iter().any(|score| *score < 60) && scores.iter().any(|score| *score > 90), "{scores:?}");
}

#[tokio::test(start_paused = true)]
async fn flink_restarts_some_jobs_again_and_again() {
    let simulator = simulator(open_settings());
    let restarts = || {
        let all = deployments(&simulator);
        let of = |deployment| {
            let jobs = jobs_of(&simulator, deployment);
            let running = jobs.iter().filter(|job| state(job) == "RUNNING");
            running
                .map(|job| {
                    (job["jobId"].to_string(), job["status"]["running"]["observedFlinkJobRestarts"].clone())
                })
                .collect::<Vec<_>>()
        };
        all.iter().flat_map(of).collect::<BTreeMap<_, _>>()
    };
    let before = restarts();
    tokio::time::advance(Duration::from_secs(1800)).await;
    let after = restarts();
    let rises = before.iter().filter_map(|(id, count)| Some(after.get(id)?.as_i64()? - count.as_i64()?));
    let rises: Vec<_> = rises.collect();
    assert!(rises.len() > 20 && rises.iter().all(|rise| *rise >= 0), "{rises:?}");
    assert!(rises.iter().any(|rise| *rise >= 5) && rises.contains(&0), "{rises:?}");
}

#[tokio::test(start_paused = true)]
async fn pages_of_jobs_have_the_requested_order() {
    let simulator = simulator(Settings { deployments: 200, ..open_settings() });
    let (_, body) = Client::new(LIST, "pageSize=100&pageIndex=2").send(&simulator);
    let busiest =
        data(&body).iter().max_by_key(|deployment| deployment["jobSummary"]["finished"].as_u64()).unwrap();
    let oldest_first = jobs_of(&simulator, busiest);
    assert!(oldest_first.len() > 2500);
    let starts: Vec<_> = oldest_first.iter().map(|job| job["startTime"].as_i64().unwrap()).collect();
    assert!(starts.is_sorted());
    let id = busiest["deploymentId"].as_str().unwrap();
    let newest = ask(&simulator, &format!("deploymentId={id}&sortName=gmt_create&sortOrder=desc&pageSize=1"));
    assert_eq!(data(&newest)[0], *oldest_first.last().unwrap());
    let ids: BTreeSet<_> = oldest_first.iter().map(|job| job["jobId"].to_string()).collect();
    assert_eq!(ids.len(), oldest_first.len());
}

#[tokio::test(start_paused = true)]
async fn an_unknown_deployment_a_missing_parameter_and_a_denied_action_are_refused() {
    let simulator = simulator(open_settings());
    for (query, code) in
        [("deploymentId=none", "990301"), ("", "990104"), ("deploymentId=a&pageSize=101", "990104")]
    {
        let body = ask(&simulator, query);
        assert_eq!((&body["success"], &body["errorCode"]), (&json!(false), &json!(code)), "{query}");
    }
    simulator.set_denied(vec![Operation::ListJobs]);
    let (status, body) =
        Client::new(JOBS, "deploymentId=none").with("x-acs-action", "ListJobs").send(&simulator);
    assert_eq!(status, 403);
    assert!(body.to_string().contains("stream:ListJobs"), "{body}");
}

#[tokio::test(start_paused = true)]
async fn failing_jobs_on_demand_ends_each_live_job_with_a_failure_for_good() {
    let simulator = simulator(open_settings());
    tokio::time::advance(Duration::from_secs(100)).await;
    let failed = |deployments: &[Value]| {
        deployments.iter().filter_map(|deployment| deployment["jobSummary"]["failed"].as_u64()).sum::<u64>()
    };
    let before = failed(&deployments(&simulator));
    assert_eq!(simulator.fail_jobs("a14bd5d90a0000", "default-namespace", 20), 20);
    let after = deployments(&simulator);
    assert_eq!(failed(&after), before + 20);
    tokio::time::advance(Duration::from_secs(7200)).await;
    let (_, body) = Client::new(LIST, "pageSize=100&status=FAILED").send(&simulator);
    let mut ended = 0;
    for deployment in data(&body) {
        let jobs = jobs_of(&simulator, deployment);
        let at =
            jobs.iter().filter(|job| state(job) == "FAILED").filter_map(|job| job["endTime"].as_u64()).max();
        ended += u64::from(at == Some(NOW.as_secs() + 100));
    }
    // The failed job of one may have been deleted.
    assert!((19..=20).contains(&ended), "{ended}");
    assert_eq!(simulator.fail_jobs("a14bd5d90a0000", "nowhere", 5), 0);
}

#[tokio::test(start_paused = true)]
async fn a_session_cluster_has_failed_one_idles_and_old_engine_versions_are_in_use() {
    let simulator = simulator(open_settings());
    let clusters = Client::new("/api/v2/namespaces/default-namespace/sessionclusters", "")
        .with("x-acs-action", "ListSessionClusters");
    let (_, body) = clusters.send(&simulator);
    let status =
        |cluster: &Value| cluster["status"]["currentSessionClusterStatus"].as_str().unwrap().to_owned();
    let found: Vec<_> = data(&body).iter().map(status).collect();
    assert_eq!(found, ["RUNNING", "RUNNING", "STOPPED", "FAILED"]);
    let versions =
        Client::new("/api/v2/engine-version-meta.json", "").with("x-acs-action", "ListEngineVersionMetadata");
    let (_, body) = versions.send(&simulator);
    let running = deployments(&simulator);
    let running: BTreeSet<_> = running
        .iter()
        .filter(|deployment| deployment["jobSummary"]["running"] == 1)
        .map(|deployment| deployment["engineVersion"].clone().to_string())
        .collect();
    for wanted in ["STABLE", "DEPRECATED", "EXPIRED"] {
        let listed = body["data"]["engineVersionMetadata"].as_array().unwrap().iter();
        let mut of_status = listed.filter(|version| version["status"] == wanted);
        assert!(of_status.any(|version| running.contains(&version["engineVersion"].to_string())), "{wanted}");
    }
}
