"""All steps of an initialisation, in order: the one list that is run and that is printed."""

from collections.abc import Sequence

from datasurface.yellow.engine.init.database_steps import database_steps
from datasurface.yellow.engine.init.demo_steps import demo_steps
from datasurface.yellow.engine.init.init_plan import InitPlan
from datasurface.yellow.engine.init.link_steps import link_steps
from datasurface.yellow.engine.init.reader_steps import reader_steps
from datasurface.yellow.engine.init.role_steps import role_steps
from datasurface.yellow.engine.init.step import Check, Step
from datasurface.yellow.engine.init.table_steps import table_steps


def all_steps(plan: InitPlan) -> Sequence[Step | Check]:
    """Roles, databases, control tables, readers, the link, the demo source; each relies only on those before it."""
    return (
        *role_steps(plan),
        *database_steps(plan),
        *table_steps(plan),
        *reader_steps(plan),
        *link_steps(plan),
        *demo_steps(plan),
    )
