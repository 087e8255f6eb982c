"""The tables: as specified, made where missing, filled where empty, left alone otherwise."""

import pytest

from data_change_simulator import ConnectionParameters, Setup, Simulator, TablesUnfit, evolve_sql, seed_sql, source_ddl

COLUMNS = """
    SELECT column_name, data_type, character_maximum_length, is_nullable FROM information_schema.columns
     WHERE table_schema = 'public' AND table_name = %s ORDER BY ordinal_position
"""
CONSTRAINTS = (
    "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype IN ('p', 'f') ORDER BY conname"
)


@pytest.mark.row("P01")
def test_tables_have_the_columns_of_the_model(source):
    """Names, types, widths and nullability of both tables."""
    text = "character varying"
    assert source.execute(COLUMNS, ("customers",)) == [
        ("id", text, 20, "NO"),
        ("firstname", text, 100, "NO"),
        ("lastname", text, 100, "NO"),
        ("dob", "date", None, "NO"),
        ("email", text, 100, "YES"),
        ("phone", text, 100, "YES"),
        ("primaryaddressid", text, 20, "YES"),
        ("billingaddressid", text, 20, "YES"),
    ]
    assert source.execute(COLUMNS, ("addresses",)) == [
        ("id", text, 20, "NO"),
        ("customerid", text, 20, "NO"),
        ("streetname", text, 100, "NO"),
        ("city", text, 100, "NO"),
        ("state", text, 100, "NO"),
        ("zipcode", text, 30, "NO"),
    ]


@pytest.mark.row("P01")
def test_tables_refer_to_each_other(source):
    """Primary keys, a cascade from customer to address, set null from address to customer, an index for each."""
    constraints = {
        name: text for name, text in source.execute(CONSTRAINTS) if name.startswith(("customers", "addresses"))
    }
    to_address = "REFERENCES addresses(id) ON DELETE SET NULL DEFERRABLE"
    indexes = {name for (name,) in source.execute("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")}

    assert constraints == {
        "addresses_pkey": "PRIMARY KEY (id)",
        "customers_pkey": "PRIMARY KEY (id)",
        "addresses_customerid_fkey": "FOREIGN KEY (customerid) REFERENCES customers(id) ON DELETE CASCADE DEFERRABLE",
        "customers_primaryaddressid_fkey": f"FOREIGN KEY (primaryaddressid) {to_address}",
        "customers_billingaddressid_fkey": f"FOREIGN KEY (billingaddressid) {to_address}",
    }
    assert indexes >= {"addresses_customerid_idx", "customers_primaryaddressid_idx", "customers_billingaddressid_idx"}


@pytest.mark.row("P02")
def test_seed_is_five_customers_in_five_cities_and_eight_addresses(source):
    """The ids as documented, five cities, no broken reference."""
    state = source.state()

    assert list(state["customers"]) == [f"CUST00{n}" for n in range(1, 6)]
    assert list(state["addresses"]) == [f"ADDR00{n}" for n in range(1, 9)]
    assert source.execute("SELECT count(DISTINCT city), count(DISTINCT customerid) FROM addresses") == [(5, 5)]
    assert source.broken_references() == []


@pytest.mark.row("P01", "P07")
def test_scripts_may_run_again(source):
    """DDL, seed and schema change change nothing the second time."""
    source.execute(evolve_sql())
    before = source.state(), source.execute(CONSTRAINTS)

    for script in (source_ddl(), seed_sql(), evolve_sql()):
        source.execute(script)

    assert (source.state(), source.execute(CONSTRAINTS)) == before


@pytest.mark.row("P07")
def test_create_tables_makes_and_fills_once(empty_source):
    """On an empty database it makes and fills the tables, then it does nothing."""
    simulator = Simulator(empty_source.parameters)

    assert simulator.create_tables() == Setup(created_tables=("customers", "addresses"), seeded_rows=13)
    before = empty_source.state()
    assert simulator.create_tables() == Setup(created_tables=(), seeded_rows=0)
    assert empty_source.state() == before


@pytest.mark.row("P07")
def test_create_tables_fills_tables_that_are_there_but_empty(empty_source):
    """Tables made by somebody else get the first rows."""
    empty_source.execute(source_ddl())

    assert Simulator(empty_source.parameters).create_tables() == Setup(created_tables=(), seeded_rows=13)


@pytest.mark.row("P02", "P07", kind="refusal")
def test_create_tables_leaves_rows_alone(source):
    """One row in one table is enough: nothing is put in."""
    source.execute("DELETE FROM customers WHERE id <> 'CUST004'")
    before = source.state()

    assert Simulator(source.parameters).create_tables() == Setup(created_tables=(), seeded_rows=0)
    assert source.state() == before


@pytest.mark.row("P07")
def test_login_that_may_only_write_rows_can_ask_for_tables_that_are_there(source):
    """Without CREATE on the schema: fine when the tables exist, a clear refusal when one is missing."""
    login, database = source.parameters.user, source.parameters.database
    writer = f"writer_{database}"
    source.execute(f"CREATE ROLE {writer} LOGIN PASSWORD 'writers-own'")
    try:
        source.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON customers, addresses TO {writer}")
        where = source.parameters
        simulator = Simulator(
            ConnectionParameters(
                host=where.host, port=where.port, database=database, user=writer, password="writers-own"
            ),
            seed=1,
        )
        assert simulator.create_tables() == Setup(created_tables=(), seeded_rows=0)
        assert simulator.run(30).changes == 30
        source.execute("DROP TABLE addresses CASCADE")
        with pytest.raises(TablesUnfit, match="permission denied"):
            simulator.create_tables()
    finally:
        source.execute(f"REASSIGN OWNED BY {writer} TO {login}; DROP OWNED BY {writer}; DROP ROLE {writer}")


@pytest.mark.row("P07", kind="refusal")
def test_missing_tables_and_columns_are_named(empty_source):
    """Without --create-tables a missing table is an error that says what to do; so is a missing column."""
    simulator = Simulator(empty_source.parameters)
    with pytest.raises(TablesUnfit, match="no table customers: run with --create-tables"):
        simulator.run(1)

    empty_source.make_tables()
    empty_source.execute("ALTER TABLE addresses DROP COLUMN zipcode, DROP COLUMN city")
    with pytest.raises(TablesUnfit, match="table addresses lacks columns: city, zipcode"):
        simulator.run(1)
