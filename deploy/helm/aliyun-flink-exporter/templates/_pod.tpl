{{/* What the exporter's container runs with. */}}
{{- define "exporter.args" -}}
{{- if .Values.demo }}
- demo
{{- else }}
- run
- --config.file=/etc/aliyun-flink-exporter/{{ include "exporter.configMapKey" . }}
{{- end }}
{{- if and .Values.autoReload (not .Values.demo) }}
- --config.auto-reload
{{- end }}
- --web.listen-address={{ .Values.web.listenHost }}:10978
{{- if ne .Values.web.telemetryPath "/metrics" }}
- {{ printf "--web.telemetry-path=%s" .Values.web.telemetryPath | toYaml }}
{{- end }}
{{- with .Values.web.externalUrl }}
- {{ printf "--web.external-url=%s" . | toYaml }}
{{- end }}
{{- with .Values.web.routePrefix }}
- {{ printf "--web.route-prefix=%s" . | toYaml }}
{{- end }}
{{- if .Values.web.existingSecret }}
- --web.config.file=/etc/aliyun-flink-exporter-web/{{ .Values.web.key }}
{{- end }}
{{- with .Values.web.probePort }}
- --web.probe-address={{ $.Values.web.listenHost }}:{{ . }}
{{- end }}
{{- if .Values.web.enableLifecycle }}
- --web.enable-lifecycle
{{- end }}
{{- if .Values.persistence.enabled }}
- --state.path=/var/lib/aliyun-flink-exporter/state.redb
{{- end }}
- --log.level={{ .Values.log.level }}
- --log.format={{ .Values.log.format }}
{{- with .Values.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The access key's variables: the key itself, or the files that it is in. */}}
{{- define "exporter.env" -}}
{{- with .Values.existingSecret }}
{{- if and .name (eq .as "env") }}
{{- $secret := .name }}
- name: ALIBABA_CLOUD_ACCESS_KEY_ID
  valueFrom:
    secretKeyRef: {name: {{ .name | quote }}, key: {{ .accessKeyIdKey | quote }}}
- name: ALIBABA_CLOUD_ACCESS_KEY_SECRET
  valueFrom:
    secretKeyRef: {name: {{ .name | quote }}, key: {{ .accessKeySecretKey | quote }}}
{{- with .securityTokenKey }}
- name: ALIBABA_CLOUD_SECURITY_TOKEN
  valueFrom:
    secretKeyRef: {name: {{ $secret | quote }}, key: {{ . | quote }}}
{{- end }}
{{- else if .name }}
- name: ALIYUN_FLINK_EXPORTER_CREDENTIALS__TYPE
  value: access_key
- name: ALIYUN_FLINK_EXPORTER_CREDENTIALS__ACCESS_KEY_ID_FILE
  value: /etc/aliyun-flink-exporter-credentials/access-key-id
- name: ALIYUN_FLINK_EXPORTER_CREDENTIALS__ACCESS_KEY_SECRET_FILE
  value: /etc/aliyun-flink-exporter-credentials/access-key-secret
{{- if .securityTokenKey }}
- name: ALIYUN_FLINK_EXPORTER_CREDENTIALS__SECURITY_TOKEN_FILE
  value: /etc/aliyun-flink-exporter-credentials/security-token
{{- end }}
{{- end }}
{{- end }}
{{- if gt (int .Values.shards) 1 }}
- name: ALIYUN_FLINK_EXPORTER_SHARD__INDEX
  valueFrom:
    fieldRef: {fieldPath: "metadata.labels['apps.kubernetes.io/pod-index']"}
- name: ALIYUN_FLINK_EXPORTER_SHARD__TOTAL
  value: {{ .Values.shards | quote }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "exporter.volumeMounts" -}}
{{- if not .Values.demo }}
- name: config
  mountPath: /etc/aliyun-flink-exporter
  readOnly: true
{{- end }}
{{- if and .Values.existingSecret.name (eq .Values.existingSecret.as "files") }}
- name: credentials
  mountPath: /etc/aliyun-flink-exporter-credentials
  readOnly: true
{{- end }}
{{- if .Values.web.existingSecret }}
- name: web
  mountPath: /etc/aliyun-flink-exporter-web
  readOnly: true
{{- end }}
{{- if .Values.persistence.enabled }}
- name: state
  mountPath: /var/lib/aliyun-flink-exporter
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Secrets are for the exporter's group alone. */}}
{{- define "exporter.volumes" -}}
{{- if not .Values.demo }}
- name: config
  configMap:
    name: {{ include "exporter.configMapName" . | toYaml }}
{{- end }}
{{- with .Values.existingSecret }}
{{- if and .name (eq .as "files") }}
- name: credentials
  secret:
    secretName: {{ .name | toYaml }}
    defaultMode: 0440
    items:
      - {key: {{ .accessKeyIdKey | quote }}, path: access-key-id}
      - {key: {{ .accessKeySecretKey | quote }}, path: access-key-secret}
      {{- with .securityTokenKey }}
      - {key: {{ . | quote }}, path: security-token}
      {{- end }}
{{- end }}
{{- end }}
{{- with .Values.web.existingSecret }}
- name: web
  secret:
    secretName: {{ . | toYaml }}
    defaultMode: 0440
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}
