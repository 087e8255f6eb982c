{{- /*
Every pod of the chart goes through datasurface.pod, which gives each of its containers, init containers included, the
security settings of Pod Security "restricted", a read-only root file system and a /tmp of its own. A component writes the
rest as a plain pod specification. A container that is not in a pod made here does not exist in this chart.
*/ -}}

{{- /*
Takes a dict: root; component; spec, the pod specification as YAML text; user, the user and group id (10001);
annotations, a dict; tmpSize, the size of each /tmp (1Gi). Gives a pod template: metadata and spec.
A folder of the node's disk that outgrows its size costs the pod, which starts anew; without one it would cost the node.
A container's own securityContext adds to the one here (git-sync has a user of its own) and cannot weaken it.
*/ -}}
{{- define "datasurface.pod" -}}
{{- $user := default 10001 .user | int -}}
{{- $tmpSize := default "1Gi" .tmpSize -}}
{{- $spec := fromYaml .spec -}}
{{- if hasKey $spec "Error" -}}
{{- fail (printf "the pod of %s is no YAML: %s" .component (get $spec "Error")) -}}
{{- end -}}
{{- $volumes := default list $spec.volumes -}}
{{- range $containers := list $spec.initContainers $spec.containers -}}
{{- range $container := $containers -}}
{{- $_ := set $container "securityContext" (mergeOverwrite (default dict $container.securityContext) (fromYaml (include "datasurface.containerSecurity" nil))) -}}
{{- $tmp := printf "tmp-%s" $container.name -}}
{{- $volumes = append $volumes (dict "name" $tmp "emptyDir" (dict "sizeLimit" $tmpSize)) -}}
{{- $_ := set $container "volumeMounts" (prepend (default list $container.volumeMounts) (dict "name" $tmp "mountPath" "/tmp")) -}}
{{- end -}}
{{- end -}}
{{- $defaults := fromYaml (include "datasurface.podSecurity" $user) -}}
{{- $spec = mergeOverwrite $defaults (fromYaml (include "datasurface.scheduling" .root)) $spec (dict "volumes" $volumes) -}}
metadata:
  labels:
    {{- include "datasurface.labels" (list .root .component) | nindent 4 }}
  {{- with .annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- toYaml $spec | nindent 2 }}
{{- end -}}

{{- define "datasurface.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- /* Takes the user id. No pod has a token of its service account unless it mounts one by itself; no pod wants the addresses
of Services in its environment, where a Service called airflow would become a setting of Airflow's. */ -}}
{{- define "datasurface.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ . }}
  runAsGroup: {{ . }}
  fsGroup: {{ . }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "datasurface.scheduling" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toJson . }}
{{- end }}
{{- with .Values.scheduling.nodeSelector }}
nodeSelector: {{ toJson . }}
{{- end }}
{{- with .Values.scheduling.tolerations }}
tolerations: {{ toJson . }}
{{- end }}
{{- with .Values.scheduling.affinity }}
affinity: {{ toJson . }}
{{- end }}
{{- with .Values.scheduling.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{- /* Takes (list root image-values): the two fields of a container. */ -}}
{{- define "datasurface.image" -}}
image: {{ include "datasurface.imageName" . | quote }}
imagePullPolicy: {{ (index . 0).Values.image.pullPolicy }}
{{- end -}}

{{- /* What every process of ours reads from its environment: where its two files are. */ -}}
{{- define "datasurface.environment" -}}
- {name: DATASURFACE_CONNECTIONS, value: /etc/datasurface/connections/connections.json}
- {name: DATASURFACE_INSTALLATION, value: /etc/datasurface/installation/installation.json}
- {name: DATASURFACE_LOG_FORMAT, value: json}
{{- end -}}

{{- define "datasurface.configurationMounts" -}}
- {name: connections, mountPath: /etc/datasurface/connections, readOnly: true}
- {name: installation, mountPath: /etc/datasurface/installation, readOnly: true}
{{- end -}}

{{- define "datasurface.configurationVolumes" -}}
- {name: connections, configMap: {name: {{ include "datasurface.name" (list . "connections") }}, defaultMode: 0444}}
- {name: installation, configMap: {name: {{ include "datasurface.name" (list . "installation") }}, defaultMode: 0444}}
{{- end -}}

{{- /* Annotations that make a pod start anew when the files above change: a process reads them once. */ -}}
{{- define "datasurface.configurationChecksums" -}}
datasurface.io/connections: {{ include "datasurface.connections" . | sha256sum | trunc 16 }}
datasurface.io/installation: {{ include "datasurface.installation" . | sha256sum | trunc 16 }}
{{- end -}}

{{- /* Takes (list root login...): one directory per login with the files username and password. */ -}}
{{- define "datasurface.credentialMounts" -}}
{{- range rest . }}
- {name: credential-{{ . | lower | replace "_" "-" }}, mountPath: /etc/datasurface/credentials/{{ . }}, readOnly: true}
{{- end }}
{{- end -}}

{{- define "datasurface.credentialVolumes" -}}
{{- $root := index . 0 }}
{{- range rest . }}
- name: credential-{{ . | lower | replace "_" "-" }}
  secret:
    secretName: {{ include "datasurface.credentialSecret" (list $root .) }}
    defaultMode: 0440
    items: [{key: username, path: username}, {key: password, path: password}]
{{- end }}
{{- end -}}

{{- /* Takes (list file seconds): a probe's command, as JSON: is the file there, and younger than that? 14 ms of CPU. */ -}}
{{- define "datasurface.isYoung" -}}
{{- $program := "import os, sys, time; p, s = sys.argv[1:]; sys.exit(not os.path.exists(p) or time.time() - os.path.getmtime(p) > int(s))" -}}
{{- toJson (list "python" "-I" "-S" "-c" $program (index . 0) (toString (index . 1))) -}}
{{- end -}}
