"""Physical names that would collide. The plan decides the names, compares them and makes these findings."""

from typing import Final

from datasurface.lint.rule import declare

TABLES: Final = declare("DS801", "table-names", "No two datasets have tables of the same physical name.")
VIEWS: Final = declare("DS802", "view-names", "No two views have the same physical name.")
STREAMS: Final = declare("DS803", "stream-names", "No two streams have the same key or DAG id.")
PLATFORMS: Final = declare("DS804", "platform-names", "No two platforms have the same Kubernetes-safe name.")
READERS: Final = declare("DS805", "reader-names", "No two workspaces read through the same database role.")
HISTORY: Final = declare("DS806", "history-columns", "No column is named like one that a history view adds.")
ROLES: Final = declare("DS807", "reserved-roles", "No role of a model is PostgreSQL's or the installation's own.")
