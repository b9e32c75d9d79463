{{- define "jit-access.labels" -}}
app.kubernetes.io/name: jit-access
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- /* What must hold of the values and no schema can say. */ -}}
{{- define "jit-access.check" -}}
{{- $names := list -}}
{{- range .Values.requests -}}
{{- if eq .namespace $.Release.Namespace -}}
{{- fail (printf "requests: %s is the release's own namespace, where no AccessRequests may be: whoever makes pods there is the controller" .namespace) -}}
{{- end -}}
{{- if has .namespace $names -}}
{{- fail (printf "requests: namespace %s is named twice" .namespace) -}}
{{- end -}}
{{- $names = append $names .namespace -}}
{{- $own := printf "system:serviceaccount:%s:" .namespace -}}
{{- range .delegates -}}
{{- if hasPrefix $own . -}}
{{- fail (printf "requests: delegate %s lives among the requests it would speak in: whoever may edit that namespace makes its tokens" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if not (has .Values.webui.namespace $names) -}}
{{- fail (printf "webui.namespace: %s is none of the namespaces under requests" .Values.webui.namespace) -}}
{{- end -}}
{{- end }}
