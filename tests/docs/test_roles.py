"""The page of roles names every role, every database and every table that they are about."""

from pathlib import Path

from datasurface.yellow.engine.init.database_steps import databases
from datasurface.yellow.engine.init.init_plan import DemoSource, InitPlan
from datasurface.yellow.engine.init.role_steps import group_roles, login_roles
from datasurface.yellow.engine.roles import Roles
from datasurface.yellow.plan import names

PAGE = Path(__file__).parents[2] / "docs" / "design" / "roles.md"


def test_the_page_of_roles_is_complete() -> None:
    """A role, database or common control table that `init` makes has its place on the page."""
    plan = InitPlan(roles=Roles(), demo=DemoSource(ddl="", seed=""))
    wanted = {
        *group_roles(plan),
        *(login.role for login in login_roles(plan)),
        *(rights.database for rights in databases(plan)),
        *names.COMMON_TABLES,
    }
    text = PAGE.read_text(encoding="utf-8")

    assert [name for name in sorted(wanted) if f"`{name}`" not in text] == []
