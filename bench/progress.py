"""What is being measured now: one line that changes on a terminal, a line each elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from bench.options import Announce


@contextmanager
def shown() -> Iterator[Announce]:
    """Yields what `rounds` and the experiments tell their steps to."""
    console = Console(stderr=True, highlight=False)
    began = time.monotonic()

    def stamped(text: str) -> str:
        minutes, seconds = divmod(int(time.monotonic() - began), 60)
        return f"{minutes:3}:{seconds:02} {text}"

    if not console.is_terminal:
        yield lambda text: console.print(stamped(text), markup=False)
        return
    with console.status(stamped("building the data")) as status:
        yield lambda text: status.update(stamped(text))
