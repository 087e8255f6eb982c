"""Models in a temporary directory."""

from __future__ import annotations

import json
import textwrap

import pytest

from datasurface.loader import Limits, ModelNotLoaded, load

#: Enough for a small model on a busy machine, little enough for a test of what does not end.
SMALL = Limits(wall_seconds=20, cpu_seconds=10, memory_bytes=512 * 1024 * 1024)

RIGHT = """
from datasurface.dsl import *

def create_ecosystem():
    return Ecosystem(name="Test", owning_repo=GitRepository("owner/model"))
"""


@pytest.fixture
def model_of(tmp_path):
    """Give a function that writes a model's directory: eco.py, its mapping and further files."""

    def write(source=RIGHT, mapping="[]", **files):
        root = tmp_path / "model"
        root.mkdir(exist_ok=True)
        (root / "eco.py").write_text(textwrap.dedent(source))
        if mapping is not None:
            (root / "dsg_platform_mapping.json").write_text(
                mapping if isinstance(mapping, str) else json.dumps(mapping, indent=2)
            )
        for name, content in files.items():
            (root / f"{name}.py").write_text(textwrap.dedent(content))
        return root

    return write


@pytest.fixture
def finding_of(model_of):
    """Give a function that loads a model which must not load, and returns the finding."""

    def refused(source, limits=SMALL, **files):
        with pytest.raises(ModelNotLoaded) as refusal:
            load(model_of(source, **files), limits=limits)
        assert "Traceback" not in str(refusal.value)
        return refusal.value.finding

    return refused
