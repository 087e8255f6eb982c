{{- /*
Labels. Selectors hold name, instance and component only: what else is a label may change, a selector may not.
Both helpers take (list root component).
*/ -}}

{{- define "datasurface.selectorLabels" -}}
app.kubernetes.io/name: datasurface
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "datasurface.labels" -}}
{{- $root := index . 0 -}}
{{ include "datasurface.selectorLabels" . }}
app.kubernetes.io/part-of: datasurface
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 }}
{{- end -}}

{{- /* Takes (list root component...): selects the pods of these components, as a NetworkPolicy's podSelector. */ -}}
{{- define "datasurface.podSelector" -}}
{{- $labels := dict "app.kubernetes.io/name" "datasurface" "app.kubernetes.io/instance" (index . 0).Release.Name -}}
{{- $components := dict "key" "app.kubernetes.io/component" "operator" "In" "values" (rest .) -}}
{{- toJson (dict "matchLabels" $labels "matchExpressions" (list $components)) -}}
{{- end -}}
