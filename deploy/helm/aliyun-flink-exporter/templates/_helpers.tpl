{{- define "exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "exporter.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (include "exporter.name" .) .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "exporter.name" .) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "exporter.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride }}
{{- end }}

{{- define "exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "exporter.name" . | toYaml }}
app.kubernetes.io/instance: {{ .Release.Name | toYaml }}
{{- end }}

{{/* The labels of an object: (list . OWN), of which those of the chart stand above its own. */}}
{{- define "exporter.labels" -}}
{{- $root := index . 0 }}
{{- $labels := fromYaml (include "exporter.selectorLabels" $root) }}
{{- $_ := set $labels "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") }}
{{- $_ := set $labels "app.kubernetes.io/managed-by" $root.Release.Service }}
{{- $_ := set $labels "app.kubernetes.io/version" $root.Chart.AppVersion }}
{{- merge $labels (index . 1) $root.Values.commonLabels | toYaml }}
{{- end }}

{{/* The labels of the pod: without a version, so that it is not replaced for the chart's sake alone. */}}
{{- define "exporter.podLabels" -}}
{{- merge (fromYaml (include "exporter.selectorLabels" .)) .Values.podLabels .Values.commonLabels | toYaml }}
{{- end }}

{{- define "exporter.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "exporter.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "exporter.image" -}}
{{- with .Values.image }}
{{- $registry := default .registry $.Values.global.imageRegistry }}
{{- $name := empty $registry | ternary .repository (printf "%s/%s" $registry .repository) }}
{{- if .digest }}
{{- printf "%s@%s" $name .digest }}
{{- else }}
{{- printf "%s:%s" $name (default $.Chart.AppVersion .tag) }}
{{- end }}
{{- end }}
{{- end }}

{{/* A volume or an index of its own for each pod needs a StatefulSet. */}}
{{- define "exporter.kind" -}}
{{- or .Values.persistence.enabled (gt (int .Values.shards) 1) | ternary "StatefulSet" "Deployment" }}
{{- end }}

{{- define "exporter.replicas" -}}
{{- gt (int .Values.shards) 1 | ternary .Values.shards .Values.replicaCount }}
{{- end }}

{{/* Shards prefer different nodes, unless the values say otherwise. */}}
{{- define "exporter.affinity" -}}
{{- if .Values.affinity }}
{{- toYaml .Values.affinity }}
{{- else if gt (int .Values.shards) 1 }}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels:
            {{- include "exporter.selectorLabels" . | nindent 12 }}
{{- end }}
{{- end }}

{{/* The secrets for the registry, of all charts and of this one. */}}
{{- define "exporter.imagePullSecrets" -}}
{{- $secrets := list }}
{{- range concat .Values.global.imagePullSecrets .Values.imagePullSecrets }}
{{- $secrets = append $secrets (kindIs "string" . | ternary (dict "name" .) .) }}
{{- end }}
{{- with $secrets | uniq }}
{{- toYaml . }}
{{- end }}
{{- end }}

{{/* The name of a dashboard's objects: (list . DASHBOARD). */}}
{{- define "exporter.dashboardName" -}}
{{- printf "%s-dashboard-%s" (include "exporter.fullname" (index . 0) | trunc 40 | trimSuffix "-") (index . 1) }}
{{- end }}

{{- define "exporter.headlessName" -}}
{{- printf "%s-headless" (include "exporter.fullname" . | trunc 54 | trimSuffix "-") }}
{{- end }}

{{- define "exporter.configMapName" -}}
{{- default (include "exporter.fullname" .) .Values.existingConfigMap }}
{{- end }}

{{- define "exporter.configMapKey" -}}
{{- empty .Values.existingConfigMap | ternary "config.yml" .Values.existingConfigMapKey }}
{{- end }}

{{/* The key path of a secret that stands in a configuration; nothing if there is none. */}}
{{- define "exporter.secretIn" -}}
{{- $path := .path }}
{{- if kindIs "map" .value }}
{{- range $key, $value := .value }}
{{- if and (has $key (list "access_key_secret" "security_token")) $value }}
{{- printf "%s.%s " $path $key }}
{{- else }}
{{- include "exporter.secretIn" (dict "path" (printf "%s.%s" $path $key) "value" $value) }}
{{- end }}
{{- end }}
{{- else if kindIs "slice" .value }}
{{- range $index, $value := .value }}
{{- include "exporter.secretIn" (dict "path" (printf "%s[%d]" $path $index) "value" $value) }}
{{- end }}
{{- end }}
{{- end }}

{{/* Refuses deployment labels of prometheusRule that the configuration does not export. A variable may configure them instead. */}}
{{- define "exporter.checkDeploymentLabels" -}}
{{- $exported := list }}
{{- range (dig "metrics" "deployment_labels" list .Values.config) }}
{{- $exported = append $exported (regexReplaceAll "[^a-zA-Z0-9_]" . "_") }}
{{- end }}
{{- $variable := "ALIYUN_FLINK_EXPORTER_METRICS__DEPLOYMENT_LABELS" }}
{{- $elsewhere := .Values.extraEnvFrom }}
{{- range .Values.extraEnv }}
{{- if eq .name $variable }}{{ $elsewhere = true }}{{ end }}
{{- end }}
{{- $used := .Values.prometheusRule.alertLabels }}
{{- range .Values.prometheusRule.alerts.exclude }}
{{- $used = concat $used (keys .) }}
{{- end }}
{{- if and .Values.config (not $elsewhere) (not (has "*" (dig "metrics" "deployment_labels" list .Values.config))) }}
{{- range $used }}
{{- if not (has . $exported) }}
{{- fail (printf "prometheusRule.alertLabels and prometheusRule.alerts.exclude: config.metrics.deployment_labels does not export the label %s" .) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Refuses values that contradict each other, and those that would show a secret. */}}
{{- define "exporter.check" -}}
{{- $given := list }}
{{- if .Values.config }}{{ $given = append $given "config" }}{{ end }}
{{- if .Values.existingConfigMap }}{{ $given = append $given "existingConfigMap" }}{{ end }}
{{- if .Values.demo }}{{ $given = append $given "demo" }}{{ end }}
{{- if ne (len $given) 1 }}
{{- fail (printf "set exactly one of config (with config.workspaces), existingConfigMap and demo; set are: %s" (join ", " $given | default "none")) }}
{{- end }}
{{- with include "exporter.secretIn" (dict "path" "config" "value" .Values.config) }}
{{- fail (printf "%s would be stored in a ConfigMap: store it in a Secret and set existingSecret, or mount the Secret and set the paths of its files (access_key_secret_file)" (trim .)) }}
{{- end }}
{{- range .Values.extraEnv }}
{{- if and (has .name (list "ALIBABA_CLOUD_ACCESS_KEY_SECRET" "ALIBABA_CLOUD_SECURITY_TOKEN")) (hasKey . "value") }}
{{- fail (printf "the value of extraEnv %s would be stored in the Deployment: store it in a Secret and set existingSecret" .name) }}
{{- end }}
{{- end }}
{{- $own := dig "credentials" dict .Values.config }}
{{- if and .Values.existingSecret.name .Values.demo }}
{{- fail "existingSecret has no effect with demo" }}
{{- end }}
{{- if and .Values.existingSecret.name $own }}
{{- fail "existingSecret and config.credentials are both set: set only one of them" }}
{{- end }}
{{- if and (eq (include "exporter.kind" .) "StatefulSet") (gt (len (include "exporter.fullname" .)) 52) }}
{{- fail (printf "%s has more than 52 characters, the limit for a StatefulSet (persistence.enabled, shards): set fullnameOverride" (include "exporter.fullname" .)) }}
{{- end }}
{{- if gt (int .Values.shards) 1 }}
{{- if .Values.demo }}
{{- fail "shards has no effect with demo" }}
{{- end }}
{{- if ne (int .Values.replicaCount) 1 }}
{{- fail "shards and replicaCount are both set: each shard has one replica" }}
{{- end }}
{{- if dig "shard" dict .Values.config }}
{{- fail "shards and config.shard are set: each pod gets its own index from shards" }}
{{- end }}
{{- if semverCompare "<1.28.0-0" .Capabilities.KubeVersion.Version }}
{{- fail (printf "shards needs Kubernetes 1.28 for the label apps.kubernetes.io/pod-index; this is %s" .Capabilities.KubeVersion.Version) }}
{{- end }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) }}
{{- fail "ingress.enabled needs ingress.hosts" }}
{{- end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
{{- fail "httpRoute.enabled needs httpRoute.parentRefs" }}
{{- end }}
{{- if .Values.prometheusRule.enabled }}
{{- include "exporter.checkDeploymentLabels" . }}
{{- end }}
{{- if and .Values.serviceMonitor.enabled .Values.scrapeConfig.enabled }}
{{- fail "serviceMonitor.enabled and scrapeConfig.enabled are both set: the exporter would be scraped twice" }}
{{- end }}
{{- if and .Values.web.tls (not .Values.web.existingSecret) }}
{{- fail "web.tls is set without web.existingSecret: TLS needs a Secret with a web configuration and its certificate" }}
{{- end }}
{{- range .Values.extraArgs }}
{{- if regexMatch "^--web\\.(external-url|route-prefix)\\b" . }}
{{- fail (printf "extraArgs %s: set web.externalUrl or web.routePrefix, which probes and scrapes follow" .) }}
{{- end }}
{{- end }}
{{- if and .Values.web.probePort (eq (int .Values.web.probePort) 10978) }}
{{- fail "web.probePort is 10978, the port of the metrics: use another port" }}
{{- end }}
{{- end }}

{{/* The prefix of all paths, without a slash at its end. Probes of the probe port have none. */}}
{{- define "exporter.routePrefix" -}}
{{- with default (urlParse .Values.web.externalUrl).path .Values.web.routePrefix | trimAll "/" }}/{{ . }}{{ end }}
{{- end }}

{{- define "exporter.metricsPath" -}}
{{- include "exporter.routePrefix" . }}{{ .Values.web.telemetryPath }}
{{- end }}

{{/* A probe: how often, and unless it says itself how, by HTTP. */}}
{{- define "exporter.probe" -}}
{{- $probe := .probe }}
{{- $web := .root.Values.web }}
{{- if not (or (hasKey $probe "httpGet") (hasKey $probe "tcpSocket") (hasKey $probe "exec") (hasKey $probe "grpc")) }}
{{- $http := dict "path" (printf "%s%s" (include "exporter.routePrefix" .root) .path) "port" "http" }}
{{- if $web.probePort }}
{{- $http = dict "path" .path "port" "probes" }}
{{- else if $web.tls }}
{{- $_ := set $http "scheme" "HTTPS" }}
{{- end }}
{{- $probe = merge (dict "httpGet" $http) $probe }}
{{- end }}
{{- toYaml $probe }}
{{- end }}
