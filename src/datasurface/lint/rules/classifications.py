"""Classifications: production data says how sensitive it is."""

from collections.abc import Iterator

from datasurface.lint.context import LintContext
from datasurface.lint.rule import Problem, rule
from datasurface.model.datastores import ProductionStatus


@rule("DS511")
def classified_column(context: LintContext) -> Iterator[Problem]:
    """Every column of a production store is classified, by itself or with its dataset."""
    for path, store, dataset in context.ecosystem.datasets():
        if store.production_status is not ProductionStatus.PRODUCTION or dataset.classifications:
            continue
        for column in dataset.schema.columns:
            if not column.classifications:
                yield Problem(
                    f"{path}/{column.name}",
                    "the column of a production store has no classification",
                    "add classifications=[SimpleClassification(ClassificationType…)] to the column or its dataset",
                )
