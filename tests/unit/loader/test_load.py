"""What becomes of a model's directory, and of one whose eco.py is not right."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from datasurface import loader
from datasurface.loader import ModelNotLoaded, load
from tests.unit.loader.conftest import RIGHT, SMALL


@pytest.mark.row("M01")
@pytest.mark.parametrize("function", ["create_ecosystem", "createEcosystem"])
def test_function_gives_the_ecosystem(model_of, function):
    """eco.py may spell its function either way; root and revision are those of the directory."""
    root = model_of(RIGHT.replace("create_ecosystem", function))

    loaded = load(root, limits=SMALL)

    assert loaded.ecosystem.name == "Test"
    assert loaded.root == root
    assert loaded.revision == loader.revision_of(root)
    assert loaded.mapping_findings == ()


def test_modules_beside_eco_py_can_be_imported(model_of):
    """A model may be spread over several files."""
    source = "from parts import ecosystem\ndef create_ecosystem():\n    return ecosystem()\n"
    parts = RIGHT.replace("create_ecosystem", "ecosystem")

    assert load(model_of(source, parts=parts), limits=SMALL).ecosystem.name == "Test"


@pytest.mark.row("M01", kind="refusal")
@pytest.mark.parametrize(
    ("source", "rule", "path", "message"),
    [
        ("x = 1\n", "DS003", "eco.py", "defines no function create_ecosystem()"),
        ("create_ecosystem = 1\n", "DS003", "eco.py", "defines no function create_ecosystem()"),
        ("def create_ecosystem(): ...\n", "DS003", "eco.py", "create_ecosystem() returns None, not an Ecosystem"),
        ("def create_ecosystem():\n    return {}", "DS003", "eco.py", "returns a dict, not an Ecosystem"),
        ("a = 1\ndef create_ecosystem(:\n", "DS002", "eco.py:2", "SyntaxError: "),
        ("a = 1\n  b = 2\n", "DS002", "eco.py:2", "IndentationError: "),
        ("\n\nx = 1 / 0\n", "DS002", "eco.py:3", "ZeroDivisionError: division by zero"),
        ("def create_ecosystem():\n    return missing\n", "DS002", "eco.py:2", "NameError: "),
        ("import nothing_of_this_name\n", "DS002", "eco.py:1", "ModuleNotFoundError: "),
        ("raise KeyboardInterrupt\n", "DS002", "eco.py:1", "KeyboardInterrupt: "),
        ("def f():\n    f()\nf()\n", "DS002", "eco.py:2", "RecursionError: "),
        (
            "from datasurface.dsl import *\nc = VarChar(0)\n",
            "DS002",
            "eco.py:2",
            "VarChar.max_length: must be at least",
        ),
        ("from datasurface.dsl import *\nDataset(name='a')\n", "DS002", "eco.py:2", "TypeError: "),
        ("import sys\nsys.exit(0)\n", "DS005", "eco.py:2", "calls exit (0)"),
        ("raise SystemExit('enough')\n", "DS005", "eco.py:1", "calls exit (enough)"),
        ("import os\nos._exit(0)\n", "DS005", "eco.py", "ended its process with status 0 before"),
        ("import os\nos._exit(7)\n", "DS005", "eco.py", "ended its process with status 7 before"),
        ("import os\nos.kill(os.getpid(), 9)\n", "DS005", "eco.py", "was killed by SIGKILL"),
        ("import os\nos.kill(os.getpid(), 11)\n", "DS005", "eco.py", "was killed by SIGSEGV"),
        ("import os\nos.kill(os.getppid(), 9)\nwhile True: pass\n", "DS005", "eco.py", "was killed by SIGKILL"),
        ("import os\nos.closerange(0, 100)\n" + RIGHT, "DS005", "eco.py", "ended its process with status 1"),
    ],
)
def test_what_eco_py_does_wrong_is_said_with_its_line(finding_of, source, rule, path, message):
    """A failure of eco.py becomes one finding at its own line, never a traceback of ours."""
    finding = finding_of(source)

    assert (finding.rule, finding.path) == (rule, path)
    assert message in finding.message
    assert finding.fix


def test_line_is_the_last_one_of_the_model(finding_of):
    """In a module beside eco.py the line of that module is named, however deep the error lies in a library."""
    source = "import parts\ndef create_ecosystem():\n    return parts.made()\n"

    finding = finding_of(source, parts="import json\n\ndef made():\n    return json.loads('{')\n")

    assert finding.path == "parts.py:4"
    assert finding.message.startswith("JSONDecodeError: ")


def test_syntax_error_of_a_module_is_found_in_that_module(finding_of):
    """Broken Python beside eco.py is reported where it stands."""
    assert finding_of("import parts\n", parts="a = (\n").path == "parts.py:1"


def test_message_of_an_error_is_one_bounded_line(finding_of):
    """What an error says is cut, has no control characters and does not show where the private copy lies."""
    source = """
        import os
        raise ValueError("\\x1b[31m\\n" + os.getcwd() + "/eco.py " + "x" * 10_000)
    """
    finding = finding_of(source)

    assert len(finding.message) < 1000
    assert "\x1b" not in finding.message
    assert "\n" not in finding.message
    assert "datasurface-model-" not in finding.message


def test_error_whose_message_fails_is_reported(finding_of):
    """An exception that cannot be shown is reported all the same."""
    source = "class Odd(Exception):\n    def __str__(self):\n        return 1 / 0\nraise Odd\n"

    assert finding_of(source).message == "Odd: its message cannot be shown"


@pytest.mark.row("M01", kind="refusal")
def test_directory_without_eco_py_is_no_model(tmp_path):
    """A missing eco.py and a missing directory are said by name."""
    with pytest.raises(ModelNotLoaded, match=r"eco\.py: is missing"):
        load(tmp_path, limits=SMALL)
    with pytest.raises(ModelNotLoaded, match="nowhere: cannot be read: No such file or directory"):
        load(tmp_path / "nowhere", limits=SMALL)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ModelNotLoaded, match="loop: cannot be read: Too many levels of symbolic links"):
        load(tmp_path / "loop", limits=SMALL)
    (tmp_path / "eco.py").write_text(RIGHT)
    with pytest.raises(ModelNotLoaded, match=r"eco\.py: cannot be read: Not a directory"):
        load(tmp_path / "eco.py", limits=SMALL)


def test_large_model_loads_in_seconds(model_of):
    """50 stores of 40 datasets take a second; twenty times as many take some."""
    source = """
        from datasurface.dsl import *

        HOME = GitRepository("owner/model")

        def dataset(name):
            columns = [DDLColumn(f"c{n}", VarChar(n + 1), primary_key=n == 0) for n in range(5)]
            return Dataset(name=name, schema=DDLTable(columns))

        def store(name):
            database = PostgresDatabase(name=name, host="h", database="d")
            capture = SQLSnapshotIngestion(container=database, credential=Credential("c"))
            return Datastore(name=name, datasets=[dataset(f"d{n}") for n in range(40)], capture=capture)

        def create_ecosystem():
            team = Team(name="t", owning_repo=HOME, datastores=[store(f"s{n}") for n in range(50)])
            zones = [GovernanceZone(name="z", owning_repo=HOME, teams=[team])]
            return Ecosystem(name="Test", owning_repo=HOME, zones=zones)
    """
    root = model_of(source)

    started = time.monotonic()
    loaded = load(root, limits=SMALL)

    assert sum(1 for _ in loaded.ecosystem.datasets()) == 2_000
    assert time.monotonic() - started < 10


def test_path_may_be_a_link(model_of, tmp_path):
    """A link to the directory is resolved once, as git-sync flips it."""
    root = model_of()
    (tmp_path / "link").symlink_to(root)

    assert load(tmp_path / "link", limits=SMALL).root == root


def test_no_copy_stays_behind(model_of, tmp_path, monkeypatch):
    """The private copy is removed, whether the model loads or not."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    Path(tmp_path / "temporary").mkdir()

    load(model_of(), limits=SMALL)
    with pytest.raises(ModelNotLoaded):
        load(model_of("1 / 0"), limits=SMALL)

    assert list((tmp_path / "temporary").iterdir()) == []
