"""Whether Airflow is healthy by its own word.

Its health page answers 200 whatever it has to say, so the document is read. No login is needed or used.
"""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any, Final

from datasurface.errors import printable
from datasurface.runtime.doctor.checks import Check, Group, Verdict
from datasurface.runtime.doctor.surroundings import Surroundings

HEALTH_PATH: Final = "/api/v2/monitor/health"
#: Behind a silent database the page hangs for much longer.
_TIMEOUT_SECONDS: Final = 10
_MOST_BYTES: Final = 64 * 1024
_MOST_CHARACTERS: Final = 60
#: Part of the document → the container that it is about.
_PARTS: Final = {"metadatabase": "api-server", "scheduler": "scheduler", "dag_processor": "dag-processor"}
_CAUSES: Final = {
    "metadatabase": "its database is away, or not migrated",
    "scheduler": "it starts, hangs or cannot reach its database",
    "dag_processor": "it starts, hangs or cannot reach its database",
}


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A page that sends one elsewhere is not the one that was asked for."""

    def redirect_request(self, *_arguments: Any, **_more: Any) -> None:
        return None


def airflow(here: Surroundings) -> Iterator[Check]:
    """One check per part that streams need."""
    if here.airflow_url is None:
        yield Check(
            group=Group.AIRFLOW,
            title="Airflow is healthy",
            verdict=Verdict.NOT_LOOKED_AT,
            evidence="its address was not given by --airflow-url",
        )
        return
    url = here.airflow_url.rstrip("/") + HEALTH_PATH
    health = _read(url)
    if isinstance(health, str):
        yield Check(
            group=Group.AIRFLOW,
            title=f"Airflow answers at {url}",
            verdict=Verdict.FAILED,
            evidence=health,
            cause="it is still starting, or its database is away, or the way to it is closed",
            command=here.log_of("airflow", None, container="api-server"),
        )
        return
    for part, container in _PARTS.items():
        yield _part(here, part, container, health.get(part))


def _part(here: Surroundings, part: str, container: str, said: object) -> Check:
    title = f"Airflow's {part.replace('_', ' ')} is healthy"
    known: Mapping[str, object] = said if isinstance(said, dict) else {}
    if known.get("status") == "healthy":
        return Check(group=Group.AIRFLOW, title=title, verdict=Verdict.OK)
    heartbeat = known.get(f"latest_{part}_heartbeat")
    seen = f", last heartbeat {_shown(heartbeat)}" if heartbeat else ""
    return Check(
        group=Group.AIRFLOW,
        title=title,
        verdict=Verdict.FAILED,
        evidence=f"it says {_shown(known.get('status', 'nothing'))}{seen}",
        cause=_CAUSES[part],
        command=here.log_of("airflow", None, container=container),
    )


def _read(url: str) -> dict[str, Any] | str:
    """The document of the health page, or what was seen instead of one."""
    opener = urllib.request.build_opener(_NoRedirects)
    try:
        with opener.open(url, timeout=_TIMEOUT_SECONDS) as response:
            text = response.read(_MOST_BYTES)
    except urllib.error.HTTPError as error:
        with error:
            return f"HTTP status {error.code}"
    except urllib.error.URLError as error:
        return _shown(error.reason)
    except (OSError, http.client.HTTPException) as error:
        return _shown(f"{type(error).__name__}: {error}")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    return document if isinstance(document, dict) else "a page that is no health document"


def _shown(value: object) -> str:
    return printable(str(value))[:_MOST_CHARACTERS]
