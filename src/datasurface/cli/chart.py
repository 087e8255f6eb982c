"""`datasurface chart schema|values|package`: the part that a model takes in the chart."""

import re
from pathlib import Path
from typing import Final

import click

from datasurface.chart.package import SiteChart, chart_source, part_of, write_chart
from datasurface.chart.schema import chart_schema, schema_text
from datasurface.chart.site_values import site_values
from datasurface.chart.texts import render_site_values
from datasurface.cli.plan import refuse_findings
from datasurface.errors import ModelError
from datasurface.loader import LoadedModel, load

#: What Helm takes for a version, in short: three numbers and whatever follows them.
VERSION: Final = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}([-+][0-9A-Za-z.+-]+)?")

model_option = click.option(
    "--model", required=True, type=click.Path(path_type=Path), help="Directory of the model, with its eco.py."
)
strict_option = click.option(
    "--strict",
    is_flag=True,
    help="Refuse every name that this model does not have. Without it the schema lets it through.",
)


@click.command("schema")
@model_option
@strict_option
def schema(model: Path, strict: bool) -> None:
    """Print values.schema.json with the names that the model has: containers, credentials, streams, workspaces."""
    click.echo(schema_text(chart_schema(part_of(_clean(model)), strict=strict)), nl=False)


@click.command("values")
@model_option
def values(model: Path) -> None:
    """Print what the model makes a site set, as a file for `helm install --values`."""
    part = part_of(_clean(model))
    click.echo(render_site_values(part, site_values(part)), nl=False)


@click.command("package")
@model_option
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="Directory to make, or archive if the name ends in .tgz; neither may exist yet.",
)
@click.option("--version", help="Version of the chart that is made. Default: that of the chart it is made of.")
@click.option(
    "--chart", type=click.Path(path_type=Path), help="The chart to make it of. Default: the one of this version."
)
@strict_option
def package(model: Path, output: Path, version: str | None, chart: Path | None, strict: bool) -> None:
    """Make a chart of a site's own: its schema and defaults know the model, and its repository begins with it."""
    if version is not None and not VERSION.fullmatch(version):
        raise ModelError(f"{version!r} is no version of a chart", fix="give three numbers, such as --version 1.2.0")
    write_chart(SiteChart(model=_clean(model), strict=strict, version=version), chart or chart_source(), output)
    click.echo(f"{output}: next, helm install datasurface {output}")


def _clean(model: Path) -> LoadedModel:
    """The model, if lint finds nothing to change in it."""
    loaded = load(model)
    refuse_findings(loaded, model)
    return loaded
