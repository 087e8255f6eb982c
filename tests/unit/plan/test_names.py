"""Physical names: the fixed points of the contract, what becomes of odd names, and the cut at 63 bytes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasurface.yellow.plan import names

ANY_NAME = st.text(min_size=1, max_size=300)
RFC_1123 = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
AIRFLOW = re.compile(r"[A-Za-z0-9_.-]+")


@pytest.mark.row("I05")
@pytest.mark.parametrize("platform", ["YellowLive", "YellowForensic"])
def test_tables_are_lower_case_and_begin_with_the_platform(platform: str) -> None:
    """Merge, staging and control tables have the names that the contract fixes."""
    lower = platform.lower()

    assert names.merge_table(platform, "Store1", "customers") == f"{lower}_store1_customers_merge"
    assert names.staging_table(platform, "Store1", "customers") == f"{lower}_store1_customers_staging"
    assert names.batch_counter(platform) == f"{lower}_batch_counter"
    assert names.batch_metrics(platform) == f"{lower}_batch_metrics"
    assert names.stream_plan(platform) == f"{lower}_stream_plan"
    assert names.airflow_dsg(platform) == f"{lower}_airflow_dsg"


@pytest.mark.row("V01")
def test_views_are_named_for_platform_workspace_group_and_dataset() -> None:
    """The current view has the contract's name, the history's ends in `_history_view`."""
    of_customers = ("YellowLive", "Consumer1", "LiveDSG", "customers")

    assert names.view(*of_customers) == "yellowlive_consumer1_livedsg_customers_view"
    assert names.history_view(*of_customers) == "yellowlive_consumer1_livedsg_customers_history_view"


@pytest.mark.row("D01", "R04")
def test_stream_keys_and_dag_ids_keep_the_case_of_the_model() -> None:
    """A key is `Store1` or `Store1#customers`; in a DAG id the `#`, which Airflow refuses, is a dot."""
    assert names.stream_key("Store1") == "Store1"
    assert names.stream_key("Store1", "customers") == "Store1#customers"
    assert names.dag_id("YellowLive", "Store1") == "yellowlive__Store1_ingestion"
    assert names.dag_id("YellowLive", "Store1#customers") == "yellowlive__Store1.customers_ingestion"
    assert names.infrastructure_dag_id("YellowLive") == "yellowlive_infrastructure"


def test_roles_carry_the_prefix_of_the_installation() -> None:
    """The prefix stands in front as it is; without one the names are those of the design."""
    assert names.tables_role("", "YellowLive") == "yellowlive_tables"
    assert names.tables_role("prod_", "YellowLive") == "prod_yellowlive_tables"
    assert names.reader_role("", "Consumer1") == "consumer1_reader"
    assert names.reader_role("prod_", "Consumer1") == "prod_consumer1_reader"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Order-Lines", r"p_s_order_lines_[0-9a-f]{10}_merge"),
        ("order lines", r"p_s_order_lines_[0-9a-f]{10}_merge"),
        ('x"; drop table y', r"p_s_x___drop_table_y_[0-9a-f]{10}_merge"),
        ("\ud800", r"p_s___[0-9a-f]{10}_merge"),
        ("nul\x00", r"p_s_nul__[0-9a-f]{10}_merge"),
        ("order_lines", r"p_s_order_lines_merge"),
        ("select", r"p_s_select_merge"),
        ("Größe", r"p_s_größe_merge"),
        ("顧客", r"p_s_顧客_merge"),
    ],
)
def test_what_is_no_letter_digit_or_underscore_costs_a_hash(name: str, expected: str) -> None:
    """A character that an identifier does not keep becomes `_`, and a hash tells the name from its neighbours."""
    assert re.fullmatch(expected, names.merge_table("P", "S", name))


def test_names_that_differ_in_such_a_character_stay_apart() -> None:
    """`a b`, `a-b`, `a.b` and `a_b` are four tables, four DAGs and four labels at least of all that is hashed."""
    alike = ["a b", "a-b", "a.b", "a_b"]

    assert len({names.merge_table("P", "S", name) for name in alike}) == 4
    assert len({names.dag_id("P", name) for name in alike}) == 4
    assert len({names.kubernetes_name(name) for name in ["a b", "a.b", "a_b"]}) == 3


@pytest.mark.row("I05", kind="refusal")
@pytest.mark.parametrize("length", [63, 64, 65, 200])
def test_a_name_is_cut_only_beyond_63_bytes(length: int) -> None:
    """63 bytes stay as they are; from 64 on the name ends in a hash of all of it and has 63 bytes."""
    dataset = "d" * (length - len("p_s__merge"))

    table = names.merge_table("P", "S", dataset)

    assert len(table) == 63
    if length == 63:
        assert table == f"p_s_{dataset}_merge"
    else:
        assert re.fullmatch(r"p_s_d+_[0-9a-f]{10}", table)


@pytest.mark.row("I05", kind="refusal")
def test_long_names_that_differ_at_the_end_stay_apart() -> None:
    """What is cut off still counts: another dataset, another ending, another name."""
    first, second = "x" * 70 + "1", "x" * 70 + "2"

    tables = {names.merge_table("P", "S", name) for name in (first, second)}
    tables |= {names.staging_table("P", "S", name) for name in (first, second)}

    assert len(tables) == 4


@pytest.mark.parametrize("offset", range(4))
def test_a_character_is_never_split_by_the_cut(offset: int) -> None:
    """Letters of two to four bytes at the cut are left out whole, wherever they fall."""
    for letter in ("é", "顧", "𠮷"):
        table = names.merge_table("P", "S", "x" * offset + letter * 40)
        encoded = table.encode()

        assert 60 <= len(encoded) <= 63
        assert encoded.decode() == table
        assert re.fullmatch(rf"p_s_x*{letter}+_[0-9a-f]{{10}}", table)


def test_cut_and_hashed_names_never_change() -> None:
    """Names are stored by what they are: an upgrade that made others would lose sight of the tables."""
    assert names.merge_table("P", "S", "x" * 64) == "p_s_" + "x" * 48 + "_450a3260a8"
    assert names.merge_table("P", "S", "Order Lines") == "p_s_order_lines_a5bf4119bc_merge"
    assert names.platform_name("Yellow Live") == "yellow-live-d572378257"
    assert names.dag_id("P", "Order Lines") == "p__Order_Lines_d02b9b46f1_ingestion"


@pytest.mark.row("D14")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("YellowLive", r"yellowlive"),
        ("yellow-live", r"yellow-live"),
        ("Yellow_Live", r"yellow-live"),
        ("Yellow Live", r"yellow-live-[0-9a-f]{10}"),
        ("_x_", r"x-[0-9a-f]{10}"),
        ("顧客", r"x-[0-9a-f]{10}"),
        ("y" * 64, r"y{52}-[0-9a-f]{10}"),
    ],
)
def test_platform_names_are_labels_of_kubernetes(name: str, expected: str) -> None:
    """Lower case, `_` as `-`, anything else hashed; RFC 1123 always holds."""
    assert re.fullmatch(expected, names.platform_name(name))


@given(ANY_NAME)
def test_either_name_of_a_platform_leads_to_its_tables(name: str) -> None:
    """Who knows the Kubernetes-safe name alone finds the same tables, roles and DAGs."""
    safe = names.platform_name(name)

    assert names.platform_name(safe) == safe
    assert names.airflow_dsg(safe) == names.airflow_dsg(name)
    assert names.tables_role("", safe) == names.tables_role("", name)
    assert names.dag_id(safe, "Store1") == names.dag_id(name, "Store1")


@given(ANY_NAME, ANY_NAME, ANY_NAME)
def test_any_name_gives_an_identifier_that_postgresql_takes(platform: str, store: str, dataset: str) -> None:
    """At most 63 bytes, no character but letters, digits and `_`, nothing that lower() would change."""
    for name in (
        names.merge_table(platform, store, dataset),
        names.view(platform, store, dataset, dataset),
        names.reader_role("", dataset),
        names.dependent(names.merge_table(platform, store, dataset), "_key"),
    ):
        assert 0 < len(name.encode()) <= 63
        assert re.fullmatch(r"\w+", name)


@given(ANY_NAME, ANY_NAME)
def test_any_name_gives_a_label_a_dag_id_and_a_key(store: str, dataset: str) -> None:
    """What Kubernetes, Airflow and the control tables allow holds for every name."""
    key = names.stream_key(store, dataset)

    assert RFC_1123.fullmatch(names.kubernetes_name(store))
    assert AIRFLOW.fullmatch(names.dag_id(store, key))
    assert len(names.dag_id(store, key)) <= 250
    assert len(key) <= 255
