"""The merge database of the tests with Airflow: roles and control tables as `init` and the model merge make them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from psycopg2 import sql

from datasurface.connections import load_connections
from datasurface.demo.embedded import EmbeddedServer
from datasurface.dsl import MilestoneStrategy
from datasurface.model import codec
from datasurface.yellow.engine import connect, roles
from datasurface.yellow.engine.connect import Purpose, Session
from datasurface.yellow.engine.control import migrate, platform_store
from datasurface.yellow.engine.control.platform_store import StoredPlatform
from datasurface.yellow.engine.init.init_plan import InitPlan
from datasurface.yellow.engine.init.run import initialise
from datasurface.yellow.engine.roles import Roles
from datasurface.yellow.plan import names
from datasurface.yellow.plan.dag_config import DagConfig, DagRow
from datasurface.yellow.plan.platforms import PlatformPlan, control_tables

SCHEMA = "public"
DATABASE = "datasurface_merge"
PLATFORMS = ("YellowLive", "YellowForensic")
INSTALLATION = {
    "v": 1,
    "image": "datasurface:0.1.0",
    "namespace": "jobs",
    "service_account": "datasurface-job",
    "connections_config_map": "datasurface-connections",
    "secrets": {
        "job": "datasurface-ds-job",
        "apply": "datasurface-ds-merge",
        "customer_reader": "datasurface-customer-reader",
    },
}


def config(stream_key: str = "Store1", platform: str = "YellowLive", **changes: Any) -> dict[str, Any]:
    """The config_json of a stream, as an object."""
    store, _, dataset = stream_key.partition("#")
    made = DagConfig(
        dag_id=names.dag_id(platform, stream_key),
        stream_key=stream_key,
        single_dataset=bool(dataset),
        datasets=[dataset] if dataset else ["addresses", "customers"],
        store_name=store,
        team="team1",
        documentation="Customers and their addresses.",
        ingestion_type="sql_snapshot",
        schedule="0 0 1 1 *",
        timezone="UTC",
        run_budget_seconds=0,
        grace_period_seconds=30,
        platform_name=names.platform_name(platform),
        original_platform_name=platform,
        postgres_hostname="merge.example.com",
        postgres_port=5432,
        postgres_database=DATABASE,
        git_repo_url="https://git.example.com/datasurface/demo-model.git",
        git_repo_branch="main",
        source_credential_name="customer_reader",
        namespace_name="jobs",
        datasurface_docker_image="datasurface:0.1.0",
        resources={"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}},
        postgres_credential_secret_name="datasurface-ds-job",
        source_credential_secret_name="datasurface-customer-reader",
        instance_name="datasurface",
        service_account_name="datasurface-job",
        connections_config_map_name="datasurface-connections",
        image_pull_policy="IfNotPresent",
    )
    encoded: dict[str, Any] = codec.encode(replace(made, **changes))
    return encoded


class MergeDatabase:
    """A server with the merge database; `publish` is what a model merge does with the rows."""

    def __init__(self, server: EmbeddedServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.connections_path = folder / "connections.json"
        self.installation_path = folder / "installation.json"
        credentials = folder / "credentials"
        initialise(server.endpoint(), server.login, InitPlan(roles=Roles(), link_port=server.port), credentials)
        self._write_files(credentials)
        with self.session("apply") as session:
            for platform in PLATFORMS:
                roles.make_platform_role(session, SCHEMA, Roles(), names.platform_name(platform))
                migrate.migrate_platform(session, settings(platform), SCHEMA, Roles())
            session.commit()

    def session(self, role: Any) -> Session:
        """A session of one of the installation's own logins."""
        endpoint, login = load_connections(self.connections_path).merge(role)
        return connect.open_session(endpoint, login, application_name="test", purpose=Purpose.CONTROL)

    def publish(self, *configs: Mapping[str, Any], platform: str = "YellowLive", schedule: str = "@daily") -> None:
        """Make these the active streams of a platform."""
        rows = [
            DagRow(
                platform_name=names.platform_name(platform), stream_key=each["stream_key"], config=each, status="active"
            )
            for each in configs
        ]
        with self.session("apply") as session:
            stored = StoredPlatform(settings=settings(platform, schedule), views=())
            platform_store.write(session, SCHEMA, stored, rows)
            session.commit()

    def execute(self, text: str, *tables: str, values: Sequence[Any] = ()) -> None:
        """A statement of the superuser; `{}` are tables."""
        with connect.open_session(
            self.server.endpoint(DATABASE), self.server.login, application_name="test", purpose=Purpose.CONTROL
        ) as session:
            with session.raw.cursor() as cursor:
                identifiers = [sql.Identifier(SCHEMA, table) for table in tables]
                cursor.execute(sql.SQL(text).format(*identifiers), list(values))
            session.commit()

    def empty(self) -> None:
        """As after `init`: no platform was ever deployed."""
        self.execute("TRUNCATE {}, {}, {}", names.PLATFORM_TABLE, *(names.airflow_dsg(each) for each in PLATFORMS))

    def _write_files(self, credentials: Path) -> None:
        endpoint = self.server.endpoint(DATABASE)
        logins = {"job": "ds_job", "apply": "ds_merge", "monitor": "ds_monitor", "dags": "ds_dags"}
        merge = {
            "host": endpoint.host,
            "port": endpoint.port,
            "database": endpoint.database,
            "schema": SCHEMA,
            "credentials": {role: {"directory": str(credentials / login)} for role, login in logins.items()},
        }
        self.connections_path.write_text(json.dumps({"v": 1, "merge": merge}))
        self.installation_path.write_text(json.dumps(INSTALLATION))


def settings(platform: str, schedule: str = "@daily") -> PlatformPlan:
    """What the plan says of a platform."""
    return PlatformPlan(
        platform=platform,
        platform_name=names.platform_name(platform),
        strategy=MilestoneStrategy.LIVE_ONLY,
        control=control_tables(platform),
        merge_container="merge_db",
        merge_host="nowhere",
        merge_port=1,
        merge_database=DATABASE,
        infrastructure_schedule=schedule,
        retention_days=30,
    )
