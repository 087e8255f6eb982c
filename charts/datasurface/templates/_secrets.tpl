{{- /*
Secrets are made once: each key is looked up first and only made when it is not there, so that an upgrade changes none and
a reinstallation finds those that fit the databases it finds. They are kept when the release goes, like the volumes. What
is looked up is empty where there is no cluster (helm template), so renderings without one differ from each other.
*/ -}}

{{- /* Takes (list root secret-name key value): the stored value of the key in base64, else `value` in base64. */ -}}
{{- define "datasurface.kept" -}}
{{- $root := index . 0 -}}
{{- $stored := lookup "v1" "Secret" $root.Release.Namespace (index . 1) -}}
{{- $data := default dict $stored.data -}}
{{- default (b64enc (index . 3)) (get $data (index . 2)) -}}
{{- end -}}

{{- /* Letters and digits alone: a password stands in URLs and in files that are read line by line. */ -}}
{{- define "datasurface.newPassword" -}}
{{- randAlphaNum 32 -}}
{{- end -}}

{{- /* Takes (list root component name): the head of a kept object. */ -}}
{{- define "datasurface.keptMetadata" -}}
name: {{ index . 2 }}
namespace: {{ (index . 0).Release.Namespace }}
labels:
  {{- include "datasurface.labels" (list (index . 0) (index . 1)) | nindent 2 }}
annotations:
  helm.sh/resource-policy: keep
{{- end -}}

{{- /*
Takes (list root component credential user): the Secret of a database login. The user name is not kept: it follows the
prefix of role names.
*/ -}}
{{- define "datasurface.loginSecret" -}}
{{- $root := index . 0 -}}
{{- $name := include "datasurface.credentialSecret" (list $root (index . 2)) -}}
apiVersion: v1
kind: Secret
metadata:
  {{- include "datasurface.keptMetadata" (list $root (index . 1) $name) | nindent 2 }}
type: Opaque
data:
  username: {{ printf "%s%s" $root.Values.databases.rolePrefix (index . 3) | b64enc }}
  password: {{ include "datasurface.kept" (list $root $name "password" (include "datasurface.newPassword" $root)) }}
{{- end -}}
