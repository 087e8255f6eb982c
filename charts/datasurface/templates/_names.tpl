{{- /*
Names. Each object's name is made here and nowhere else, so that a parent chart can call these helpers, and so that no
name changes by accident: names of volume claims and of Secrets outlive a release.

Scope: every helper takes the root context, unless its first line says otherwise.
*/ -}}

{{- /* What every name begins with: the release, with the chart's name unless the release holds it already. */ -}}
{{- define "datasurface.fullname" -}}
{{- $chart := default .Chart.Name .Values.nameOverride -}}
{{- $name := ternary .Release.Name (printf "%s-%s" .Release.Name $chart) (contains $chart .Release.Name) -}}
{{- default $name .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- /* Takes (list root component): an object's name. */ -}}
{{- define "datasurface.name" -}}
{{- printf "%s-%s" (include "datasurface.fullname" (index . 0)) (index . 1) -}}
{{- end -}}

{{- /*
Takes (list root component content): the name of a Job. A Job cannot be changed, so its name carries a hash of its whole
pod template and of whatever else shall make it run again: other content is another Job, same content the same one.
*/ -}}
{{- define "datasurface.jobName" -}}
{{- $name := include "datasurface.name" (list (index . 0) (index . 1)) | trunc 54 | trimSuffix "-" -}}
{{- printf "%s-%s" $name (sha256sum (index . 2) | trunc 8) -}}
{{- end -}}

{{- /* Takes (list root login): the Secret of a login, by the name that its credential directory has in pods. */ -}}
{{- define "datasurface.credentialSecret" -}}
{{- $root := index . 0 -}}
{{- $credential := index . 1 -}}
{{- $given := dig $credential "existingSecret" "" (default dict $root.Values.credentials) -}}
{{- if hasPrefix "reader_" $credential -}}
{{- $given = dig (trimPrefix "reader_" $credential) "existingSecret" "" (default dict $root.Values.readers) -}}
{{- end -}}
{{- default (include "datasurface.name" (list $root ($credential | lower | replace "_" "-"))) $given -}}
{{- end -}}

{{- /* Secrets that a site may bring along. */ -}}
{{- define "datasurface.postgresSecret" -}}
{{- default (include "datasurface.name" (list . "postgres")) .Values.postgres.existingSecret -}}
{{- end -}}

{{- define "datasurface.adminSecret" -}}
{{- default (include "datasurface.name" (list . "airflow")) .Values.airflow.admin.existingSecret -}}
{{- end -}}

{{- define "datasurface.modelRepoSecret" -}}
{{- default (include "datasurface.name" (list . "model-repo")) .Values.modelRepo.existingSecret -}}
{{- end -}}

{{- /* Cluster-scoped, so the namespace is part of it, as a hash: a hyphen may be in either name. */ -}}
{{- define "datasurface.admissionPolicyName" -}}
{{- $name := include "datasurface.fullname" . -}}
{{- printf "%s-%s-job-pods" $name (printf "%s/%s" .Release.Namespace $name | sha256sum | trunc 8) -}}
{{- end -}}

{{- define "datasurface.postgresHost" -}}
{{- ternary (include "datasurface.name" (list . "postgres")) .Values.postgres.external.host .Values.postgres.enabled -}}
{{- end -}}

{{- define "datasurface.postgresPort" -}}
{{- ternary 5432 .Values.postgres.external.port .Values.postgres.enabled -}}
{{- end -}}

{{- /* The bundled server has no certificate; its network policy says who reaches it. */ -}}
{{- define "datasurface.postgresSslmode" -}}
{{- ternary "prefer" .Values.postgres.external.sslmode .Values.postgres.enabled -}}
{{- end -}}

{{- define "datasurface.modelRepoUrl" -}}
{{- $embedded := printf "http://%s:8080/model.git" (include "datasurface.name" (list . "model-repo")) -}}
{{- ternary $embedded .Values.modelSync.git.url .Values.modelRepo.enabled -}}
{{- end -}}

{{- /* Takes (list root image-values): repository:tag, or repository@digest where a digest is given. */ -}}
{{- define "datasurface.imageName" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository (default $root.Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end -}}
