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
{{- if has .namespace (list "default" "kube-system" "kube-public" "kube-node-lease") -}}
{{- fail (printf "requests: %s is the cluster's own namespace: name another one" .namespace) -}}
{{- end -}}
{{- end -}}
{{- range .Values.requests -}}
{{- range .delegates -}}
{{- if and (hasPrefix "system:serviceaccount:" .) (has (index (splitList ":" .) 2) $names) -}}
{{- fail (printf "requests: delegate %s lives in a namespace of requests: whoever may edit there makes its tokens" .) -}}
{{- end -}}
{{- if eq . (printf "system:serviceaccount:%s:jit-access-controller" $.Release.Namespace) -}}
{{- fail "requests: the controller is no delegate: it decides, and speaks for nobody" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if not (has .Values.webui.namespace $names) -}}
{{- fail (printf "webui.namespace: %s is none of the namespaces under requests" .Values.webui.namespace) -}}
{{- end -}}
{{- end }}
