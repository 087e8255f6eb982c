"""Which streams have DAGs, when rows are missing or wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from datasurface.runtime.dags.dag_selection import Selection, TooFewRows
from datasurface.yellow.engine.control.dag_rows import DagRows
from tests.unit.runtime.dags.rows import document, facts, read, row, stream


def known(*stores: str) -> Any:
    """What the files of every platform hold."""
    configs: Mapping[str, Any] = {store: document(stream_key=store) for store in stores}
    return lambda _platform: configs


@pytest.mark.row("D11")
def test_good_rows_and_bad_ones_are_told_apart() -> None:
    """A bad row is no config, and keeps none from being one."""
    chosen = Selection().choose(read(stream("Store1"), row("{", stream_key="Store2")), known())["yellowlive"]

    assert list(chosen.configs) == ["Store1"]
    assert list(chosen.bad) == ["Store2"]
    assert not chosen.kept


@pytest.mark.row("D16", kind="refusal")
def test_a_stream_whose_row_is_missing_is_kept() -> None:
    """stream_count says that there must be one more: what the files hold of it stays."""
    chosen = Selection().choose(read(stream("Store1"), stream_count=2), known("Store1", "Store2"))["yellowlive"]

    assert set(chosen.configs) == {"Store1", "Store2"}
    assert chosen.kept == {"Store2"}
    assert chosen.configs["Store1"] == document()


@pytest.mark.row("D16")
def test_a_stream_that_left_is_not_kept() -> None:
    """There are as many rows as there must be: what else the files hold goes."""
    chosen = Selection().choose(read(stream("Store1")), known("Store1", "Store2"))["yellowlive"]

    assert set(chosen.configs) == {"Store1"}


@pytest.mark.row("D16", kind="refusal")
def test_rows_that_nobody_knows_are_a_refusal() -> None:
    """Without files that hold the missing streams no DAG may be taken for removed."""
    with pytest.raises(TooFewRows, match="1 active rows where ds_platform says 3, and the files here hold 1"):
        Selection().choose(read(stream("Store1"), stream_count=3), known("Store2"))


@pytest.mark.row("D16", kind="refusal")
def test_no_platform_at_all_is_a_refusal() -> None:
    """Before the first model, and after somebody emptied the table."""
    with pytest.raises(TooFewRows, match="ds_platform holds no platform"):
        Selection().choose(DagRows(platforms=(), rows=(), fingerprint=None), known())


@pytest.mark.row("D16")
def test_a_platform_without_streams_is_fine() -> None:
    """Its own row says that it has none."""
    chosen = Selection().choose(DagRows(platforms=[facts(0)], rows=(), fingerprint=None), known("Store1"))

    assert not chosen["yellowlive"].configs
