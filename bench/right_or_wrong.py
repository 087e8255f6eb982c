"""Whether the merge tables of an experiment are its source: contents both ways, over COPY|COPY's own copy."""

from collections.abc import Sequence

from psycopg2 import sql

from bench import floor, statements
from bench.arena import Arena
from bench.options import Kind
from datasurface.yellow.plan.tables import BATCH_OUT, OPEN_BATCH

_QUERIES = statements.load("experiments.sql")


def problems(place: Arena, kinds: Sequence[Kind], what: str) -> Sequence[str]:
    """What is wrong now; empty if all is right. The floor must have copied the same state of the source."""
    found = []
    with place.admin(place.merge_database) as session, session.raw.cursor() as cursor:
        cursor.execute(_QUERIES["widen_memory"])
        for kind in kinds:
            is_open: sql.Composable = sql.SQL("true")
            if kind is Kind.FORENSIC:
                is_open = sql.SQL("{} = {}").format(sql.Identifier(BATCH_OUT), sql.Literal(OPEN_BATCH))
            for table in place.stream(kind.platform).tables:
                places = {
                    "merge": sql.Identifier("public", table.merge_table),
                    "staging": sql.Identifier("public", floor.staging(table)),
                    "columns": sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns),
                    "is_open": is_open,
                }
                cursor.execute(_QUERIES["compare"].format(**places))
                only_in_merge, only_in_source = cursor.fetchone() or (0, 0)
                if only_in_merge or only_in_source:
                    found.append(
                        f"{what}: {table.merge_table} has {only_in_merge} rows too many, {only_in_source} missing"
                    )
    return found
