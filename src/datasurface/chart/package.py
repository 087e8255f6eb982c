"""The files of a chart that depend on values and model, and a chart of a site's own.

A site's chart is the chart itself with another schema, other defaults and the site's model as the seed of the embedded
repository; templates are the same for all.
"""

import gzip
import io
import re
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from datasurface.chart.model_part import ModelPart, model_part
from datasurface.chart.parameters import chart_parameters
from datasurface.chart.schema import chart_schema, schema_text
from datasurface.chart.site_values import site_values
from datasurface.chart.texts import render
from datasurface.chart.values.chart_values import ChartValues
from datasurface.errors import ModelError
from datasurface.loader import DEFAULT, LoadedModel, tree
from datasurface.yellow.plan.ecosystem_plan import plan_ecosystem

#: Where the model lies in a chart, from where the embedded repository is seeded.
SEED: Final = Path("files/model")
#: A ConfigMap holds 1 MiB, and names of files and its own fields count.
SEED_BYTES: Final = 900 * 1024
#: Where the chart is: in an installed package, else in the repository that this package is run from.
SOURCES: Final = (Path(__file__).parent / "datasurface", Path(__file__).parents[3] / "charts" / "datasurface")


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteChart:
    """What makes a chart a site's own. `version` None: that of the chart itself."""

    model: LoadedModel
    strict: bool = False
    version: str | None = None


def part_of(model: LoadedModel) -> ModelPart:
    """What the model gives to the values."""
    return model_part(model.ecosystem, plan_ecosystem(model.ecosystem, model.mapping))


def generated_files(model: LoadedModel, values: ChartValues, *, strict: bool = False) -> dict[Path, bytes]:
    """The generated files of a chart by their paths in it; of a model that is no larger than a seed may be."""
    parameters = chart_parameters(values)
    texts = {
        Path("values.yaml"): render("values.yaml.j2", parameters),
        Path("values.schema.json"): schema_text(chart_schema(part_of(model), strict=strict)),
        Path("README.md"): render("README.md.j2", parameters),
    }
    return {**{path: text.encode() for path, text in texts.items()}, **_seed(model.root)}


def write_chart(site: SiteChart, source: Path, target: Path) -> None:
    """Write the site's chart into `target`: a new directory, or an archive where the name ends in .tgz.

    Raises ModelError where the target exists already or the source is no chart.
    """
    if target.exists():
        raise ModelError(f"{target} exists already", fix="remove it, or choose another --output")
    files = dict(_site_files(site, source))
    if target.suffix == ".tgz":
        _write_archive(files, target)
        return
    for path, content in files.items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_bytes(content)


def chart_source() -> Path:
    """Where the chart itself is. Raises ModelError where this package came without it."""
    for source in SOURCES:
        if (source / "Chart.yaml").is_file():
            return source
    raise ModelError("this installation of datasurface came without its chart", fix="name one by --chart")


def _site_files(site: SiteChart, source: Path) -> Iterator[tuple[Path, bytes]]:
    if not (source / "Chart.yaml").is_file():
        raise ModelError(f"{source} is no chart: it has no Chart.yaml", fix="name the directory of a chart by --chart")
    generated = generated_files(site.model, site_values(part_of(site.model)), strict=site.strict)
    own = (path.relative_to(source) for path in sorted(source.rglob("*")) if path.is_file())
    for path in own:
        if path in generated or path.is_relative_to(SEED) or path.parts[0] == "ci":
            continue
        content = (source / path).read_bytes()
        yield path, _versioned(content, site.version) if path == Path("Chart.yaml") else content
    yield from generated.items()


def _versioned(chart: bytes, version: str | None) -> bytes:
    """Chart.yaml with another version of the chart; that of the images stays."""
    if version is None:
        return chart
    return re.sub(rb"(?m)^version:.*$", f"version: {version}".encode(), chart, count=1)


def _seed(model: Path) -> dict[Path, bytes]:
    with tempfile.TemporaryDirectory(prefix="datasurface-seed-") as private:
        copy = Path(private, "model")
        tree.copy_tree(model, copy, DEFAULT)
        files = {path.relative_to(copy): path.read_bytes() for path in sorted(copy.rglob("*")) if path.is_file()}
    size = sum(len(content) for content in files.values())
    if size > SEED_BYTES:
        raise ModelError(
            f"the model has {size} bytes, more than the {SEED_BYTES} that a chart can bring along",
            fix="keep the model in a git repository of your own and set modelSync.git.url",
        )
    return {SEED / path: content for path, content in files.items()}


def _write_archive(files: dict[Path, bytes], target: Path) -> None:
    """An archive as Helm makes them, the same for the same files."""
    target.parent.mkdir(parents=True, exist_ok=True)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, content in sorted(files.items()):
            entry = tarfile.TarInfo(f"datasurface/{path}")
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    target.write_bytes(gzip.compress(packed.getvalue(), mtime=0))
