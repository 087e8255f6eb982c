"""Loading: what keeps eco.py from giving an ecosystem. The loader makes these findings."""

from typing import Final

from datasurface.lint.rule import declare

TREE: Final = declare("DS001", "model-tree", "The model is a directory of files that can be copied, with an eco.py.")
RAISES: Final = declare("DS002", "model-runs", "eco.py runs without an exception.")
FUNCTION: Final = declare("DS003", "model-function", "create_ecosystem() is defined and returns an Ecosystem.")
LIMITS: Final = declare("DS004", "model-limits", "eco.py stays within its limits of time, memory and output.")
ENDED: Final = declare("DS005", "model-ends", "eco.py returns: it neither exits nor is killed.")
ANSWER: Final = declare("DS006", "model-answer", "What eco.py leaves on the loader's pipe is the loader's own answer.")
