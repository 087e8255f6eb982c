{{- /*
What no schema can say: values that contradict each other, and what the cluster has or lacks. Each finding is a sentence
that says what to do. All of them come at once, from the template validations.yaml, before anything is changed.
*/ -}}

{{- /* The root context; JSON list of sentences. */ -}}
{{- define "datasurface.findings" -}}
{{- $findings := list -}}
{{- $values := .Values -}}
{{- if contains "." .Release.Name -}}
{{- $findings = append $findings (printf "the release %s has a dot in its name, which no Service may have: install it under a name without." .Release.Name) -}}
{{- end -}}
{{- if and $values.simulator.enabled (not $values.demo.enabled) -}}
{{- $findings = append $findings "simulator.enabled is true but demo.enabled is false, so there is no source for it to change: set simulator.enabled=false, or demo.enabled=true." -}}
{{- end -}}
{{- if gt (float64 $values.simulator.minIntervalSeconds) (float64 $values.simulator.maxIntervalSeconds) -}}
{{- $findings = append $findings (printf "simulator.minIntervalSeconds (%v) is more than simulator.maxIntervalSeconds (%v): swap them." $values.simulator.minIntervalSeconds $values.simulator.maxIntervalSeconds) -}}
{{- end -}}
{{- range $login, $reader := $values.readers -}}
{{- if regexMatch "^(ds_|pg_|customer_|airflow$|postgres$)|(_reader|_tables|_job)$" $login -}}
{{- $findings = append $findings (printf "readers.%s has a name of the platform's own roles: take one that does not begin with ds_, pg_ or customer_, does not end in _reader, _tables or _job, and is not airflow or postgres." $login) -}}
{{- end -}}
{{- end -}}
{{- range $name, $credential := $values.credentials -}}
{{- if regexMatch "^(apply|git|job|slack)$" $name -}}
{{- $findings = append $findings (printf "credentials.%s has a name that the platform keeps for a Secret of its own: name it otherwise, here and in the model; the common login of jobs is credentials.ds_job." $name) -}}
{{- end -}}
{{- end -}}
{{- if and $values.postgres.enabled $values.postgres.external.host -}}
{{- $findings = append $findings "postgres.enabled is true and postgres.external.host names a server too: set postgres.enabled=false to use that one, or leave the host out." -}}
{{- end -}}
{{- if and (not $values.postgres.enabled) $values.init.enabled (not $values.postgres.existingSecret) -}}
{{- $findings = append $findings (printf "the initialisation job has no login to %s: make a Secret with the keys username and password of a superuser and name it by postgres.existingSecret, or set init.enabled=false and let the server's administrator run what `datasurface init --print` prints." $values.postgres.external.host) -}}
{{- end -}}
{{- toJson (concat $findings (include "datasurface.clusterFindings" . | fromJsonArray)) -}}
{{- end -}}

{{- /* The same about what is in the cluster; nothing where there is none to ask (helm template, a dry run on the client). */ -}}
{{- define "datasurface.clusterFindings" -}}
{{- $findings := list -}}
{{- $root := . -}}
{{- $namespace := .Release.Namespace -}}
{{- range $key, $claim := include "datasurface.claims" . | fromJson -}}
{{- if and (not $claim.storageClass) (not (lookup "v1" "PersistentVolumeClaim" $namespace $claim.name)) -}}
{{- if eq "missing" (include "datasurface.defaultStorageClass" $root) -}}
{{- $findings = append $findings (printf "the cluster has no default StorageClass for the volume %s: set %s.storageClass (`kubectl get storageclass` lists them), or mark one as the default." $claim.name $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $data := printf "data-%s-0" (include "datasurface.name" (list . "postgres")) -}}
{{- if and .Values.postgres.enabled (lookup "v1" "PersistentVolumeClaim" $namespace $data) -}}
{{- $needed := list (include "datasurface.postgresSecret" .) (include "datasurface.name" (list . "airflow")) -}}
{{- range $needed -}}
{{- if not (lookup "v1" "Secret" $namespace .) -}}
{{- $findings = append $findings (printf "the volume %s of an earlier installation is here but its Secret %s is not, so no password would fit: restore the Secret from its backup, or give up all data by `kubectl -n %s delete pvc %s`." $data . $namespace $data) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with include "datasurface.installedSize" . -}}
{{- if ne (include "datasurface.bytes" .) (include "datasurface.bytes" $root.Values.postgres.storage.size) -}}
{{- $findings = append $findings (printf "postgres.storage.size is %s, but the volume %s was installed with %s and Kubernetes lets no chart change that: set postgres.storage.size=%s, and to grow the volume run `kubectl -n %s patch pvc %s --patch '{\"spec\":{\"resources\":{\"requests\":{\"storage\":\"%s\"}}}}'`." $root.Values.postgres.storage.size $data . . $namespace $data $root.Values.postgres.storage.size) -}}
{{- end -}}
{{- end -}}
{{- if lookup "v1" "ServiceAccount" $namespace "default" -}}
{{- range $key, $given := include "datasurface.givenSecrets" . | fromJson -}}
{{- $stored := lookup "v1" "Secret" $namespace $given.name -}}
{{- range $name := $given.keys -}}
{{- if not (hasKey (default dict $stored.data) $name) -}}
{{- $what := ternary (printf "has no key %s" $name) "does not exist" (not (empty $stored)) -}}
{{- $findings = append $findings (printf "%s names the Secret %s, which %s in the namespace %s: it needs the keys %s." $key $given.name $what $namespace (join ", " $given.keys)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson (uniq $findings) -}}
{{- end -}}

{{- /*
The size that the bundled server's StatefulSet makes its claim with or, if there is none, that of the claim which an earlier
installation left. Empty where neither is there.
*/ -}}
{{- define "datasurface.installedSize" -}}
{{- if .Values.postgres.enabled -}}
{{- $name := include "datasurface.name" (list . "postgres") -}}
{{- $claim := lookup "v1" "PersistentVolumeClaim" .Release.Namespace (printf "data-%s-0" $name) -}}
{{- with lookup "apps/v1" "StatefulSet" .Release.Namespace $name -}}
{{- $claim = index .spec.volumeClaimTemplates 0 -}}
{{- end -}}
{{- dig "spec" "resources" "requests" "storage" "" $claim -}}
{{- end -}}
{{- end -}}

{{- /* Takes a quantity; the same in bytes, since Kubernetes stores 1Gi where a value says 1024Mi. */ -}}
{{- define "datasurface.bytes" -}}
{{- $factor := 1.0 -}}
{{- $unit := regexFind "[A-Za-z]*$" . -}}
{{- $thousands := dig (trimSuffix "i" $unit) 0 (dict "k" 1 "K" 1 "M" 2 "G" 3 "T" 4 "P" 5 "E" 6) -}}
{{- range until (int $thousands) -}}{{- $factor = mulf $factor (ternary 1024 1000 (hasSuffix "i" $unit)) -}}{{- end -}}
{{- printf "%.0f" (mulf (trimSuffix $unit . | float64) $factor) -}}
{{- end -}}

{{- /* "missing" where a cluster answers and has no default StorageClass. */ -}}
{{- define "datasurface.defaultStorageClass" -}}
{{- if lookup "v1" "Service" "default" "kubernetes" -}}
{{- $state := "missing" -}}
{{- range (lookup "storage.k8s.io/v1" "StorageClass" "" "").items -}}
{{- if eq "true" (dig "metadata" "annotations" "storageclass.kubernetes.io/is-default-class" "" .) -}}{{- $state = "there" -}}{{- end -}}
{{- end -}}
{{- $state -}}
{{- end -}}
{{- end -}}

{{- /* JSON: values key -> {name, storageClass} of every claim that the release makes. */ -}}
{{- define "datasurface.claims" -}}
{{- $claims := dict -}}
{{- if .Values.postgres.enabled -}}
{{- $name := printf "data-%s-0" (include "datasurface.name" (list . "postgres")) -}}
{{- $_ := set $claims "postgres.storage" (dict "name" $name "storageClass" .Values.postgres.storage.storageClass) -}}
{{- end -}}
{{- $_ := set $claims "airflow.logs" (dict "name" (include "datasurface.name" (list . "airflow-logs")) "storageClass" .Values.airflow.logs.storageClass) -}}
{{- if .Values.modelRepo.enabled -}}
{{- $_ := set $claims "modelRepo.storage" (dict "name" (include "datasurface.name" (list . "model-repo")) "storageClass" .Values.modelRepo.storage.storageClass) -}}
{{- end -}}
{{- toJson $claims -}}
{{- end -}}

{{- /* JSON: values key -> {name, keys} of every Secret that the site brings along. */ -}}
{{- define "datasurface.givenSecrets" -}}
{{- $login := list "username" "password" -}}
{{- $given := dict -}}
{{- if .Values.postgres.existingSecret -}}
{{- $_ := set $given "postgres.existingSecret" (dict "name" .Values.postgres.existingSecret "keys" $login) -}}
{{- end -}}
{{- if .Values.airflow.admin.existingSecret -}}
{{- $_ := set $given "airflow.admin.existingSecret" (dict "name" .Values.airflow.admin.existingSecret "keys" (list "admin_username" "admin_password")) -}}
{{- end -}}
{{- if .Values.modelRepo.existingSecret -}}
{{- $_ := set $given "modelRepo.existingSecret" (dict "name" .Values.modelRepo.existingSecret "keys" $login) -}}
{{- end -}}
{{- if .Values.modelSync.git.existingSecret -}}
{{- $_ := set $given "modelSync.git.existingSecret" (dict "name" .Values.modelSync.git.existingSecret "keys" (list "password")) -}}
{{- end -}}
{{- range $name, $credential := .Values.credentials -}}
{{- with $credential.existingSecret -}}
{{- $keys := ternary (append $login "sql_alchemy_conn") $login (eq $name "airflow") -}}
{{- $_ := set $given (printf "credentials.%s.existingSecret" $name) (dict "name" . "keys" $keys) -}}
{{- end -}}
{{- end -}}
{{- range $name, $reader := .Values.readers -}}
{{- with $reader.existingSecret -}}
{{- $_ := set $given (printf "readers.%s.existingSecret" $name) (dict "name" . "keys" $login) -}}
{{- end -}}
{{- end -}}
{{- toJson $given -}}
{{- end -}}
