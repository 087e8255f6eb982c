"""Airflow's environment as the chart's ConfigMap has it, with ports and folders of a test."""

from __future__ import annotations

import json
from pathlib import Path


def settings(folder: Path, port: int, health_port: int) -> dict[str, str]:
    """Airflow's environment as the chart's ConfigMap has it, with this test's ports and folders."""
    alive = str(folder / "dag-processor-alive")
    bundle = {
        "name": "streams",
        "classpath": "datasurface.runtime.dags.bundle.StreamBundle",
        "kwargs": {"alive_file": alive, "refresh_interval": 2},
    }
    sections = {
        "API": {"SECRET_KEY_CMD": f"cat {folder}/secret_key", "PORT": str(port)},
        "API_AUTH": {"JWT_SECRET_CMD": f"cat {folder}/jwt_secret"},
        "CORE": {
            "AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
            "DAGBAG_IMPORT_TIMEOUT": "60",
            "DAGS_ARE_PAUSED_AT_CREATION": "False",
            "DAG_DISCOVERY_SAFE_MODE": "False",
            "EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
            "EXECUTOR": "LocalExecutor",
            "FERNET_KEY_CMD": f"cat {folder}/fernet_key",
            "LOAD_EXAMPLES": "False",
            "MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "0",
            "PARALLELISM": "4",
        },
        "DAG_PROCESSOR": {
            "BUNDLE_REFRESH_CHECK_INTERVAL": "2",
            "DAG_BUNDLE_CONFIG_LIST": json.dumps([bundle]),
            "DAG_BUNDLE_STORAGE_PATH": str(folder / "bundles"),
            "DAG_FILE_PROCESSOR_TIMEOUT": "120",
            "MIN_FILE_PROCESS_INTERVAL": "600",
            "PARSING_PROCESSES": "1",
            "PRINT_STATS_INTERVAL": "0",
            "REFRESH_INTERVAL": "2",
        },
        "DATABASE": {"SQL_ALCHEMY_CONN_CMD": f"cat {folder}/sql_alchemy_conn"},
        "LOGGING": {
            "BASE_LOG_FOLDER": str(folder / "logs"),
            "NAMESPACE_LEVELS": "airflow.dag_processing.manager.DagFileProcessorManager=WARNING",
        },
        "SCHEDULER": {
            "ENABLE_HEALTH_CHECK": "True",
            "ORPHANED_TASKS_CHECK_INTERVAL": "15",
            "SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(health_port),
            "SCHEDULER_HEALTH_CHECK_THRESHOLD": "15",
            "SCHEDULER_IDLE_SLEEP_TIME": "0.3",
            "TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
        },
        "USAGE_DATA_COLLECTION": {"ENABLED": "False"},
        "WORKERS": {"MAX_FAILED_HEARTBEATS": "60"},
    }
    listed = {
        f"AIRFLOW__{section}__{name}": value for section, each in sections.items() for name, value in each.items()
    }
    return {"AIRFLOW_HOME": str(folder / "home"), **listed}
