"""The task of a stream: its job's result record decides whether it is done, runs again at once, is retried or fails.

The choice of what follows is made here, and the tasks that stand for it are empty: one process per run.
"""

from typing import Any, Final

from airflow.sdk import Asset, AssetAlias, SkipMixin

from datasurface.errors import ExitStatus, Family
from datasurface.runtime.dags.pod_ending import PodEnding
from datasurface.runtime.dags.pod_operator import NOT_CURED_BY_RETRYING, DatasurfacePodOperator
from datasurface.runtime.dags.pod_spec import PodRequest
from datasurface.yellow.engine.batch import run_result
from datasurface.yellow.engine.batch.run_result import Outcome, RunResult

RESULT_KEY: Final = "result"
#: What the job knows the run by: the same for every attempt.
RUN_ID_ARGUMENTS: Final = ("--run-id", "{{ ti.dag_id }}/{{ run_id }}")


class DatasurfaceJobOperator(DatasurfacePodOperator, SkipMixin):
    """Runs a stream's job.

    `again` is the stream's own asset, by which its DAG is scheduled: an event of it (through `alias`, the outlet) is
    what keep working means. `reschedule` and `wait` are the tasks downstream, of which one is skipped. The record goes
    to the XCom `result`.
    """

    arguments: list[str]
    #: Airflow looks at what was skipped when a task downstream is cleared.
    _can_skip_downstream = True

    def __init__(
        self,
        *,
        pod: PodRequest,
        again: Asset,
        alias: AssetAlias,
        reschedule: str = "reschedule_immediately",
        wait: str = "wait_for_trigger",
        **options: Any,
    ) -> None:
        super().__init__(pod=pod, outlets=[alias], **{"termination_message_policy": "File", **options})
        self.arguments = [*self.arguments, *RUN_ID_ARGUMENTS]
        self.again = again
        self.alias = alias
        self.reschedule = reschedule
        self.wait = wait

    def judge(self, ending: PodEnding, context: Any) -> Any:
        """Decide by the record. Raises DownstreamTasksSkipped where all is well: that is how Airflow takes a choice."""
        result = ending.result
        if result is None:
            self._fail_without_result(ending)
        else:
            context["ti"].xcom_push(key=RESULT_KEY, value=result.document())
            if result.rc == run_result.ERROR:
                self.fail(result.message or ending.text, is_final=result.family in {Family.MODEL, Family.STATE})
            self.log.info("%s", summary(result))
            keeps_working = result.rc == run_result.KEEP_WORKING
            if keeps_working:
                context["outlet_events"][self.alias].add(self.again)
            self.skip_all_except(context["ti"], self.reschedule if keeps_working else self.wait)

    def _fail_without_result(self, ending: PodEnding) -> None:
        what = "left a result record that cannot be read" if ending.message else "left no result record"
        how = "the job ended well" if ending.exit_status == ExitStatus.DONE else ending.text
        text = f"{how}, and {what}"
        self.fail(text, is_final=ending.exit_status in NOT_CURED_BY_RETRYING)


def summary(result: RunResult) -> str:
    """A run that went well, on one line."""
    if result.outcome is not Outcome.COMMITTED:
        return result.message or f"{result.outcome}: {result.total} rows"
    counts = f"+{result.inserted} ~{result.updated} -{result.deleted}, {result.total} rows"
    more = "; changes go on: the next run begins at once" if result.rc == run_result.KEEP_WORKING else ""
    return f"batch {result.batch_id} committed: {counts}{more}"
