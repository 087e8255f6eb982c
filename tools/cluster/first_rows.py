"""Shows the first rows of a view of the demo's model, read in the cluster as its reader: the proof that it works."""

from __future__ import annotations

import json
import time
from typing import Any, Final

from tools.cluster.programs import ProgramFailed, Unready, output_of
from tools.cluster.release import Release
from tools.cluster.target import Target

VIEW: Final = "yellowlive_consumer1_livedsg_customers_view"
READER: Final = "consumer1_reader"
PATIENCE_SECONDS: Final = 240
_POLL_SECONDS: Final = 2.0
_ROWS: Final = "5"
#: Where the view lies; nothing as long as it is not there.
_FIND: Final = "SELECT format('%I.%I', schemaname, viewname) FROM pg_views WHERE viewname = :'view'"
_ROLE: Final = 'SET ROLE :"reader"'


def show_first_rows(target: Target, release: Release) -> None:
    """Wait until the view has rows and print some; say so where the installation has no demo data. Raise Unready."""
    values = json.loads(
        output_of(target.helm_command("get", "values", release.name, "-n", release.namespace, "--all", "-o", "json"))
    )
    if not (values.get("postgres", {}).get("enabled", True) and values.get("demo", {}).get("enabled", True)):
        print("the first rows are those of your own model: `helm status` says how to read them", flush=True)
        return
    began = time.monotonic()
    while not (rows := _rows(target, release, values)):
        if time.monotonic() - began > PATIENCE_SECONDS:
            raise Unready(
                f"{VIEW} has no rows after {PATIENCE_SECONDS} s",
                fix="the stream's runs in Airflow's UI, or the logs above, say why",
            )
        time.sleep(_POLL_SECONDS)
    print(f"\n{VIEW}, read as {READER}, after {time.monotonic() - began:.0f} s more:\n{rows}", flush=True)


def _rows(target: Target, release: Release, values: dict[str, Any]) -> str:
    """Give psql's table of the first rows; empty as long as there are none."""
    databases = values.get("databases", {})
    reader = databases.get("rolePrefix", "") + READER
    try:
        view = _psql(target, release, databases["merge"], f"{_FIND};", "-At", "-v", f"view={VIEW}")
        if not view:
            return ""
        question = f"{_ROLE};\nTABLE {view} ORDER BY 1 LIMIT {_ROWS};"  # quoted by the server, see _FIND
        table = _psql(target, release, databases["merge"], question, "-q", "-v", f"reader={reader}")
    except ProgramFailed:
        return ""
    return "" if table.rstrip().endswith("(0 rows)") else table


def _psql(target: Target, release: Release, database: str, statements: str, *flags: str) -> str:
    """Run statements in the platform's own PostgreSQL."""
    labels = f"{release.selector},app.kubernetes.io/component=postgres"
    (pod,) = target.kubectl_output("get", "pods", "-n", release.namespace, "-l", labels, "-o", "name").split() or ("",)
    command = ["exec", "-i", "-n", release.namespace, pod, "--", "psql", "-X", "-U", "postgres", "-d", database]
    return target.kubectl_output(*command, "-v", "ON_ERROR_STOP=1", *flags, stdin=statements)
