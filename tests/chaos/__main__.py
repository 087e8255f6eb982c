"""`python -m tests.chaos --faults 1000`: faults strike running jobs on real servers; nothing may be lost or doubled.

Prints which fault struck how often at which point and writes the same to build/chaos.json. Exit status 1 if anything
was lost, doubled, half-applied or needed a hand, or if the faults could not be made.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from tests.chaos import campaign
from tests.chaos.servers import clock_library

_RESULTS = Path(__file__).parents[2] / "build" / "chaos.json"


@click.command()
@click.option("--faults", type=click.IntRange(min=1), default=1000, show_default=True)
@click.option("--seed", type=int, default=None, help="Chooses faults, points and changes; default: from the clock.")
@click.option("--minutes", type=float, default=60, show_default=True, help="Give up after so long.")
@click.option("--results", type=click.Path(path_type=Path), default=_RESULTS, help="Where the JSON goes.")
def main(faults: int, seed: int | None, minutes: float, results: Path) -> None:
    """Strike so many faults at jobs that are inside a batch, and check everything after every few."""
    seed = time.time_ns() % 1_000_000 if seed is None else seed
    has_disks = os.environ.get("CHAOS_HAS_DISKS") == "1"
    click.echo(f"{faults} faults, seed {seed}")
    if not has_disks:
        click.echo("no full disks: this process may not mount a file system of its own")
    if clock_library() is None:
        click.echo("no turned clocks: libfaketime is not installed")
    directory = Path(tempfile.mkdtemp(prefix="datasurface-chaos-"))
    began = time.monotonic()
    try:
        with campaign.prepared(directory=directory, seed=seed, has_disks=has_disks, announce=click.echo) as running:
            running.run(faults, until=began + minutes * 60)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    seconds = time.monotonic() - began
    counted, violations = running.histogram.counted, running.violations
    click.echo("\n".join(running.histogram.lines()))
    click.echo(
        f"\n{counted} faults counted in {seconds:.0f} s ({seconds / max(1, counted):.2f} s each), {running.runs} runs, "
        f"{running.batches} batches, {running.checks} checks, {running.audits} audits: {len(violations)} violations"
    )
    results.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "v": 1, "seed": seed, "seconds": round(seconds, 1), "runs": running.runs, "batches": running.batches,
        "checks": running.checks, "audits": running.audits, "reader_looks": running.reader.looks,
        "disks": has_disks, "clock": clock_library() is not None, "violations": violations,
        **running.histogram.document(),
    }  # fmt: skip
    results.write_text(json.dumps(document, indent=1) + "\n")
    sys.exit(1 if violations or counted < faults else 0)


def in_own_file_systems() -> None:
    """Go on in a mount namespace of our own, where the kernel lets us: mounts go with the process."""
    if "CHAOS_HAS_DISKS" in os.environ:
        return
    unshare = shutil.which("unshare")
    may_mount = unshare is not None and os.geteuid() == 0
    if may_mount:
        trial = "d=$(mktemp -d) && mount -t tmpfs -o size=1m chaos $d && umount $d && rmdir $d"
        tried = subprocess.run([str(unshare), "-m", "sh", "-c", trial], check=False, capture_output=True)
        may_mount = tried.returncode == 0
    os.environ["CHAOS_HAS_DISKS"] = "1" if may_mount else "0"
    if may_mount:
        os.execv(str(unshare), ["unshare", "-m", sys.executable, "-m", "tests.chaos", *sys.argv[1:]])


if __name__ == "__main__":
    in_own_file_systems()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)  # a background process would ignore SIGINT
    main()
