"""Runs eco.py, in a process of its own: `python -m datasurface.loader.child ANSWER_FD LIMITS`.

Started by `model_process` with a clean environment, in the private copy of the model. Two processes: the first waits
for the second, which runs eco.py under the limits, and ends whatever eco.py leaves behind. The answer goes to the
descriptor ANSWER_FD as one JSON document; what eco.py prints has nothing to do with it.
"""

import contextlib
import ctypes
import gc
import importlib.util
import json
import os
import resource
import signal
import sys
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Final

from datasurface.model import codec
from datasurface.model.ecosystem import Ecosystem
from datasurface.model.records import InvalidRecord

MODEL_FILE: Final = "eco.py"
FUNCTIONS: Final = ("create_ecosystem", "createEcosystem")
MESSAGE_CHARACTERS: Final = 500
MAX_OPEN_FILES: Final = 256
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36


class _NoFunction(Exception):
    """eco.py does not define, or give, what it should."""


def main(answer_fd: int, limits: dict[str, int]) -> None:
    """Run eco.py of the working directory, answer, and leave no process behind. Does not return."""
    # The service that starts us may hold signals back; a mask is inherited.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    _adopt_orphans(limits["parent_pid"])
    worker = os.fork()
    if worker == 0:
        _work(answer_fd, limits)
    os.close(answer_fd)
    signal.signal(signal.SIGTERM, lambda _signal, _frame: _kill(worker))
    _, status = os.waitpid(worker, 0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _end_descendants()
    _end_like(status)


def _work(answer_fd: int, limits: dict[str, int]) -> None:
    os.set_inheritable(answer_fd, False)
    _set_limits(limits)
    # A model is records without cycles; looking for cycles takes a third of a large one's time.
    gc.disable()
    root = Path.cwd()
    answer = _answer(root, limits["memory_bytes"]).encode()
    while answer:
        answer = answer[os.write(answer_fd, answer) :]
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    # Threads and exit functions that eco.py left behind do not get a turn.
    os._exit(0)


def _answer(root: Path, memory_bytes: int) -> str:
    try:
        return codec.dumps({"v": 1, "ecosystem": _ecosystem(root)}, sparse=True)
    except MemoryError:
        return _problem("limits", MODEL_FILE, f"needs more than {memory_bytes // (1024 * 1024)} MiB of memory")
    except _NoFunction as error:
        return _problem("function", MODEL_FILE, str(error))
    except SystemExit as error:
        return _problem("ends", _place(error, root), f"calls exit ({_text_of(error, root) or 'no status'})")
    except BaseException as error:
        name = "" if isinstance(error, InvalidRecord) else f"{type(error).__name__}: "
        return _problem("raises", _place(error, root), f"{name}{_text_of(error, root)}")


def _ecosystem(root: Path) -> Ecosystem:
    module = _run(root / MODEL_FILE)
    function = next((found for name in FUNCTIONS if (found := getattr(module, name, None)) is not None), None)
    if not callable(function):
        raise _NoFunction("defines no function create_ecosystem()")
    ecosystem = function()
    if not isinstance(ecosystem, Ecosystem):
        raise _NoFunction(f"{function.__name__}() returns {_kind_of(ecosystem)}, not an Ecosystem")
    return ecosystem


def _run(file: Path) -> ModuleType:
    sys.path.insert(0, str(file.parent))
    spec = importlib.util.spec_from_file_location("eco", file)
    if spec is None or spec.loader is None:
        raise _NoFunction("cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules["eco"] = module
    spec.loader.exec_module(module)
    return module


def _place(error: BaseException, root: Path) -> str:
    """The last line of the model's own code that had a part in the error, as `eco.py:14`."""
    place = _relative(error.filename, error.lineno, root) if isinstance(error, SyntaxError) else None
    trace: TracebackType | None = error.__traceback__
    last = None
    while trace is not None:
        last = _relative(trace.tb_frame.f_code.co_filename, trace.tb_lineno, root) or last
        trace = trace.tb_next
    return place or last or MODEL_FILE


def _relative(file: str | None, line: int | None, root: Path) -> str | None:
    if file is None:
        return None
    path = Path(file)
    return f"{path.relative_to(root)}:{line}" if path.is_relative_to(root) else None


def _text_of(error: BaseException, root: Path) -> str:
    """The error's message on one line, without the place of the private copy."""
    try:
        text = error.msg if isinstance(error, SyntaxError) else str(error)
    except Exception:
        text = "its message cannot be shown"
    text = " ".join(str(text).replace(f"{root}{os.sep}", "").split())
    text = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return text if len(text) <= MESSAGE_CHARACTERS else f"{text[:MESSAGE_CHARACTERS]}…"


def _kind_of(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def _problem(kind: str, path: str, message: str) -> str:
    return json.dumps({"v": 1, "problem": {"kind": kind, "path": path, "message": message}})


def _set_limits(limits: dict[str, int]) -> None:
    cpu = limits["cpu_seconds"]
    wanted = {
        resource.RLIMIT_AS: (limits["memory_bytes"], limits["memory_bytes"]),
        resource.RLIMIT_CPU: (cpu, cpu + 1),
        resource.RLIMIT_FSIZE: (limits["file_bytes"], limits["file_bytes"]),
        resource.RLIMIT_NOFILE: (MAX_OPEN_FILES, MAX_OPEN_FILES),
        resource.RLIMIT_CORE: (0, 0),
    }
    if limits["user_processes"]:
        wanted[resource.RLIMIT_NPROC] = (limits["user_processes"], limits["user_processes"])
    for kind, (soft, hard) in wanted.items():
        _, highest = resource.getrlimit(kind)
        allowed = [least if highest == resource.RLIM_INFINITY else min(least, highest) for least in (soft, hard)]
        # Some systems know a limit and do not let it be set; the wall clock bounds them all.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (allowed[0], allowed[1]))


def _adopt_orphans(parent_pid: int) -> None:
    """Become the parent of processes that eco.py's processes leave behind, and end when our own parent does."""
    with contextlib.suppress(AttributeError, OSError):
        prctl = ctypes.CDLL(None).prctl
        prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != parent_pid:
        os._exit(0)


def _end_descendants() -> None:
    """Kill what is left, level by level: the children of a killed process become ours."""
    while True:
        for pid in _children():
            _kill(pid)
        try:
            os.waitpid(-1, 0)
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return


def _children() -> list[int]:
    own = str(os.getpid())
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError):
            # The command stands in brackets and may hold anything; state and parent follow it.
            if entry.read_text(errors="replace").rpartition(")")[2].split()[1] == own:
                found.append(int(entry.parent.name))
    return found


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _end_like(status: int) -> None:
    """End as the worker ended, so that the parent of both sees it."""
    if os.WIFSIGNALED(status):
        ended_by = os.WTERMSIG(status)
        with contextlib.suppress(OSError, ValueError):
            signal.signal(ended_by, signal.SIG_DFL)
        os.kill(os.getpid(), ended_by)
    os._exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 1)


if __name__ == "__main__":
    main(int(sys.argv[1]), json.loads(sys.argv[2]))
