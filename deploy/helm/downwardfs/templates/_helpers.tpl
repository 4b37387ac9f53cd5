{{/* SPDX-License-Identifier: Apache-2.0 */}}

{{- define "downwardfs.name" -}}
{{ .Values.nameOverride | default .Chart.Name }}
{{- end -}}

{{/* The name of the objects; the longest one that is made of it is NAME-dashboard. Every place quotes
it: `123` and `null` are names too. A release's name may have dots, and none may be the last. */}}
{{- define "downwardfs.fullname" -}}
{{- $name := .Release.Name -}}
{{- $ours := include "downwardfs.name" . -}}
{{- if not (contains $ours $name) -}}
{{- $name = printf "%s-%s" $name $ours -}}
{{- end -}}
{{- .Values.fullnameOverride | default $name | trunc 50 | trimAll "-." -}}
{{- end -}}

{{- define "downwardfs.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* The directory of the sockets and the journal on the node. */}}
{{- define "downwardfs.pluginDir" -}}
{{- $longest := printf "%s/plugins_registry/%s-reg.sock" .Values.kubeletDir .Values.driverName -}}
{{- if gt (len $longest) 107 -}}
{{- fail (printf "kubeletDir and driverName are too long together: a socket's path may have 107 bytes, and %s has %d" $longest (len $longest)) -}}
{{- end -}}
{{ .Values.kubeletDir }}/plugins/{{ .Values.driverName }}
{{- end -}}

{{/* (list . COMPONENT): what the selectors go by; it cannot change under an installed release. */}}
{{- define "downwardfs.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "downwardfs.name" $root | quote }}
app.kubernetes.io/instance: {{ $root.Release.Name | quote }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* The labels that every object has. */}}
{{- define "downwardfs.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end -}}

{{/* (list VALUE LABELS): the user's labels. One that the chart sets would be there twice, and the later
one would count: pods that their selector does not find. */}}
{{- define "downwardfs.moreLabels" -}}
{{- $value := index . 0 -}}
{{- $ours := list "app.kubernetes.io/component" "app.kubernetes.io/instance" "app.kubernetes.io/managed-by" "app.kubernetes.io/name" "app.kubernetes.io/version" "helm.sh/chart" -}}
{{- range $key, $_ := index . 1 -}}
{{- if has $key $ours -}}
{{- fail (printf "%s: the chart sets the label %s itself; leave it out" $value $key) -}}
{{- end -}}
{{- end -}}
{{- toYaml (index . 1) -}}
{{- end -}}

{{/* (list . COMPONENT): labels of a pod. */}}
{{- define "downwardfs.podMetadata" -}}
{{- $root := index . 0 -}}
labels:
  {{- include "downwardfs.selector" . | nindent 2 }}
  {{- with $root.Values.podLabels }}
  {{- include "downwardfs.moreLabels" (list "podLabels" .) | nindent 2 }}
  {{- end }}
{{- with $root.Values.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The nodes on which the pods of both DaemonSets run, and how urgent the pods are. */}}
{{- define "downwardfs.scheduling" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "downwardfs.tolerations" . }}
tolerations:
  {{- . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Those of the values; and the startup taint, which waits for these very pods, if none covers all taints. */}}
{{- define "downwardfs.tolerations" -}}
{{- $all := .Values.tolerations | default list -}}
{{- $covered := false -}}
{{- range $all -}}
{{- if and (eq (.operator | default "Equal") "Exists") (not .key) (not .effect) -}}
{{- $covered = true -}}
{{- end -}}
{{- end -}}
{{- if and .Values.startupTaint (not $covered) -}}
{{- $all = append $all (dict "key" .Values.startupTaint "operator" "Exists") -}}
{{- end -}}
{{- if $all -}}
{{- toYaml $all -}}
{{- end -}}
{{- end -}}

{{/* Requests and limits; amounts as texts, which is what the API has, also if the values have numbers. */}}
{{- define "downwardfs.resources" -}}
{{- $made := dict -}}
{{- range $kind, $amounts := . -}}
{{- range $name, $amount := $amounts -}}
{{- $_ := set $made $kind (set (get $made $kind | default dict) $name ($amount | toJson | trimAll "\"")) -}}
{{- end -}}
{{- end -}}
{{- with $made }}{{ toYaml . }}{{ end -}}
{{- end -}}

{{/* (list . PART): "true" if metrics.PART.enabled. Without metrics it would render a thing that never works. */}}
{{- define "downwardfs.metricsPart" -}}
{{- $metrics := (index . 0).Values.metrics -}}
{{- $part := index . 1 -}}
{{- $enabled := (index $metrics $part).enabled -}}
{{- if and $enabled (not $metrics.enabled) -}}
{{- fail (printf "metrics.%s.enabled needs metrics.enabled: nothing serves metrics without it" $part) -}}
{{- end -}}
{{- $enabled -}}
{{- end -}}
