"""Tells Airflow that DAGs are gone from a file that is still there.

Airflow sees at once that a file went, but only after minutes that a file holds fewer DAGs; until then it would go on
starting them. Used by the bundle alone, in the DAG processor, which has the metadata database open.
"""

from collections.abc import Collection

from airflow.models.dag import DagModel
from airflow.utils.session import create_session


def mark(bundle_name: str, dag_ids: Collection[str]) -> int:
    """Mark DAGs of the bundle as stale, as Airflow itself does; how many were not so yet."""
    with create_session() as session:
        found = session.query(DagModel).filter(
            DagModel.bundle_name == bundle_name, DagModel.dag_id.in_(dag_ids), ~DagModel.is_stale
        )
        return int(found.update({"is_stale": True}, synchronize_session=False))
