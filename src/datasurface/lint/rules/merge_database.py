"""What the merge database has to say about a model when it is applied; the engine makes the findings."""

from typing import Final

from datasurface.lint.rule import declare

TYPES: Final = declare("DS401", "stored-types", "What a column stores holds every declared value, or can be widened.")
OCCUPIED: Final = declare("DS402", "occupied-names", "Nothing of somebody else's has the name of a table or view.")
HISTORY: Final = declare("DS403", "stored-history", "A table was kept by the milestone strategy that it shall have.")
DEPENDENTS: Final = declare("DS404", "dependents", "Nothing of somebody else's depends on what has to be made anew.")
INSTALLATION: Final = declare("DS405", "installation", "The installation has the roles and functions of a merge.")
SIZE: Final = declare("DS406", "merge-size", "A merge needs no more locks than the server has.")
FAILED: Final = declare("DS407", "merge-failed", "The databases take every step of a merge.")
BUSY: Final = declare("DS408", "busy", "What has to change is let go of in time.")
NOT_JUDGED: Final = declare("DS905", "not-judged", "The origin of a change is known, so that its authority is judged.")
