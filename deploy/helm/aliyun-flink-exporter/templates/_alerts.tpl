{{/* Where each threshold is in the rules: the alerts, and a pattern in their expressions around the number. */}}
{{- define "exporter.thresholds" -}}
failedJobs: {alerts: [FailedJobsRising], pattern: '(> )0(\))$'}
notRunningSeconds: {alerts: [StreamingNotRunning], pattern: '(- )420()\b'}
abandonedSeconds: {alerts: [StreamingNotRunning, StreamingAbandoned], pattern: '([>-] )604800()\b'}
endedJobs: {alerts: [RestartLoop], pattern: '(> )3()\b'}
restartsWithinJob: {alerts: [RestartsWithinJob], pattern: '(> )3(\))$'}
healthScore: {alerts: [HealthLow], pattern: '((?:<|below) )60()\b'}
changesPendingSeconds: {alerts: [ChangesPending], pattern: '(- )259200()\b'}
computeUnits: {alerts: [ComputeUnitsHigh], pattern: '(> )10000()$'}
dataAgeSeconds: {alerts: [DataStale], pattern: '(, )900(\))'}
throttledRatio: {alerts: [Throttled], pattern: '(> )0\.2()\b'}
credentialsExpirySeconds: {alerts: [CredentialsExpiring], pattern: '(< )600()$'}
tlsCertificateExpirySeconds: {alerts: [TlsCertificateExpiring], pattern: '(< )604800()\b'}
workspaceUsedRatio: {alerts: [WorkspaceQuotaNearlyUsed], pattern: '(>= )0\.9()$'}
namespaceUsedRatio: {alerts: [NamespaceQuotaNearlyUsed], pattern: '(>= )0\.9()$'}
queueUsedRatio: {alerts: [QueueNearlyFull], pattern: '(>= )0\.9()\b'}
{{- end }}

{{/* A rule with its threshold: a dictionary of the rule and all thresholds. The result is the rule. */}}
{{- define "exporter.ruleWithThresholds" -}}
{{- $rule := .rule }}
{{- range $name, $place := fromYaml (include "exporter.thresholds" .) }}
{{- if has (trimPrefix "AliyunFlink" (get $rule "alert")) $place.alerts }}
{{- if not (regexMatch $place.pattern (trim $rule.expr)) }}
{{- fail (printf "%s has no place for the threshold %s" $rule.alert $name) }}
{{- end }}
{{- $number := printf "${1}%v${2}" (get $.thresholds $name) }}
{{- $end := hasSuffix "\n" $rule.expr | ternary "\n" "" }}
{{- $_ := set $rule "expr" (printf "%s%s" (regexReplaceAll $place.pattern (trim $rule.expr) $number) $end) }}
{{- $description := regexReplaceAll $place.pattern $rule.annotations.description $number }}
{{- $_ := set $rule.annotations "description" $description }}
{{- end }}
{{- end }}
{{- toYaml $rule }}
{{- end }}

{{/* The template of an alert's label: the value of a deployment's label, or the last one known. It is never empty, since the
     series ALERTS would then have the template itself as the label's value. */}}
{{- define "exporter.deploymentLabel" -}}
{{- $series := "aliyun_flink_deployment_labels{deployment_id=%q}" }}
{{- $query := printf "printf \"%s or on (deployment_id) last_over_time(%s[2h])\" $labels.deployment_id $labels.deployment_id | query" $series $series }}
{{- printf "{{ with %s }}{{ with . | sortByLabel \"label_%s\" | first | label \"label_%s\" }}{{ . }}{{ else }}none{{ end }}{{ else }}none{{ end }}" $query . . }}
{{- end }}

{{/* The rules that one rule of deploy/prometheus becomes: a dictionary of the rule and prometheusRule's values. */}}
{{- define "exporter.rules" -}}
{{- $values := .values }}
{{- $rule := .rule }}
{{- if get $rule "alert" }}
{{- if $values.runbookUrl }}
{{- $_ := set $rule.annotations "runbook_url" (printf "%s%s" $values.runbookUrl (base $rule.annotations.runbook_url)) }}
{{- end }}
{{- if contains "$labels.deployment_id" $rule.annotations.description }}
{{- range $values.alertLabels }}
{{- $_ := set $rule.labels . (include "exporter.deploymentLabel" .) }}
{{- end }}
{{- end }}
{{- with get $values.alerts.overrides $rule.alert }}
{{- $labels := merge (dict) (get . "labels" | default dict) $rule.labels }}
{{- if .severity }}{{ $_ := set $labels "severity" .severity }}{{ end }}
{{- $_ := set $rule "labels" $labels }}
{{- if hasKey . "for" }}{{ $_ := set $rule "for" (get . "for") }}{{ end }}
{{- if hasKey . "keepFiringFor" }}{{ $_ := set $rule "keep_firing_for" .keepFiringFor }}{{ end }}
{{- end }}
{{- end }}
{{- $thresholds := list $values.thresholds }}
{{- $scopes := list "" }}
{{- if eq (get $rule "alert") "AliyunFlinkComputeUnitsHigh" }}
{{- range $values.computeUnitsByNamespace }}
{{- $namespace := printf "on (workspace, namespace) aliyun_flink_target_poll_interval_seconds{workspace=%q, namespace=%q}" .workspace .namespace }}
{{- $scopes = append $scopes (printf "\n  and %s" $namespace) }}
{{- $thresholds = append $thresholds (merge (dict "computeUnits" .threshold) $values.thresholds) }}
{{- $scopes = concat (list (printf "%s\n  unless %s" (first $scopes) $namespace)) (rest $scopes) }}
{{- end }}
{{- end }}
{{- $excluded := "" }}
{{- if contains "$labels.deployment_id" (get $rule "annotations" | default dict | toString) }}
{{- range $values.alerts.exclude }}
{{- $matchers := list }}
{{- range $label, $value := . }}
{{- $matchers = append $matchers (printf "label_%s=%q" $label $value) }}
{{- end }}
{{- $excluded = printf "%s\n  unless on (workspace, namespace, deployment_id) last_over_time(aliyun_flink_deployment_labels{%s}[30m])" $excluded (join ", " $matchers) }}
{{- end }}
{{- end }}
{{- $rules := list }}
{{- range $index, $scope := $scopes }}
{{- $one := fromYaml (include "exporter.ruleWithThresholds" (dict "rule" (deepCopy $rule) "thresholds" (index $thresholds $index))) }}
{{- if or $scope $excluded }}
{{- $_ := set $one "expr" (printf "(\n%s\n)%s%s\n" (trim $one.expr) $scope $excluded) }}
{{- end }}
{{- $rules = append $rules $one }}
{{- end }}
{{- toYaml $rules }}
{{- end }}
