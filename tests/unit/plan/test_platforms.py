"""Platforms: what each needs of its own in the merge database."""

from __future__ import annotations

from dataclasses import replace

import pytest

from datasurface.yellow.plan.platforms import control_tables
from tests.unit.plan.landscapes import FORENSIC, LIVE, YELLOW_FORENSIC, YELLOW_LIVE, ecosystem, plan


@pytest.mark.row("D07", "M08")
def test_a_platform_has_both_of_its_names_and_tables_of_its_own() -> None:
    """The model's name, the Kubernetes-safe one, strategy and control tables of each platform."""
    forensic, live = plan().platforms

    assert (live.platform, live.platform_name, live.strategy) == ("YellowLive", "yellowlive", LIVE)
    assert (forensic.platform, forensic.platform_name, forensic.strategy) == (
        "YellowForensic",
        "yellowforensic",
        FORENSIC,
    )
    assert live.control.airflow_dsg == "yellowlive_airflow_dsg"
    assert live.control == control_tables("YellowLive") == control_tables("yellowlive")


@pytest.mark.row("D14")
def test_a_host_is_never_made_a_kubernetes_name() -> None:
    """Whatever stands in an address, the plan repeats it letter by letter."""
    container = replace(YELLOW_LIVE.merge_container, host="PG_Data.ns_1.svc.cluster.local")
    model = ecosystem(platforms=[replace(YELLOW_LIVE, merge_container=container)])

    (platform,) = plan(model).platforms

    assert (platform.merge_host, platform.merge_port) == ("PG_Data.ns_1.svc.cluster.local", 5432)


def test_what_is_kept_after_an_end_is_the_platforms_own_choice() -> None:
    """The retention of each platform is in its plan, and when it is looked after."""
    model = ecosystem(platforms=[replace(YELLOW_LIVE, retention_days=0), YELLOW_FORENSIC])

    assert {p.platform: p.retention_days for p in plan(model).platforms} == {"YellowLive": 0, "YellowForensic": 30}
    assert {p.infrastructure_schedule for p in plan(model).platforms} == {"@daily"}


def test_an_unused_platform_is_planned() -> None:
    """A platform without an assignment has its control tables, so that its first stream finds them."""
    model = ecosystem(platforms=[YELLOW_LIVE, replace(YELLOW_LIVE, name="Spare")])

    assert [platform.platform for platform in plan(model).platforms] == ["Spare", "YellowLive"]
