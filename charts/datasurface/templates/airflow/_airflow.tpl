{{- /* What Airflow's pods have in common. All helpers take the root context. */ -}}

{{- define "datasurface.airflow.environment" -}}
{{- /* Values as text, secrets as commands that read files; why each is so: docs/dynamic-dags.md. */ -}}
AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD: cat /etc/datasurface/airflow/sql_alchemy_conn
AIRFLOW__CORE__FERNET_KEY_CMD: cat /etc/datasurface/airflow/fernet_key
AIRFLOW__API_AUTH__JWT_SECRET_CMD: cat /etc/datasurface/airflow/jwt_secret
AIRFLOW__API__SECRET_KEY_CMD: cat /etc/datasurface/airflow/secret_key
AIRFLOW__CORE__AUTH_MANAGER: airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager
AIRFLOW__CORE__EXECUTOR: LocalExecutor
AIRFLOW__CORE__PARALLELISM: {{ .Values.airflow.parallelism | quote }}
AIRFLOW__CORE__LOAD_EXAMPLES: "False"
AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION: "False"
AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL: "0"
AIRFLOW__CORE__DAG_DISCOVERY_SAFE_MODE: "False"
AIRFLOW__CORE__EXECUTION_API_SERVER_URL: http://localhost:8080/execution/
AIRFLOW__USAGE_DATA_COLLECTION__ENABLED: "False"
AIRFLOW__LOGGING__BASE_LOG_FOLDER: /airflow/logs
AIRFLOW__LOGGING__NAMESPACE_LEVELS: airflow.dag_processing.manager.DagFileProcessorManager=WARNING
AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH: /airflow/bundles
AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST: {{ include "datasurface.airflow.bundles" . | quote }}
AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL: "2"
AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL: "2"
AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL: "600"
AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES: "1"
AIRFLOW__DAG_PROCESSOR__PRINT_STATS_INTERVAL: "0"
AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT: "120"
AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT: "60"
AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME: "0.3"
AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL: "15"
AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD: "15"
AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT: "60"
AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK: "True"
AIRFLOW__WORKERS__MAX_FAILED_HEARTBEATS: "60"
AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT: "30"
DATASURFACE_HOUSEKEEPING_SCHEDULE: {{ .Values.airflow.housekeeping.schedule | quote }}
DATASURFACE_RETENTION_DAYS: {{ .Values.airflow.housekeeping.retentionDays | quote }}
{{- end -}}

{{- define "datasurface.airflow.bundles" -}}
{{- $arguments := dict "alive_file" "/tmp/dag-processor-alive" "refresh_interval" 2 -}}
{{- toJson (list (dict "name" "streams" "classpath" "datasurface.runtime.dags.bundle.StreamBundle" "kwargs" $arguments)) -}}
{{- end -}}

{{- define "datasurface.airflow.mounts" -}}
- {name: airflow, mountPath: /etc/datasurface/airflow, readOnly: true}
- {name: bundles, mountPath: /airflow/bundles}
- {name: logs, mountPath: /airflow/logs}
{{ include "datasurface.configurationMounts" . }}
{{- end -}}

{{- /* Takes (list root with-admin): the files that Airflow reads its secrets from; who has no use for the admin password has it not. */ -}}
{{- define "datasurface.airflow.secretVolume" -}}
{{- $root := index . 0 -}}
- name: airflow
  projected:
    defaultMode: 0440
    sources:
      - secret:
          name: {{ include "datasurface.name" (list $root "airflow") }}
          items:
            {{- range list "fernet_key" "jwt_secret" "secret_key" }}
            - {key: {{ . }}, path: {{ . }}}
            {{- end }}
      # A Secret of the site for Airflow's login (credentials.airflow) holds the address with it.
      - secret:
          name: {{ include "datasurface.credentialSecret" (list $root "airflow") }}
          items: [{key: sql_alchemy_conn, path: sql_alchemy_conn}]
      {{- if index . 1 }}
      - secret:
          name: {{ include "datasurface.adminSecret" $root }}
          items:
            {{- range list "admin_username" "admin_password" }}
            - {key: {{ . }}, path: {{ . }}}
            {{- end }}
      {{- end }}
{{- end -}}
