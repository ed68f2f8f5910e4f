"""Values for the chart that a user may get wrong, and values that YAML may get wrong."""

KEY = ["type=access_key", "access_key_id_file=/a"]
MINIMAL = ["config.workspaces[0].id=w", "config.workspaces[0].namespaces={n}"]
# What a user may get wrong, and what the chart says.
REFUSED = [
    ([], "set are: none"),
    (["demo=true", "existingConfigMap=c"], "set are: existingConfigMap, demo"),
    ([f"config.credentials.{each}" for each in [*KEY, "access_key_secret=s"]], "config.credentials.access_key_secret would be stored in a ConfigMap"),
    (
        ["config.workspaces[0].id=w", "config.workspaces[0].namespaces={n}"]
        + [f"config.workspaces[0].credentials.{each}" for each in ("type=ram_role_arn", "role_arn=acs:ram::1:role/r")]
        + [f"config.workspaces[0].credentials.source.{each}" for each in (*KEY, "access_key_secret_file=/b", "security_token=s")],
        "[0].credentials.source.security_token would be stored",
    ),
    (["config.workspace[0].id=w"], "'workspace' not allowed"),
    (["config.workspaces[0].id=123", "config.workspaces[0].namespaces={n}"], "got number, want string"),
    (["config.poll.interval=60"], "got number, want string"),
    (["demo=true", "extraEnv[0].name=ALIBABA_CLOUD_ACCESS_KEY_SECRET", "extraEnv[0].value=s"], "store it in a Secret"),
    (["config.credentials.type=default", "existingSecret.name=s"], "existingSecret and config.credentials are both set"),
    (["demo=true", "existingSecret.name=s"], "existingSecret has no effect with demo"),
    (["demo=true", "rrsa.roleName=r", "serviceAccount.create=false"], "rrsa.roleName"),
    (["demo=true", "web.probePort=10978"], "web.probePort is 10978"),
    (["demo=true", "web.tls=true"], "web.tls is set without web.existingSecret"),
    (["demo=true", "ingress.enabled=true"], "ingress.enabled needs ingress.hosts"),
    (["demo=true", "httpRoute.enabled=true"], "httpRoute.enabled needs httpRoute.parentRefs"),
    (["demo=true", "web.listenHost=::"], "does not match pattern"),
    (["demo=true", "web.externalUrl=flink.example.com"], "does not match pattern"),
    (["demo=true", "extraArgs={--web.external-url=https://flink.example.com/flink/}"], "set web.externalUrl"),
    (["demo=true", "prometheusRule.enabled=true", "prometheusRule.disabled={NoSuch}"], "there is no alert"),
    (["demo=true", "persistence.size=much"], "'much' does not match pattern"),
    (["demo=true", "persistence.enabled=true", f"fullnameOverride={'a' * 53}"], "more than 52 characters"),
    (["demo=true", "shards=2"], "shards has no effect with demo"),
    (["existingConfigMap=c", "shards=2", "replicaCount=2"], "each shard has one replica"),
    (["existingConfigMap=c", "shards=2", f"fullnameOverride={'a' * 53}"], "more than 52 characters"),
    (["config.workspaces[0].id=w", "config.workspaces[0].namespaces={n}", "config.shard.total=2", "shards=2"], "shards and config.shard are set"),
    (["existingConfigMap=c", "shards=0"], "minimum"),
    (["demo=true", "web.tsl=true"], "'tsl' not allowed"),
    (["demo=true", "prometheusRule.enabled=true", "prometheusRule.alerts.overrides.NoSuch.for=1m"], "there is no alert"),
    (["demo=true", "prometheusRule.thresholds.endedJob=1"], "'endedJob' not allowed"),
    (["demo=true", "prometheusRule.thresholds.endedJobs=many"], "want number"),
    (["demo=true", "prometheusRule.alertLabels={a-b}"], "does not match pattern"),
    (["demo=true", "replicas=2"], "'replicas' not allowed"),
    (["demo=true", "serviceMonitor.enabled=true", "scrapeConfig.enabled=true"], "would be scraped twice"),
    ([*MINIMAL, "prometheusRule.enabled=true", "prometheusRule.alertLabels={team}"], "does not export the label team"),
    (
        [*MINIMAL, "config.metrics.deployment_labels={team}", "prometheusRule.enabled=true", "prometheusRule.alerts.exclude[0].stage=dev"],
        "does not export the label stage",
    ),
]

# Texts that YAML reads as numbers, or as a mapping and a comment.
TEXTS = """
demo: true
fullnameOverride: "123"
namespaceOverride: "456"
nameOverride: "1e3"
priorityClassName: "7"
serviceAccount: {name: "99"}
persistence: {enabled: true}
web: {existingSecret: "55", telemetryPath: "/a: b # c"}
ingress: {enabled: true, className: "3", hosts: [{host: flink.example.com, path: "/a: b # c"}]}
podDisruptionBudget: {enabled: true}
networkPolicy: {enabled: true}
serviceMonitor: {enabled: true, namespace: "77", jobLabel: "12"}
prometheusRule: {enabled: true, namespace: "78"}
dashboards: {enabled: true, namespace: "79"}
"""
