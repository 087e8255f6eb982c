"""How much memory a model gets in a container."""

import pytest

from datasurface.loader import DEFAULT
from datasurface.runtime.model_service.loader_service import service_limits

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("text", "memory_bytes"),
    [
        (f"{512 * MIB}\n", 416 * MIB),
        (f"{64 * MIB}\n", 128 * MIB),
        ("max\n", DEFAULT.memory_bytes),
        ("9223372036854771712\n", DEFAULT.memory_bytes),
    ],
)
def test_a_model_gets_what_the_container_has_beside_the_service(tmp_path, text, memory_bytes):
    """So that too much is a finding and not the end of the service."""
    (tmp_path / "limit").write_text(text)

    assert service_limits([tmp_path / "missing", tmp_path / "limit"]).memory_bytes == memory_bytes


def test_without_a_container_the_limits_are_those_of_a_shell(tmp_path):
    """But for the number of processes."""
    assert service_limits([tmp_path / "missing"]).memory_bytes == DEFAULT.memory_bytes
