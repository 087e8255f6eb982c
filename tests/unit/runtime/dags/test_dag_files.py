"""The text of DAG files: what it holds, that it is the same each time, and how streams share files."""

from __future__ import annotations

import ast
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasurface.errors import ModelError
from datasurface.runtime.dags import dag_file_set, dag_files
from datasurface.runtime.dags.dag_selection import Selection
from datasurface.runtime.dags.row_check import BadRow
from tests.conftest import Golden
from tests.unit.plan.landscapes import installation
from tests.unit.runtime.dags.rows import document, facts, read, row

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def configs(count: int) -> dict[str, Any]:
    """So many streams."""
    return {f"Store{number}": {"dag_id": f"dag{number}", "stream_key": f"Store{number}"} for number in range(count)}


@pytest.mark.row("D11", "D18")
@pytest.mark.row("D19")
def test_the_file_of_a_stream(golden: Golden) -> None:
    """What Airflow shows as the DAG's code: this stream's configuration and nothing else."""
    files = dag_files.stream_files("yellowlive", {"Store1": document()})

    golden("yellowlive_factory_dag__Store1.py.txt", files["yellowlive_factory_dag__Store1.py"])


@pytest.mark.row("D02")
def test_the_file_of_the_infrastructure(golden: Golden) -> None:
    """It holds what the installation says of its pods."""
    chosen = Selection().choose(read(row()), lambda _: {})
    files = dag_file_set.files(chosen, installation(), housekeeping_schedule="30 3 * * *", retention_days=30)

    golden("yellowlive_infrastructure_dag.py.txt", files["yellowlive_infrastructure_dag.py"])
    golden("datasurface_housekeeping_dag.py.txt", files["datasurface_housekeeping_dag.py"])


@pytest.mark.row("D18")
def test_equal_rows_give_equal_text() -> None:
    """In whatever order rows, datasets' fields or keys come."""
    shuffled = list(document().items())
    random.Random(1).shuffle(shuffled)

    assert dag_files.stream_files("p", {"Store1": dict(shuffled)}) == dag_files.stream_files(
        "p", {"Store1": document()}
    )


@given(JSON)
def test_every_value_of_json_is_a_literal(value: Any) -> None:
    """Whatever stands in a model's documentation: it is read back as it was, from ASCII alone."""
    text = dag_files.literal(value)

    assert text.isascii()
    assert ast.literal_eval(text) == value


@pytest.mark.row("D11", kind="refusal")
@given(st.text())
def test_no_text_of_a_row_becomes_code(text: str) -> None:
    """The file is one literal and a loop, whatever the row says."""
    config = {"dag_id": text, "documentation": text, text: text}
    (code,) = dag_files.stream_files("yellowlive", {"Store1": config}).values()
    statements = ast.parse(code).body

    kinds = [type(statement).__name__ for statement in statements]
    assert kinds == ["ImportFrom"] * 4 + ["Assign", "Assign", "For"]
    literal = statements[4]
    assert isinstance(literal, ast.Assign)
    assert ast.literal_eval(literal.value) == {text: config}


@pytest.mark.row("D11", kind="refusal")
@pytest.mark.row("D19", kind="refusal")
def test_a_failing_file_raises_the_error_with_what_to_do() -> None:
    """Airflow shows its text as the import error of that file."""
    code = dag_files.failing_file(BadRow("row 'it''s\n' is bad", fix="mend {it}"))

    with pytest.raises(BadRow) as caught:
        exec(code, {})
    assert str(caught.value) == "row 'it''s\\n' is bad. mend {it}"


@pytest.mark.row("D02", kind="refusal")
def test_without_an_installation_the_infrastructure_says_so() -> None:
    """No made-up image or secret: a file that fails with the setting's name. A wrong schedule fails as well."""
    chosen = Selection().choose(read(row()), lambda _: {})
    without = dag_file_set.files(chosen, dag_file_set.installed(None), housekeeping_schedule="never", retention_days=30)

    with pytest.raises(ModelError, match="DATASURFACE_INSTALLATION"):
        exec(without["yellowlive_infrastructure_dag.py"], {})
    with pytest.raises(ModelError, match="DATASURFACE_HOUSEKEEPING_SCHEDULE has 1 fields"):
        exec(without["datasurface_housekeeping_dag.py"], {})
    assert "yellowlive_factory_dag__Store1.py" in without


@pytest.mark.row("D02", kind="refusal")
def test_a_platform_with_an_unreadable_schedule_fails_alone() -> None:
    """The message names the table, the platform and the column."""
    broken = Selection().choose(read(row()), lambda _: {})["yellowlive"]
    dags = type(broken)(facts=facts(1, infrastructure_schedule="@sometimes"), configs=broken.configs, bad={})
    files = dag_file_set.files(
        {"yellowlive": dags}, installation(), housekeeping_schedule="30 3 * * *", retention_days=30
    )

    with pytest.raises(Exception, match="platform yellowlive of ds_platform: infrastructure_schedule has 1 fields"):
        exec(files["yellowlive_infrastructure_dag.py"], {})


@pytest.mark.row("D16")
def test_up_to_two_hundred_streams_have_files_of_their_own() -> None:
    """Above that a shard holds about twenty, also of ten thousand."""
    assert len(dag_files.stream_files("p", configs(200))) == 200
    for count, shards in ((201, 16), (1_000, 64), (10_000, 512)):
        files = dag_files.stream_files("p", configs(count))
        assert len(files) == shards
        assert max(text.count("'stream_key'") for text in files.values()) < 60


@pytest.mark.row("D16")
def test_a_new_stream_changes_one_shard_alone() -> None:
    """The others keep their text, so Airflow parses one file."""
    before, after = dag_files.stream_files("p", configs(500)), dag_files.stream_files("p", configs(501))

    assert len([name for name in after if before.get(name) != after[name]]) == 1


@pytest.mark.row("D11")
def test_names_of_files_never_collide() -> None:
    """Neither with shards, bad rows or the infrastructure, nor where names need a hash."""
    keys = ("bad_0123456789", "0007", "infrastructure", "a b", "a_b", "A.b", "Store1", "Store1#customers", "é" * 100)
    files = dag_files.stream_files("p", {key: {"dag_id": key} for key in keys})

    assert len(files) == len(keys)
    assert all(name.isascii() and len(name) < 250 and "/" not in name for name in files)
    assert all(name.startswith("p_factory_dag__") for name in files)
