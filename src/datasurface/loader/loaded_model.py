"""Loading: copy the directory, read the mapping, have eco.py run, judge how that ended, read the answer."""

import errno
import hashlib
import os
import signal
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NoReturn

from datasurface import __version__
from datasurface.errors import ModelError
from datasurface.lint.context import MAPPING_FILE
from datasurface.lint.report import Finding
from datasurface.lint.rule import Rule
from datasurface.lint.rules import loading
from datasurface.loader import mapping_file, model_process, tree
from datasurface.loader.commit import Commit
from datasurface.loader.limits import DEFAULT, MIB, Limits
from datasurface.loader.model_process import Outcome
from datasurface.loader.remote import Runner
from datasurface.model import codec
from datasurface.model.collection_pause import without_collection
from datasurface.model.ecosystem import Ecosystem
from datasurface.model.mapping import PlatformMapping

MODEL_FILE: Final = "eco.py"
_SMALLER_FIX: Final = "keep data and environments out of the model's directory"
_CLASSES_FIX: Final = "build the model of the classes of datasurface.dsl as they are, and return the Ecosystem"


class ModelNotLoaded(ModelError):
    """eco.py gave no ecosystem; `finding` says where and why. Nothing was changed anywhere.

    `printed_bytes` is how much eco.py printed, which is shown nowhere: it may hold anything.
    """

    def __init__(self, finding: Finding, printed_bytes: int = 0) -> None:
        self.finding = finding
        self.printed_bytes = printed_bytes
        super().__init__(f"{finding.path}: {finding.message}", fix=finding.fix)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A model as its directory holds it, not yet checked by lint.

    `root` is the directory with links resolved, `revision` that of its files, or the commit they are of. `mapping`
    holds the entries of the mapping file that could be read, `mapping_findings` what is wrong with the others. `author`
    and `committed_at` are None without a commit. Two models of one `digest` are equal; None: it is not known.
    """

    root: Path
    revision: str
    ecosystem: Ecosystem
    mapping: PlatformMapping
    mapping_findings: tuple[Finding, ...]
    printed_bytes: int = 0
    author: str | None = None
    committed_at: datetime | None = None
    digest: str | None = None


def load(
    path: Path, *, limits: Limits = DEFAULT, runner: Runner = model_process.run, commit: Commit | None = None
) -> LoadedModel:
    """The model of the directory `path`, by a private copy of it, which `runner` has eco.py run in.

    `commit` is the one that the directory holds, where that is known. Raises ModelNotLoaded (never what eco.py raises)
    where there is no ecosystem to be had, and what the runner raises.
    """
    with tempfile.TemporaryDirectory(prefix="datasurface-model-", ignore_cleanup_errors=True) as private:
        copy, scratch = Path(private, "model"), Path(private, "scratch")
        scratch.mkdir()
        root = _copied(path, copy, limits)
        # Before eco.py runs: it can write into the copy.
        commit = commit or Commit(revision=tree.revision_of(copy))
        mapping, mapping_findings = mapping_file.read(copy / MAPPING_FILE, most_bytes=limits.mapping_bytes)
        outcome = _run(runner, copy, scratch, limits)
    return LoadedModel(
        root=root,
        revision=commit.revision,
        ecosystem=_ecosystem(outcome, outcome.limits),
        mapping=mapping,
        mapping_findings=mapping_findings,
        printed_bytes=outcome.printed_bytes,
        author=commit.author,
        committed_at=commit.committed_at,
        digest=_digest(outcome, mapping),
    )


def _digest(outcome: Outcome, mapping: PlatformMapping) -> str:
    """The hash of what was read. Another version of this program may read something else in it."""
    digest = hashlib.sha256(outcome.answer)
    digest.update(f"{__version__}{codec.dumps(mapping)}".encode())
    return digest.hexdigest()


def _run(runner: Runner, copy: Path, scratch: Path, limits: Limits) -> Outcome:
    try:
        return runner(copy, scratch, limits)
    except tree.TreeTooLarge as error:
        raise ModelNotLoaded(loading.TREE.finding(".", f"the directory {error}", _SMALLER_FIX)) from error


def _copied(path: Path, copy: Path, limits: Limits) -> Path:
    name = path.absolute().name
    try:
        root = _resolved(path)
        tree.copy_tree(root, copy, limits)
    except tree.TreeTooLarge as error:
        raise ModelNotLoaded(loading.TREE.finding(name, f"the directory {error}", _SMALLER_FIX)) from error
    except OSError as error:
        file = "" if error.filename is None else f" ({Path(error.filename).name})"
        problem = f"cannot be read: {error.strerror or error}{file}"
        fix = "name a directory whose files you may read"
        raise ModelNotLoaded(loading.TREE.finding(name, problem, fix)) from error
    if not (copy / MODEL_FILE).is_file():
        message = "is missing at the root of the model"
        raise ModelNotLoaded(loading.TREE.finding(MODEL_FILE, message, "name the directory that holds eco.py"))
    return root


def _resolved(path: Path) -> Path:
    """The directory behind all links, which are followed once. Raises OSError."""
    try:
        return path.resolve(strict=True)
    except RuntimeError as error:  # what Python before 3.13 says of links that lead to each other
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from error


def _ecosystem(outcome: Outcome, limits: Limits) -> Ecosystem:
    if outcome.is_late:
        _refuse(outcome, loading.LIMITS, f"did not end within {limits.wall_seconds:g} s", "look for an endless loop")
    if len(outcome.answer) > limits.answer_bytes:
        _refuse(outcome, loading.LIMITS, f"answers with more than {limits.answer_bytes // MIB} MiB", "split the model")
    if outcome.status != 0 or not outcome.answer:
        _refuse_ended(outcome, limits)
    try:
        with without_collection():
            return _read(outcome)
    except codec.InvalidDocument as error:
        message = f"gives no model: {error}"
        finding = loading.ANSWER.finding(MODEL_FILE, message, _CLASSES_FIX)
        raise ModelNotLoaded(finding, outcome.printed_bytes) from error


def _refuse_ended(outcome: Outcome, limits: Limits) -> NoReturn:
    status = outcome.status
    if status == -signal.SIGXCPU:
        message = f"needs more than {limits.cpu_seconds} s of processor time"
        _refuse(outcome, loading.LIMITS, message, "look for an endless loop")
    if status < 0:
        name = signal.Signals(-status).name
        message = f"was killed by {name}" + (", maybe for want of memory" if status == -signal.SIGKILL else "")
        _refuse(outcome, loading.ENDED, message, "look for what ends the process; eco.py must do no more than return")
    message = f"ended its process with status {status} before create_ecosystem() had returned"
    _refuse(outcome, loading.ENDED, message, "eco.py must return its Ecosystem and not exit")


def _read(outcome: Outcome) -> Ecosystem:
    """The ecosystem of the answer. Raises InvalidDocument for rubbish and ModelNotLoaded for what eco.py ran into."""
    document = codec.loads(outcome.answer)
    if not isinstance(document, dict) or document.get("v") != 1 or len(document) != 2:  # noqa: PLR2004
        raise codec.InvalidDocument("", "is not an answer of the loader")
    if "problem" in document:
        _refuse_problem(outcome, document["problem"])
    return codec.decode(Ecosystem, document.get("ecosystem"))


def _refuse_problem(outcome: Outcome, problem: Any) -> NoReturn:
    rules = {
        "raises": (loading.RAISES, "correct the line"),
        "function": (loading.FUNCTION, "define create_ecosystem() at the top of eco.py and return the Ecosystem"),
        "limits": (loading.LIMITS, "build less, or ask for a higher limit"),
        "ends": (loading.ENDED, "eco.py must return its Ecosystem and not exit"),
    }
    described = codec.decode(dict[str, str], problem)
    if described.keys() != {"kind", "path", "message"} or described["kind"] not in rules:
        raise codec.InvalidDocument("problem", "is not an answer of the loader")
    rule, fix = rules[described["kind"]]
    finding = rule.finding(described["path"][:200], described["message"][:1000], fix)
    raise ModelNotLoaded(finding, outcome.printed_bytes)


def _refuse(outcome: Outcome, rule: Rule, message: str, fix: str) -> NoReturn:
    raise ModelNotLoaded(rule.finding(MODEL_FILE, message, fix), outcome.printed_bytes)
