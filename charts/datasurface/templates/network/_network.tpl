{{- /* Network policies: everything is closed, and each component's file opens what that component needs. */ -}}

{{- /* Takes (list root component name): the head of a policy. */ -}}
{{- define "datasurface.policyHead" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "datasurface.name" (list (index . 0) (index . 2)) }}
  namespace: {{ (index . 0).Release.Namespace }}
  labels:
    {{- include "datasurface.labels" (list (index . 0) (index . 1)) | nindent 4 }}
{{- end -}}

{{- /* JSON: the components that talk to PostgreSQL. */ -}}
{{- define "datasurface.databaseClients" -}}
{{- toJson (list "init" "airflow" "airflow-migrate" "model-sync" "job" "simulator" "views" "test") -}}
{{- end -}}

{{- /*
The egress rule to the Kubernetes API server, which no podSelector matches. After translation its address is that of the
endpoints of Service default/kubernetes, and engines that look before it see the Service's own: both are named. Where
neither a value nor a cluster tells them (helm template), any address on the ports that API servers have.
*/ -}}
{{- define "datasurface.apiServerEgress" -}}
{{- $given := .Values.networkPolicy.apiServer -}}
{{- $cidrs := default list $given.cidrs -}}
{{- $ports := default list $given.ports -}}
{{- if not $cidrs -}}
{{- range (lookup "discovery.k8s.io/v1" "EndpointSlice" "default" "").items -}}
{{- if eq (dig "metadata" "labels" "kubernetes.io/service-name" "" .) "kubernetes" -}}
{{- range .endpoints -}}{{- range .addresses -}}
{{- $cidrs = append $cidrs (printf "%s/%s" . (ternary "128" "32" (contains ":" .))) -}}
{{- end -}}{{- end -}}
{{- if not $given.ports -}}{{- range .ports -}}{{- $ports = append $ports (int .port) -}}{{- end -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- with dig "spec" "clusterIPs" list (lookup "v1" "Service" "default" "kubernetes") -}}
{{- range . -}}{{- $cidrs = append $cidrs (printf "%s/%s" . (ternary "128" "32" (contains ":" .))) -}}{{- end -}}
{{- if not $given.ports -}}{{- $ports = append $ports 443 -}}{{- end -}}
{{- end -}}
{{- end -}}
- to:
    {{- range $cidrs | uniq | sortAlpha | default (list "0.0.0.0/0") }}
    - ipBlock: {cidr: {{ . | quote }}}
    {{- end }}
  ports:
    {{- range $ports | uniq | default (list 443 6443) }}
    - {protocol: TCP, port: {{ int . }}}
    {{- end }}
{{- end -}}
