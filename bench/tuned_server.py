"""The settings that a server of the benchmark's own has: a sensible operator's, and the same for every contender."""

from collections.abc import Mapping
from typing import Final

import psutil

from datasurface.demo.embedded import EmbeddedServer

_MEBIBYTE: Final = 1 << 20
_LEAST_BUFFERS: Final = 128 * _MEBIBYTE
_MOST_BUFFERS: Final = 2048 * _MEBIBYTE
#: Autovacuum would work for one contender while another is measured; what they left is cleaned up between phases.
#: Checkpoints are made before every measurement and would otherwise fall into some and not into others.
_FIXED: Final[Mapping[str, str]] = {
    "autovacuum": "off",
    "max_wal_size": "'8GB'",
    "min_wal_size": "'2GB'",
    "checkpoint_timeout": "'30min'",
    # Less would have dlt's scd2 look for each row among all others: its NOT IN has to fit into a hash table.
    "work_mem": "'256MB'",
    "maintenance_work_mem": "'256MB'",
    "random_page_cost": "1.1",
}


def settings() -> Mapping[str, str]:
    """Lines of postgresql.conf: a quarter of the machine's memory is the server's, up to 2 GiB."""
    memory = psutil.virtual_memory().total
    buffers = min(max(memory // 4, _LEAST_BUFFERS), _MOST_BUFFERS)
    return {
        **_FIXED,
        "shared_buffers": f"'{buffers // _MEBIBYTE}MB'",
        "effective_cache_size": f"'{memory // 2 // _MEBIBYTE}MB'",
    }


def configure(server: EmbeddedServer, more: Mapping[str, str] | None = None) -> None:
    """Give a running server these settings, and `more` over them; it starts anew."""
    server.stop("fast")
    with (server.folder / "data" / "postgresql.conf").open("a", encoding="utf-8") as text:
        text.writelines(f"{name} = {value}\n" for name, value in {**settings(), **(more or {})}.items())
    server.start()
