"""Where the numbers come from: machine, versions and the server's settings, for whoever compares two results."""

import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import psutil

from bench import statements
from bench.arena import Arena
from datasurface import __version__

_QUERIES: Final = statements.load("arena.sql")
_CPU_MODEL: Final = "model name"


def described(arena: Arena) -> Mapping[str, Any]:
    """Facts of the machine, the programs and the server, as JSON."""
    with arena.admin() as session, session.raw.cursor() as cursor:
        cursor.execute(_QUERIES["settings"])
        settings = dict(cursor.fetchall())
    return {
        "machine": {
            "system": f"{platform.system()} {platform.release()}",
            "processor": _processor(),
            "cores": psutil.cpu_count(),
            "memory_bytes": psutil.virtual_memory().total,
            "load_average": psutil.getloadavg(),
        },
        "versions": {
            "datasurface": __version__,
            "revision": _revision(),
            "python": platform.python_version(),
            "postgresql": settings.pop("server_version", None),
        },
        "server": "embedded" if arena.postmaster_pid else "given",
        "settings": settings,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(_CPU_MODEL)), platform.machine())


def _revision() -> str | None:
    """The commit of the clone that the benchmark runs in, None outside of one."""
    command = ["git", "-C", str(statements.FOLDER), "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
