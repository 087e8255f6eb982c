{{- /* Who fetches: the embedded repository's user, which its Secret may name otherwise than the chart, or the site's. */ -}}
{{- define "datasurface.modelSync.username" -}}
{{- if .Values.modelRepo.enabled -}}
{{- include "datasurface.kept" (list . (include "datasurface.modelRepoSecret" .) "username" "author") | b64dec -}}
{{- else -}}
{{- default "git" .Values.modelSync.git.username -}}
{{- end -}}
{{- end -}}
