"""A loader service with limits that a test can reach: `small_loader.py LIMITS`."""

import json
import sys
from typing import Any

from datasurface.loader import Limits, tree_archive
from datasurface.runtime import logs, web_server
from datasurface.runtime.model_service import own_process
from datasurface.runtime.model_service.loader_service import LoaderService


def main(asked: dict[str, Any]) -> None:
    """Serve until asked to end."""
    logs.configure("json")
    turn_seconds, idle_seconds = asked.pop("turn_seconds", 30), asked.pop("idle_seconds", 30)
    is_closed = asked.pop("is_closed_to_own_pod", False)
    limits = Limits(**asked)
    own_process.shield()
    web_server.serve(
        LoaderService(limits=limits, turn_seconds=turn_seconds, is_closed_to_own_pod=is_closed),
        web_server.Bind(host="127.0.0.1", port=0),
        web_server.ServerLimits(request_bytes=tree_archive.largest_bytes(limits), idle_seconds=idle_seconds),
        name="loader",
    )


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
