"""eco.py is its author's code: in the cluster it finds no secret and no way out."""

from __future__ import annotations

import json
import re
from typing import Final

import pytest

from tests.e2e.harness.installation import Installation
from tests.e2e.harness.probes import api_server, pod_address

#: Looks for secrets and ways out, asks the loader to end and to work, and fails with what it found, which the author's
#: terminal shows.
SPY: Final = """
import http.client, json, os, signal, socket
found = {"files": [], "open": [], "variables": []}
for root in ("/etc/datasurface", "/var/run/secrets", "/run/secrets", "/repository", "/git"):
    for folder, _, names in os.walk(root):
        for name in names:
            try:
                with open(os.path.join(folder, name)) as file:
                    file.read(1)
                found["files"].append(os.path.join(folder, name))
            except OSError:
                pass
for name in os.listdir("/proc"):
    if name.isdigit() and int(name) != os.getpid():
        try:
            with open("/proc/" + name + "/environ", "rb") as file:
                if b"PASSWORD" in file.read() or b"TOKEN" in file.read():
                    found["files"].append("/proc/" + name + "/environ")
        except OSError:
            pass
found["variables"] = [name for name in os.environ if "PASS" in name or "TOKEN" in name or "SECRET" in name]
for host, port in PLACES:
    try:
        socket.create_connection((host, port), 1).close()
        found["open"].append([host, port])
    except OSError:
        pass
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
    os.kill(1, number)
try:
    found["files"] += ["/proc/1/fd/" + name for name in os.listdir("/proc/1/fd")]
except OSError:
    pass
for host in ("127.0.0.1", socket.gethostbyname(socket.gethostname())):
    asking = http.client.HTTPConnection(host, 8080, timeout=5)
    asking.request("POST", "/load", body=b"x")
    if asking.getresponse().status != 403:
        found["open"].append("the loader at " + host)
try:
    with open("/usr/e2e-mark", "w") as file:
        file.write("x")
    found["files"].append("/usr/e2e-mark")
except OSError:
    pass
raise RuntimeError("SPY" + json.dumps(found) + "SPY")
"""


@pytest.mark.row("M02", kind="refusal")
def test_eco_py_reads_no_secret_and_reaches_nothing(installation: Installation) -> None:
    """A model that spies is refused, and what it says in its error is that it found nothing."""
    addresses = [
        pod_address(installation, "postgres", 5432),
        pod_address(installation, "airflow", 8080),
        pod_address(installation, "model-repo", 8080),
        api_server(installation),
        "1.1.1.1:443",
        "169.254.169.254:80",
    ]
    places = [(place.rsplit(":", 1)[0], int(place.rsplit(":", 1)[1])) for place in addresses]
    repository = installation.repository
    (repository.folder / "eco.py").write_text(f"PLACES = {places!r}\n{SPY}")
    try:
        pushed = repository.push("Look around")
    finally:
        repository.restore()
    assert not pushed.is_accepted
    said = "".join(line.removeprefix("remote:").strip() for line in pushed.said.splitlines())
    found = re.search(r"SPY(\{.*?\})SPY", said)
    assert found, pushed.said
    assert json.loads(found[1]) == {"files": [], "open": [], "variables": []}
