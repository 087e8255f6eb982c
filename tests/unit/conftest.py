"""What the unit tests share: how hypothesis behaves on a busy machine."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# A busy machine is no finding: nothing here is about how long a single example takes.
settings.register_profile("unit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unit")
