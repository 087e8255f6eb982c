"""Who may read a view: what has to be granted and taken so that its workspace may, and no other. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from psycopg2 import sql

from datasurface.yellow.engine import queries
from datasurface.yellow.engine.roles import Roles
from datasurface.yellow.engine.views.view_facts import Grant
from datasurface.yellow.plan.views import ViewPlan

_STATEMENTS: Final = queries.load("views.sql")
_SELECT: Final = "SELECT"
_PUBLIC: Final = sql.SQL("PUBLIC")


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantChanges:
    """What has to change: first everything is taken from the roles in `revoked` (None: PUBLIC), then `given` is."""

    revoked: Sequence[str | None]
    given: Sequence[Grant]

    @property
    def is_empty(self) -> bool:
        """True where the rights are as they should be."""
        return not (self.revoked or self.given)

    def statements(self, view: sql.Identifier) -> list[sql.Composed]:
        """The changes as SQL, to be run by the view's owner."""
        revoking = [_STATEMENTS["revoke_all"].format(view=view, grantee=_role(name)) for name in self.revoked]
        return revoking + [
            _STATEMENTS["grant_on_view_with_option" if grant.is_grantable else "grant_on_view"].format(
                view=view, privilege=sql.SQL(grant.privilege), grantee=_role(grant.grantee)
            )
            for grant in self.given
        ]


def wanted(plan: ViewPlan, roles: Roles) -> tuple[Grant, ...]:
    """The rights that the plan asks for: the workspace's reader and, if it has a database of its own, the link's."""
    names = [roles.reader(plan.workspace), *([roles.link] if plan.consumer_database else [])]
    return tuple(Grant(grantee=name, privilege=_SELECT, is_grantable=False) for name in names)


def changes(plan: ViewPlan, present: Sequence[Grant], roles: Roles, readers: frozenset[str]) -> GrantChanges:
    """How the `present` rights become the wanted ones; `readers` are all workspaces' roles.

    What an administrator granted to a role that is none of ours stays.
    """
    right = wanted(plan, roles)
    ruled = [grant for grant in present if _is_ruled(grant, right, roles, readers)]
    wrong = {grant.grantee for grant in ruled if grant not in right}
    given = [grant for grant in right if grant not in present or grant.grantee in wrong]
    return GrantChanges(revoked=sorted(wrong, key=str), given=given)


def after_drop(plan: ViewPlan, before: Sequence[Grant], roles: Roles, readers: frozenset[str]) -> GrantChanges:
    """The rights of a view that was dropped and made again: the wanted ones, and what an administrator had granted."""
    right = wanted(plan, roles)
    kept = [grant for grant in before if not _is_ruled(grant, right, roles, readers)]
    return GrantChanges(revoked=(), given=[*right, *kept])


def _is_ruled(grant: Grant, right: Sequence[Grant], roles: Roles, readers: frozenset[str]) -> bool:
    """Whether the model alone decides what the grantee may: a workspace's reader, the link, or everybody."""
    ours = {None, roles.link, *(each.grantee for each in right)}
    return grant.grantee in ours or grant.grantee in readers


def _role(name: str | None) -> sql.Composable:
    return _PUBLIC if name is None else sql.Identifier(name)
