"""Which DAGs there are: what was read of the merge database, checked row by row, and what is kept where rows lack.

A table that lost rows must not take DAGs with it: `stream_count` says how many rows there must be. Nothing here touches
a disk, a database or Airflow.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from datasurface.errors import StateError
from datasurface.model import codec
from datasurface.runtime.dags import row_check
from datasurface.runtime.dags.row_check import BadRow
from datasurface.yellow.engine.control.dag_rows import ActiveRow, DagRows, PlatformFacts
from datasurface.yellow.plan import names

Config = Mapping[str, Any]
#: The configs of a platform's streams, by stream key.
Configs = Mapping[str, Config]


class TooFewRows(StateError):
    """Rows are missing and nobody knows which: no DAG may be taken for removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformDags:
    """What a platform's files are made of; `kept` are the streams whose row is missing though it has to be there."""

    facts: PlatformFacts
    configs: Configs
    bad: Mapping[str, BadRow]
    kept: frozenset[str] = frozenset()


class Selection:
    """Checks rows, each only once as long as it does not change."""

    def __init__(self) -> None:
        self._checked: dict[ActiveRow, Config | BadRow] = {}

    def choose(self, read: DagRows, known: Callable[[str], Configs]) -> Mapping[str, PlatformDags]:
        """The DAGs of every platform; `known` gives the configs that a platform's files hold now.

        Raises TooFewRows where there is no platform at all, or rows are missing of a platform that has no files yet.
        """
        if not read.platforms:
            raise TooFewRows(
                f"{names.PLATFORM_TABLE} holds no platform", fix="`datasurface model apply` writes what a model says"
            )
        checked = {row: self._checked.get(row) or _config_or_problem(row) for row in read.rows}
        self._checked = checked
        return {facts.platform_name: _of_platform(facts, checked, known) for facts in read.platforms}


def _config_or_problem(row: ActiveRow) -> Config | BadRow:
    try:
        config: Config = codec.encode(row_check.checked(row))
    except BadRow as problem:
        return problem
    return config


def _of_platform(
    facts: PlatformFacts, checked: Mapping[ActiveRow, Config | BadRow], known: Callable[[str], Configs]
) -> PlatformDags:
    own = {row.stream_key: found for row, found in checked.items() if row.platform_name == facts.platform_name}
    configs = {key: found for key, found in own.items() if not isinstance(found, BadRow)}
    bad = {key: found for key, found in own.items() if isinstance(found, BadRow)}
    kept: Configs = {}
    if len(own) < facts.stream_count:
        kept = {key: config for key, config in known(facts.platform_name).items() if key not in own}
        if len(own) + len(kept) < facts.stream_count:
            _refuse_unknown(facts, len(own), len(kept))
    return PlatformDags(facts=facts, configs={**kept, **configs}, bad=bad, kept=frozenset(kept))


def _refuse_unknown(facts: PlatformFacts, rows: int, kept: int) -> None:
    raise TooFewRows(
        f"{names.airflow_dsg(facts.platform_name)} has {rows} active rows where {names.PLATFORM_TABLE} says "
        f"{facts.stream_count}, and the files here hold {kept} of the others",
        fix="`datasurface model apply` writes the missing rows anew",
    )
