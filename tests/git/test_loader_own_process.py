"""A model runs as the loader's own user: what it may do to the loader's process, as the first one of a container."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import psutil
import pytest

from datasurface.loader import ModelNotLoaded, load, remote
from tests.git.services import small_loader, until

DEMO = Path(__file__).parents[2] / "models" / "demo"
#: The first process of a namespace of its own, without any right of a superuser.
CONTAINED = (
    "unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "setpriv", "--bounding-set=-all", "--inh-caps=-all",
)  # fmt: skip
HOSTILE = """
import ctypes, json, os, signal, struct, time
done = []
for name in ("SIGTERM", "SIGINT", "SIGKILL", "SIGSTOP", "SIGHUP", "SIGUSR1"):
    os.kill(1, getattr(signal, name))
# A signal that says of itself that it comes from nobody of this namespace.
info = ctypes.create_string_buffer(struct.pack("iiiiii", signal.SIGTERM, 0, -1, 0, 0, 0), 128)
ctypes.CDLL(None).syscall({"x86_64": 129, "aarch64": 138}[os.uname().machine], 1, signal.SIGTERM, info)
for path in ("/proc/1/environ", "/proc/1/mem", "/proc/1/maps"):
    try:
        with open(path, "rb") as file:
            done.append(path)
    except OSError:
        pass
try:
    done += [os.readlink("/proc/1/fd/" + name) for name in os.listdir("/proc/1/fd")]
except OSError:
    pass
if ctypes.CDLL(None).ptrace(16, 1, None, None) == 0:
    done.append("ptrace")
time.sleep(1)
raise RuntimeError("SPY" + json.dumps(done) + "SPY")
"""


@pytest.fixture
def contained() -> tuple[str, ...]:
    """The command before the service's own; skips where there is no such namespace to be had."""
    if shutil.which("unshare") is None or subprocess.run([*CONTAINED, "true"], check=False).returncode:
        pytest.skip("no process namespace of its own is to be had here")
    return CONTAINED


@pytest.mark.row("M02", kind="refusal")
def test_a_model_neither_ends_the_loader_nor_looks_into_it(tmp_path, contained):
    """Its signals are ignored, whoever they say they come from; memory, files and environment are closed to it."""
    model = tmp_path / "model"
    shutil.copytree(DEMO, model)
    (model / "eco.py").write_text(HOSTILE)
    with small_loader(tmp_path / "log", contained) as service:
        (first,) = psutil.Process(service.process.pid).children()
        with pytest.raises(ModelNotLoaded) as refusal:
            load(model, runner=remote.runner(service.url))
        assert load(DEMO, runner=remote.runner(service.url)).ecosystem.name == "Test"
        assert (first.is_running(), first.status() != psutil.STATUS_STOPPED) == (True, True)
        first.terminate()
        until(lambda: any(line["event"] == "asked to end" for line in service.logged()), 5)

    found = re.search(r"SPY(\[.*\])SPY", refusal.value.finding.message)
    assert found, refusal.value.finding.message
    assert json.loads(found[1]) == []


@pytest.mark.row("M02", kind="refusal")
def test_a_model_gives_the_loader_no_work(tmp_path):
    """A load that comes from the loader's own pod is refused; whoever asks from elsewhere is served."""
    with small_loader(tmp_path / "log", is_closed_to_own_pod=True) as service:
        assert service.post(b"rubbish") == (403, b"")
        assert service.status_of("/healthz") == 200
