"""The folder of DAG files: what is written, what is left alone, what can be read back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from datasurface.runtime.dags import dag_files
from datasurface.runtime.dags.dag_folder import DagFolder
from tests.unit.runtime.dags.rows import document


def test_only_differences_are_written(tmp_path: Path) -> None:
    """New, changed and removed files are told apart; an equal one keeps its age; nothing temporary is left."""
    folder = DagFolder(tmp_path / "dags")
    folder.put({"a.py": "1", "b.py": "2", "c.py": "3"})
    os.utime(folder.path / "a.py", (1, 1))

    changes = folder.put({"a.py": "1", "b.py": "two", "d.py": "4"})

    assert (changes.written, changes.rewritten, changes.removed) == ({"d.py"}, {"b.py"}, {"c.py"})
    assert (folder.path / "a.py").stat().st_mtime == 1
    assert sorted(path.name for path in folder.path.iterdir()) == [".complete", "a.py", "b.py", "d.py"]
    assert folder.put({"a.py": "1", "b.py": "two", "d.py": "4"}).is_empty


def test_kept_files_stay(tmp_path: Path) -> None:
    """Also where they are not among the files."""
    folder = DagFolder(tmp_path)
    folder.put({"a.py": "1", "b.py": "2"})

    assert folder.put({}, kept=["b.py"]).removed == {"a.py"}
    assert folder.names() == {"b.py"}


@pytest.mark.row("D16", kind="refusal")
def test_a_folder_counts_only_when_it_was_written_whole(tmp_path: Path) -> None:
    """One that a crash left half-written is not what was known last."""
    folder = DagFolder(tmp_path)
    (tmp_path / "a.py").write_text("1")

    assert not folder.is_complete
    with pytest.raises(UnicodeEncodeError):
        folder.put({"b.py": "ü"})
    assert not folder.is_complete
    assert not list(tmp_path.glob("*.tmp"))

    folder.put({"a.py": "1"})
    assert DagFolder(tmp_path).is_complete


@pytest.mark.row("D16")
def test_configs_are_read_back(tmp_path: Path) -> None:
    """What a file was made of; one that holds something else holds nothing."""
    folder = DagFolder(tmp_path)
    folder.put(
        {
            **dag_files.stream_files("yellowlive", {"Store1": document()}),
            "yellowlive_factory_dag_bad_0.py": "raise ValueError",
            "yellowlive_factory_dag_0001.py": "DAGS = {",
            "yellowforensic_factory_dag__Store1.py": "DAGS = {'x': {}}",
        }
    )

    assert folder.configs("yellowlive_factory_dag_") == {"yellowlive__Store1_ingestion": document()}
