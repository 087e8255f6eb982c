{{- /*
The two files that processes read: where the databases are, and with which image, secrets and resources jobs run. They are
helpers so that a ConfigMap, a checksum and the admission policy see one and the same text. Both take the root context.
*/ -}}

{{- define "datasurface.connections" -}}
{{- $server := dict "host" (include "datasurface.postgresHost" .) "port" (include "datasurface.postgresPort" . | int) "sslmode" (include "datasurface.postgresSslmode" .) -}}
{{- $merge := merge (dict "database" .Values.databases.merge) $server -}}
{{- $containers := dict "merge_db" $merge -}}
{{- if .Values.demo.enabled -}}
{{- $_ := set $containers "customer_db" (merge (dict "database" .Values.databases.customer) $server) -}}
{{- end -}}
{{- range $name, $container := .Values.containers -}}
{{- $given := dict -}}
{{- range $key, $value := $container -}}
{{- if $value -}}{{- $_ := set $given $key (ternary (int $value) $value (eq $key "port")) -}}{{- end -}}
{{- end -}}
{{- $_ := set $containers $name $given -}}
{{- end -}}
{{- $login := merge (dict "schema" .Values.databases.mergeSchema "role_prefix" .Values.databases.rolePrefix) $merge -}}
{{- toPrettyJson (dict "v" 1 "containers" $containers "merge" $login) -}}
{{- end -}}

{{- define "datasurface.installation" -}}
{{- $secrets := include "datasurface.jobSecrets" . | fromJson -}}
{{- $pullSecrets := list -}}
{{- range .Values.imagePullSecrets -}}{{- $pullSecrets = append $pullSecrets .name -}}{{- end -}}
{{- $streams := dict -}}
{{- range $name, $stream := .Values.jobs.streams -}}
{{- $own := dict "suspended" (default false $stream.suspended) -}}
{{- with $stream.resources -}}{{- $_ := set $own "resources" (include "datasurface.quantities" . | fromJson) -}}{{- end -}}
{{- $_ := set $streams $name $own -}}
{{- end -}}
{{- toPrettyJson (dict
      "v" 1
      "image" (include "datasurface.imageName" (list . .Values.image))
      "namespace" .Release.Namespace
      "instance" .Release.Name
      "service_account" (include "datasurface.name" (list . "job"))
      "connections_config_map" (include "datasurface.name" (list . "connections"))
      "image_pull_policy" .Values.image.pullPolicy
      "image_pull_secrets" $pullSecrets
      "secrets" $secrets
      "resources" (include "datasurface.quantities" .Values.jobs.resources | fromJson)
      "streams" $streams) -}}
{{- end -}}

{{- /* Takes resources; JSON of the same with each quantity as text, since values may write 0.5 for half a core. */ -}}
{{- define "datasurface.quantities" -}}
{{- $texts := dict -}}
{{- range $part, $quantities := . -}}
{{- $of := dict -}}
{{- range $name, $quantity := $quantities -}}{{- $_ := set $of $name (toString $quantity) -}}{{- end -}}
{{- $_ := set $texts $part $of -}}
{{- end -}}
{{- toJson $texts -}}
{{- end -}}

{{- /* JSON: the Secret of each login that a job pod may mount, by the login's name in the model; "job" and "apply" are ours. */ -}}
{{- define "datasurface.jobSecrets" -}}
{{- $secrets := dict -}}
{{- $_ := set $secrets "job" (include "datasurface.credentialSecret" (list . "ds_job")) -}}
{{- $_ := set $secrets "apply" (include "datasurface.credentialSecret" (list . "ds_merge")) -}}
{{- if .Values.demo.enabled -}}
{{- $_ := set $secrets "customer_reader" (include "datasurface.credentialSecret" (list . "customer_reader")) -}}
{{- end -}}
{{- /* Entries for the chart's own logins say where those are; no job mounts them by these names. */ -}}
{{- $own := include "datasurface.logins" . | fromJsonArray -}}
{{- range $name, $credential := .Values.credentials -}}
{{- if not (has $name $own) -}}{{- $_ := set $secrets $name $credential.existingSecret -}}{{- end -}}
{{- end -}}
{{- toJson $secrets -}}
{{- end -}}

{{- /* The logins that the initialisation makes, as a JSON list of their directories' names. */ -}}
{{- define "datasurface.logins" -}}
{{- $logins := list "ds_job" "ds_merge" "ds_monitor" "ds_dags" "ds_link" "airflow" -}}
{{- if .Values.demo.enabled -}}{{- $logins = concat $logins (list "customer_reader" "customer_writer") -}}{{- end -}}
{{- range $login, $reader := .Values.readers -}}{{- $logins = append $logins (printf "reader_%s" $login) -}}{{- end -}}
{{- toJson $logins -}}
{{- end -}}
