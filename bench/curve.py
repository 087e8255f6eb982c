"""Has the growth curves drawn from the results, where .venv-bench has matplotlib."""

import subprocess
from pathlib import Path
from typing import Final

from bench import peers, statements

#: The picture of the results that are kept in the repository.
KEPT: Final = statements.FOLDER.parent / "docs" / "growth.svg"
_PROGRAM: Final = statements.FOLDER / "picture.py"


def drawn(results: Path, target: Path) -> str:
    """Draw; returns what went wrong, empty if nothing did."""
    if not peers.PYTHON.exists():
        return "there is no .venv-bench: make .venv-bench/locks.stamp"
    command = [str(part) for part in (peers.PYTHON, "-P", _PROGRAM, results, target)]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if outcome.returncode == 0 else (outcome.stderr.strip().splitlines() or ["no output"])[-1]
