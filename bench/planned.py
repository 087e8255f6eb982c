"""Loads, lints and plans a model as a merge does before it opens a database: `python -m bench.planned DIRECTORY`."""

import sys
from pathlib import Path

from datasurface import loader
from datasurface.lint.check import check
from datasurface.yellow.plan import findings
from datasurface.yellow.plan.ecosystem_plan import plan_ecosystem


def main(directory: Path) -> int:
    """How many streams the plan has, on stdout; 1 where lint finds something."""
    loaded = loader.load(directory)
    report = check(loaded.ecosystem, loaded.mapping, loaded.mapping_findings)
    found = [*report.errors, *findings.findings(loaded.ecosystem, loaded.mapping)]
    plan = plan_ecosystem(loaded.ecosystem, loaded.mapping)
    print(len(plan.streams))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
