{{- /* The simulator's pod. With an end it is a Job, which stops exactly there; a Deployment would start it again. */ -}}
{{- define "datasurface.simulator.stops" -}}
{{- if gt (int64 .Values.simulator.maxChanges) 0 }}true{{ end -}}
{{- end -}}

{{- define "datasurface.simulator.pod" -}}
{{- $alive := include "datasurface.isYoung" (list "/tmp/simulator-alive" 120) }}
terminationGracePeriodSeconds: 30
{{- if include "datasurface.simulator.stops" . }}
restartPolicy: Never
{{- end }}
containers:
  - name: simulator
    {{- include "datasurface.image" (list . .Values.image) | nindent 4 }}
    command: [data-change-simulator]
    args:
      - --host={{ include "datasurface.postgresHost" . }}
      - --port={{ include "datasurface.postgresPort" . }}
      - --database={{ .Values.databases.customer }}
      - --user={{ .Values.databases.rolePrefix }}customer_writer
      - --password-file=/etc/datasurface/credentials/customer_writer/password
      - --max-changes={{ int64 .Values.simulator.maxChanges }}
      - --min-interval={{ .Values.simulator.minIntervalSeconds }}
      - --max-interval={{ .Values.simulator.maxIntervalSeconds }}
      - --wait-seconds=900
      - --alive-file=/tmp/simulator-alive
      {{- if not (kindIs "invalid" .Values.simulator.seed) }}
      - --seed={{ int64 .Values.simulator.seed }}
      {{- end }}
    {{- if not (include "datasurface.simulator.stops" .) }}
    startupProbe:
      exec: {command: {{ $alive }}}
      periodSeconds: 2
      timeoutSeconds: 5
      failureThreshold: 60
    readinessProbe:
      exec: {command: {{ $alive }}}
      periodSeconds: 60
      timeoutSeconds: 10
    livenessProbe:
      exec: {command: {{ $alive }}}
      periodSeconds: 60
      timeoutSeconds: 10
      failureThreshold: 3
    {{- end }}
    resources: {{ toJson .Values.simulator.resources }}
    volumeMounts:
      {{- include "datasurface.credentialMounts" (list . "customer_writer") | nindent 6 }}
volumes:
  {{- include "datasurface.credentialVolumes" (list . "customer_writer") | nindent 2 }}
{{- end -}}
