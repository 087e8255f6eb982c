"""`make chart-lint`: runs every gate, prints a line for each, and fails if one finds something."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.chart_lint.exceptions import findings, judged, read_exceptions
from tools.chart_lint.programs import ENVIRONMENT_PROGRAMS, find_program, schema_package
from tools.chart_lint.renderings import CHART, value_files, write_renderings
from tools.chart_lint.schemas import LOCATION, VERSIONS, write_schemas
from tools.cluster.helm import find_helm, find_helm3
from tools.cluster.programs import ProgramFailed, Unready, output_of

CHECKOV_SECONDS: Final = 300


class NotShown(Exception):
    """A gate could not be tried here; the message says why."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What the gates work with: a folder of their own, helm, and the renderings."""

    folder: Path
    helm: Path
    renderings: tuple[Path, ...]


def helm_lint(bench: Bench) -> str:
    """Helm's own linter, strict, of Helm 4 and of Helm 3."""
    helms = [bench.helm, find_helm3().program]
    for helm in helms:
        for arguments in value_files().values():
            output_of([helm, "lint", "--strict", "--quiet", CHART, *arguments])
    versions = [output_of([helm, "version", "--template", "{{.Version}}"]) for helm in helms]
    return f"{len(value_files())} sets of values, by {' and '.join(versions)}"


def ct_lint(bench: Bench) -> str:
    """chart-testing, on every set of values of the folder ci."""
    ct = _program("ct", bench)
    with _on_path(bench.helm.parent.resolve(), ENVIRONMENT_PROGRAMS.resolve()):
        output_of([ct, "lint", "--config", "ct.yaml", "--charts", CHART])
    return f"{len(value_files()) - 1} sets of values"


def yaml_lint(_bench: Bench) -> str:
    """yamllint on what people read and edit."""
    files = [CHART / "Chart.yaml", CHART / "values.yaml", *sorted((CHART / "ci").glob("*.yaml"))]
    output_of([ENVIRONMENT_PROGRAMS / "yamllint", "--strict", "-c", "charts/yamllint.yaml", *files])
    return f"{len(files)} files"


def kubeconform(bench: Bench) -> str:
    """Every rendering against the schemas of several versions of Kubernetes, strictly."""
    program = _program("kubeconform", bench)
    schemas = bench.folder / "schemas"
    write_schemas(schema_package(), schemas)
    location = f"{schemas}/{LOCATION}"
    for version in VERSIONS:
        options = ["-strict", "-kubernetes-version", version, "-schema-location", location]
        output_of([program, *options, *bench.renderings])
    return f"{len(bench.renderings)} renderings, Kubernetes {', '.join(VERSIONS)}"


def checkov(bench: Bench) -> str:
    """checkov on every rendering; what it may find stands with a reason in a file."""
    files = [option for path in bench.renderings for option in ("-f", str(path))]
    options = ["--framework", "kubernetes", "--quiet", "--compact", "--skip-download", "--soft-fail", "-o", "json"]
    text = output_of([ENVIRONMENT_PROGRAMS / "checkov", *files, *options], timeout_seconds=CHECKOV_SECONDS)
    report, excepted = json.loads(text), read_exceptions()
    problems = judged(findings(report), excepted)
    if report["summary"]["parsing_errors"]:
        problems.append(f"{report['summary']['parsing_errors']} files could not be read")
    if problems:
        raise ProgramFailed("\n".join(problems), fix=f"mend it, or except it in {CHART.parent}")
    return f"{report['summary']['passed']} checks passed, 0 findings beyond {len(excepted)} exceptions"


GATES: Final[dict[str, Callable[[Bench], str]]] = {
    "helm lint --strict": helm_lint,
    "ct lint": ct_lint,
    "yamllint": yaml_lint,
    "kubeconform": kubeconform,
    "checkov": checkov,
}


def _program(name: str, bench: Bench) -> Path:
    found = find_program(name, bench.folder / "tools")
    if found is None:
        raise NotShown(f"there is no {name} on PATH, nor where CHART_TOOLS says")
    return found


@contextmanager
def _on_path(*folders: Path) -> Iterator[None]:
    """With these folders first on PATH: ct calls helm, yamllint and yamale by their names."""
    before = os.environ["PATH"]
    os.environ["PATH"] = os.pathsep.join([*(str(folder) for folder in folders), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


def main() -> int:
    """Run all gates, whatever the others say; exit status 1 if one finds something."""
    failed = False
    with tempfile.TemporaryDirectory(prefix="chart-lint-") as name:
        folder = Path(name)
        helm = find_helm().program
        bench = Bench(folder, helm, tuple(write_renderings(helm, folder)))
        for title, gate in GATES.items():
            try:
                print(f"  {title:<20} {gate(bench)}", flush=True)
            except NotShown as reason:
                print(f"  {title:<20} not shown: {reason}", flush=True)
            except Unready as problem:
                failed = True
                print(f"  {title:<20} FAILED\n{problem.what}\n{problem.fix}", file=sys.stderr, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
