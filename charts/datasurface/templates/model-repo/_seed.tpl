{{- /*
The model that a new repository begins with: the files of the chart's folder files/model. Keys of a ConfigMap know no
folders, so a path's slashes become "..", which no file of a model has, and the volume puts the files back in their place.
*/ -}}

{{- define "datasurface.seedFolder" -}}files/model/{{- end -}}

{{- /* JSON: path below the folder -> key. */ -}}
{{- define "datasurface.seedFiles" -}}
{{- $files := dict -}}
{{- range $path, $_ := .Files.Glob (printf "%s**" (include "datasurface.seedFolder" .)) -}}
{{- $inside := trimPrefix (include "datasurface.seedFolder" $) $path -}}
{{- $_ := set $files $inside (regexReplaceAll "[^-._a-zA-Z0-9]" $inside "..") -}}
{{- end -}}
{{- toJson $files -}}
{{- end -}}

{{- define "datasurface.seedHash" -}}
{{- .Files.Glob (printf "%s**" (include "datasurface.seedFolder" .)) | toJson | sha256sum -}}
{{- end -}}
