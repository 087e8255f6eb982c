"""What a model gives to the values: which names there are to set something for, and what each of them is.

Names only, with a sentence for each: what may be set is the typed values' business, how it is written the schema's.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from datasurface.chart.values.databases import OWN_LOGINS
from datasurface.model.containers import PostgresDatabase
from datasurface.model.ecosystem import Ecosystem
from datasurface.yellow.plan.ecosystem_plan import EcosystemPlan

#: Datasets of a stream that its description names.
SHOWN_DATASETS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPart:
    """Descriptions by name, each in the order of the model. `streams` are named `YellowLive/Store1`.

    `credentials` are the model's and then the chart's own; `source_credentials` names those that stores are read by.
    `addresses` holds the containers that stores are read from, `merge_containers` the names of those written to.
    """

    ecosystem: str
    containers: Mapping[str, str]
    credentials: Mapping[str, str]
    workspaces: Mapping[str, str]
    streams: Mapping[str, str]
    source_credentials: Sequence[str]
    addresses: Mapping[str, PostgresDatabase]
    merge_containers: frozenset[str]


def model_part(ecosystem: Ecosystem, plan: EcosystemPlan) -> ModelPart:
    """The names of the model; `plan` is its plan, for the streams."""
    platforms, stores = ecosystem.data_platforms, list(ecosystem.stores())
    merge = [(each.merge_container.name, f"Merge database of {each.name}.") for each in platforms]
    read = [(store.capture.container.name, f"Source of {store.name} ({path}).") for path, store in stores]
    own = [(each.credential.name, f"Login of the jobs of {each.name}.") for each in platforms if each.credential]
    source = [(store.capture.credential.name, f"Login by which {store.name} is read.") for _, store in stores]
    return ModelPart(
        ecosystem=ecosystem.name,
        containers=_joined([*read, *merge]),
        credentials=_joined([*source, *own, *OWN_LOGINS.items()]),
        workspaces=_joined((workspace.name, f"Workspace {path}.") for path, workspace in ecosystem.workspaces()),
        streams={
            f"{stream.platform}/{stream.stream_key}": f"Jobs that bring {_listed(t.dataset for t in stream.tables)} "
            f"of {stream.store} to {stream.platform}."
            for stream in plan.streams
        },
        source_credentials=tuple(_joined(source)),
        addresses={store.capture.container.name: store.capture.container for _, store in stores},
        merge_containers=frozenset(each.merge_container.name for each in platforms),
    )


def _joined(sentences: Iterable[tuple[str, str]]) -> dict[str, str]:
    """All sentences of a name as one text, in the order in which the names come."""
    found: dict[str, list[str]] = {}
    for name, sentence in sentences:
        found.setdefault(name, []).append(sentence)
    return {name: " ".join(dict.fromkeys(texts)) for name, texts in found.items()}


def _listed(names: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`; of many the first ones and the number of the others."""
    shown = list(names)
    if len(shown) > SHOWN_DATASETS:
        return f"{', '.join(shown[:SHOWN_DATASETS])} and {len(shown) - SHOWN_DATASETS} more datasets"
    return " and ".join(", ".join(shown).rsplit(", ", 1))
