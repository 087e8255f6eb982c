"""The one place where physical names are made: tables, views, roles, DAG ids and files, names for Kubernetes.

Every function takes the model's names and gives the same answer for ever; where a platform is asked for, its model name
and its `platform_name` do equally well. Two names of a model can still give one physical name (`Ab` and `ab`, or
`a_b` + `c` and `a` + `b_c`): `datasurface.yellow.plan.findings` reports that, nothing here can see it.
docs/design/physical-names.md tells the rules. Nothing here knows a plan, a database or Airflow.
"""

import hashlib
import re
from functools import lru_cache
from typing import Final

#: PostgreSQL cuts longer identifiers by itself, silently.
MAX_IDENTIFIER_BYTES: Final = 63
#: The column stream_key of the control tables.
MAX_STREAM_KEY_CHARACTERS: Final = 255
#: Airflow allows 250; its log folder `dag_id=<id>` has to fit into the 255 bytes of a file name.
MAX_DAG_ID_CHARACTERS: Final = 240
#: A label of RFC 1123.
MAX_LABEL_CHARACTERS: Final = 63
#: 40 bits: among 40,000 names that differ only beyond the cut a collision is less likely than 1 in 1,000.
HASH_DIGITS: Final = 10

REVISION_TABLE: Final = "ds_revision"
PLATFORM_TABLE: Final = "ds_platform"
AUDIT_TABLE: Final = "ds_audit"
MIGRATION_TABLE: Final = "ds_migration"
KNOWN_TABLE: Final = "ds_known_object"
COMMON_TABLES: Final = (AUDIT_TABLE, KNOWN_TABLE, MIGRATION_TABLE, PLATFORM_TABLE, REVISION_TABLE)

#: The DAG that clears the past of Airflow itself, and its file.
HOUSEKEEPING_DAG: Final = "datasurface_housekeeping"
HOUSEKEEPING_DAG_FILE: Final = f"{HOUSEKEEPING_DAG}_dag.py"

DATASET_SEPARATOR: Final = "#"
#: What an identifier does not keep: all but letters of any script, digits and `_`.
_NO_WORD: Final = re.compile(r"\W")
_NO_LABEL: Final = re.compile(r"[^a-z0-9-]")
_NO_DAG_ID: Final = re.compile(r"[^A-Za-z0-9_-]")


def staging_table(platform: str, store: str, dataset: str) -> str:
    """The table where the staging path keeps a snapshot: `yellowlive_store1_customers_staging`."""
    return _identifier(_prefix(platform), _part(store), _part(dataset), "staging")


def merge_table(platform: str, store: str, dataset: str) -> str:
    """The table that mirrors a dataset or keeps its versions: `yellowlive_store1_customers_merge`."""
    return _identifier(_prefix(platform), _part(store), _part(dataset), "merge")


def batch_counter(platform: str) -> str:
    """The table with the last batch of each stream."""
    return _identifier(_prefix(platform), "batch_counter")


def batch_metrics(platform: str) -> str:
    """The table with every batch, its counts and its state."""
    return _identifier(_prefix(platform), "batch_metrics")


def stream_plan(platform: str) -> str:
    """The table with what each stream's job has to know."""
    return _identifier(_prefix(platform), "stream_plan")


def airflow_dsg(platform: str) -> str:
    """The table with a row per DAG."""
    return _identifier(_prefix(platform), "airflow_dsg")


def view(platform: str, workspace: str, group: str, dataset: str) -> str:
    """The view of a sink as of the last batch: `yellowlive_consumer1_livedsg_customers_view`."""
    return _identifier(_prefix(platform), _part(workspace), _part(group), _part(dataset), "view")


def history_view(platform: str, workspace: str, group: str, dataset: str) -> str:
    """The view of all versions: `yellowforensic_consumer1_forensicdsg_customers_history_view`."""
    return _identifier(_prefix(platform), _part(workspace), _part(group), _part(dataset), "history_view")


def dependent(table: str, ending: str) -> str:
    """The name of an index or a constraint of `table`: `dependent(merge_table, "_key")`."""
    return _identifier(f"{table}{ending}")


def tables_role(prefix: str, platform: str) -> str:
    """The role that owns a platform's tables; `prefix` is the installation's and stands in front as it is."""
    return _identifier(f"{prefix}{_prefix(platform)}", "tables")


def reader_role(prefix: str, workspace: str) -> str:
    """The role by which a workspace reads its views; `prefix` is the installation's and stands in front as it is."""
    return _identifier(f"{prefix}{_part(workspace)}", "reader")


def platform_name(platform: str) -> str:
    """The platform's name as a label of Kubernetes (RFC 1123): `yellowlive`. Of such a label: the label itself."""
    return kubernetes_name(platform)


@lru_cache(maxsize=1024)
def kubernetes_name(name: str) -> str:
    """`name` as a label of RFC 1123: lower case, `_` becomes `-`, anything else `-` and a hash at the end."""
    lower = name.lower()
    label = lower.replace("_", "-")
    safe = _NO_LABEL.sub("-", label).strip("-")
    if safe == label and len(safe) <= MAX_LABEL_CHARACTERS:
        return safe
    ending = _digest(lower)
    stem = safe[: MAX_LABEL_CHARACTERS - len(ending) - 1].strip("-")
    return f"{stem}-{ending}" if stem else f"x-{ending}"


def stream_key(store: str, dataset: str | None = None) -> str:
    """`Store1`, or `Store1#customers` where each dataset is a stream of its own; the model's spelling."""
    key = store if dataset is None else f"{store}{DATASET_SEPARATOR}{dataset}"
    return _cut(key, MAX_STREAM_KEY_CHARACTERS)


def dag_id(platform: str, stream: str) -> str:
    """The DAG of a stream, by its key: `yellowlive__Store1_ingestion`, `yellowlive__Store1.customers_ingestion`."""
    parts = (_dag_part(part) for part in stream.split(DATASET_SEPARATOR))
    return _cut(f"{platform_name(platform)}__{'.'.join(parts)}_ingestion", MAX_DAG_ID_CHARACTERS)


def infrastructure_dag_id(platform: str) -> str:
    """The DAG that looks after a platform once a day: `yellowlive_infrastructure`."""
    return _cut(f"{platform_name(platform)}_infrastructure", MAX_DAG_ID_CHARACTERS)


def stream_dag_file(platform: str, stream: str) -> str:
    """The file with the DAG of one stream: `yellowlive_factory_dag__Store1.py`."""
    parts = ".".join(_dag_part(part) for part in stream.split(DATASET_SEPARATOR))
    return _cut(f"{platform_name(platform)}_factory_dag__{parts}", MAX_DAG_ID_CHARACTERS) + ".py"


def shard_dag_file(platform: str, shard: int) -> str:
    """The file with the DAGs of one of many shards of streams: `yellowlive_factory_dag_0007.py`."""
    return f"{platform_name(platform)}_factory_dag_{shard:04}.py"


def bad_row_file(platform: str, stream: str) -> str:
    """The file that says what is wrong with a stream's row: `yellowlive_factory_dag_bad_<hash>.py`."""
    return f"{platform_name(platform)}_factory_dag_bad_{_digest(stream)}.py"


def infrastructure_dag_file(platform: str) -> str:
    """The file with the DAG that looks after a platform: `yellowlive_infrastructure_dag.py`."""
    return f"{platform_name(platform)}_infrastructure_dag.py"


def _prefix(platform: str) -> str:
    """What a platform's tables begin with; made from its label, so that either of its names leads there."""
    return platform_name(platform).replace("-", "_")


@lru_cache(maxsize=4096)
def _part(name: str) -> str:
    """A model's name within an identifier: letters (of any script), digits and `_` stay, the rest costs a hash."""
    lower = name.lower()
    safe = _NO_WORD.sub("_", lower)
    return safe if safe == lower else f"{safe}_{_digest(lower)}"


def _dag_part(name: str) -> str:
    """A model's name within a DAG id, its case kept; ASCII alone, because log folders and metrics carry the id."""
    safe = _NO_DAG_ID.sub("_", name)
    return safe if safe == name else f"{safe}_{_digest(name)}"


def _identifier(*parts: str) -> str:
    """The parts joined, in at most 63 bytes of UTF-8: what is longer ends in a hash of all of it."""
    name = "_".join(parts)
    encoded = name.encode()
    if len(encoded) <= MAX_IDENTIFIER_BYTES:
        return name
    ending = f"_{_digest(name)}"
    # A character that the cut would split is left out whole.
    return encoded[: MAX_IDENTIFIER_BYTES - len(ending)].decode(errors="ignore") + ending


def _cut(name: str, most_characters: int) -> str:
    if len(name) <= most_characters:
        return name
    ending = f"_{_digest(name)}"
    return name[: most_characters - len(ending)] + ending


def _digest(name: str) -> str:
    """The hash that tells names apart; a lone surrogate, which JSON can bring, must not stop it."""
    return hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:HASH_DIGITS]
