"""What the release may do in the cluster, and who may talk to whom."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.chart.cells import CELLS
from tests.chart.rendering import CHART, Object, Pod, Rendering, program, render, run_helm, title

#: All that Airflow's account may do.
AIRFLOW_RULES = {
    ("pods", "create"),
    ("pods", "get"),
    ("pods", "list"),
    ("pods", "patch"),
    ("pods", "delete"),
    ("pods/log", "get"),
}
SELECTED = {"app.kubernetes.io/name": "datasurface", "app.kubernetes.io/instance": "datasurface"}


def _rules(rendered: Rendering) -> Iterator[tuple[str, str]]:
    for role in rendered.of_kind("Role", "ClusterRole"):
        for rule in role["rules"]:
            assert rule["apiGroups"] == [""], title(role)
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    yield resource, verb


@pytest.mark.row("K05")
def test_airflow_may_handle_pods_and_nothing_else(rendered: Rendering) -> None:
    """The smallest role with which the operator works, bound to one account of the namespace."""
    assert set(_rules(rendered)) == AIRFLOW_RULES
    (binding,) = rendered.of_kind("RoleBinding")
    (subject,) = binding["subjects"]
    (role,) = rendered.of_kind("Role")
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert f"ServiceAccount/{subject['name']}" in rendered.names()
    assert subject["namespace"] == role["metadata"]["namespace"]


@pytest.mark.row("K05", kind="refusal")
def test_no_right_reaches_further(rendered: Rendering) -> None:
    """No wildcard, no exec, no secrets, nothing of the whole cluster."""
    granted = [part for rule in _rules(rendered) for part in rule]
    assert "*" not in granted
    assert not {"secrets", "pods/exec", "pods/attach", "pods/portforward", "pods/ephemeralcontainers"} & set(granted)
    assert rendered.of_kind("ClusterRole", "ClusterRoleBinding") == []


def test_pods_run_as_accounts_of_the_release_or_without_any_right(rendered: Rendering) -> None:
    """Airflow alone has an account with rights; nobody borrows it."""
    (binding,) = rendered.of_kind("RoleBinding")
    with_rights = binding["subjects"][0]["name"]
    holders = {
        pod.labels["app.kubernetes.io/component"]
        for pod in rendered.pods()
        if pod.spec.get("serviceAccountName") == with_rights
    }

    assert holders == {"airflow"}


def test_the_admission_policy_names_no_parameter_of_a_built_in_type(rendered: Rendering) -> None:
    """After a reinstallation its informer would never come back, and every job pod be refused."""
    for policy in rendered.of_kind("ValidatingAdmissionPolicy"):
        assert "paramKind" not in policy["spec"]
        assert policy["spec"]["failurePolicy"] == "Fail"
        (binding,) = rendered.of_kind("ValidatingAdmissionPolicyBinding")
        assert binding["spec"]["policyName"] == policy["metadata"]["name"]
        assert binding["spec"]["validationActions"] == ["Deny"]


@pytest.mark.row("K05", kind="refusal")
def test_no_job_but_the_reconciliation_may_have_the_login_of_the_model_merge(rendered: Rendering) -> None:
    """Of the Secrets that the policy lets job pods mount, it alone changes tables and views."""
    merges = [
        volume["secret"]["secretName"]
        for pod in rendered.pods()
        if pod.labels["app.kubernetes.io/component"] == "model-sync"
        for volume in pod.spec["volumes"]
        if volume["name"] == "credential-ds-merge"
    ]
    for policy in rendered.of_kind("ValidatingAdmissionPolicy"):
        (secrets,) = [each["expression"] for each in policy["spec"]["variables"] if each["name"] == "secrets"]
        condition, of_one, of_others = re.split(r" [?:] ", secrets)
        assert condition == "variables.reconciles"
        assert [of_one] == [f"['{merge}']" for merge in merges]
        assert not any(f"'{merge}'" in of_others for merge in merges)


def _selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """Whether the selector of a policy finds a pod with these labels."""
    matches = selector.get("matchLabels", {}).items() <= dict(labels).items()
    for term in selector.get("matchExpressions", []):
        among = labels.get(term["key"]) in term["values"]
        matches = matches and (among if term["operator"] == "In" else not among)
    return matches


def _policies(rendered: Rendering, pod: Pod, direction: str) -> list[Object]:
    return [
        policy
        for policy in rendered.of_kind("NetworkPolicy")
        if _selects(policy["spec"]["podSelector"], dict(pod.labels)) and direction in policy["spec"]["policyTypes"]
    ]


def _with_policies() -> list[str]:
    return sorted(name for name, cell in CELLS.items() if cell.values.get("networkPolicy", {}).get("enabled", True))


@pytest.mark.parametrize("cell", _with_policies())
def test_every_pod_is_closed_in_both_directions(cell: str) -> None:
    """Each pod is found by a policy of either direction, by the release's labels, and so is each job pod."""
    rendered = CELLS[cell].render()
    job_labels = {
        "app.kubernetes.io/name": "datasurface",
        "app.kubernetes.io/instance": CELLS[cell].release,
        "app.kubernetes.io/component": "job",
    }
    for pod in [*rendered.pods(), Pod("job", "Pod", job_labels, {})]:
        for direction in ("Ingress", "Egress"):
            assert _policies(rendered, pod, direction), (pod.owner, direction)


def _allowed(rendered: Rendering, source: str, target: str) -> bool:
    """Whether policies let pods of one component reach pods of another."""
    pods = {each: Pod(each, "Pod", {**SELECTED, "app.kubernetes.io/component": each}, {}) for each in (source, target)}

    def names(policies: list[Object], direction: str, peers: str, other: Pod) -> bool:
        for policy in policies:
            for rule in policy["spec"].get(direction, []):
                if peers not in rule:
                    return True
                if any(
                    _selects(peer["podSelector"], dict(other.labels))
                    for peer in rule[peers]
                    if "podSelector" in peer and "namespaceSelector" not in peer
                ):
                    return True
        return False

    return names(_policies(rendered, pods[source], "Egress"), "egress", "to", pods[target]) and names(
        _policies(rendered, pods[target], "Ingress"), "ingress", "from", pods[source]
    )


#: Every path that the platform needs; whatever is not here has to be closed.
PATHS = {
    ("init", "postgres"),
    ("airflow", "postgres"),
    ("airflow-migrate", "postgres"),
    ("model-sync", "postgres"),
    ("job", "postgres"),
    ("simulator", "postgres"),
    ("views", "postgres"),
    ("test", "postgres"),
    ("test", "airflow"),
    ("model-sync", "model-repo"),
    ("model-sync", "model-loader"),
    ("model-repo", "model-loader"),
}
PEERS = sorted({each for path in PATHS for each in path})


@pytest.mark.parametrize("source", PEERS)
def test_only_the_paths_that_are_needed_are_open(source: str) -> None:
    """Of all pairs of components just the listed ones may talk."""
    rendered = CELLS["default"].render()

    open_paths = {(source, target) for target in PEERS if target != source and _allowed(rendered, source, target)}

    assert open_paths == {path for path in PATHS if path[0] == source}


def test_the_loader_reaches_nothing(rendered: Rendering) -> None:
    """Where eco.py runs, no policy lets anything out, not even the question for a name."""
    for pod in rendered.pods():
        if pod.labels["app.kubernetes.io/component"] == "model-loader":
            outgoing = [
                rule for policy in _policies(rendered, pod, "Egress") for rule in policy["spec"].get("egress", [])
            ]
            assert outgoing == []
            assert not any("secret" in volume or "configMap" in volume for volume in pod.spec.get("volumes", []))


def _sources(rendered: Rendering, component: str) -> list[tuple[dict[str, Any], list[int]]]:
    """Who may open connections to a component besides the release itself, and to which ports."""
    target = Pod(component, "Pod", {**SELECTED, "app.kubernetes.io/component": component}, {})
    return [
        (peer, [port["port"] for port in rule["ports"]])
        for policy in _policies(rendered, target, "Ingress")
        for rule in policy["spec"].get("ingress", [])
        for peer in rule["from"]
        if not peer.get("podSelector", {}).get("matchLabels", {}).items() >= SELECTED.items()
    ]


def test_readers_elsewhere_reach_their_views_and_nothing_else() -> None:
    """Whoever values name may ask PostgreSQL; nobody from outside may unless values name him."""
    readers = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "reports"}}}]
    opened = render({"networkPolicy": {"readersFrom": readers}})

    assert _sources(opened, "postgres") == [(readers[0], [5432])]
    for component in ("airflow", "model-repo", "model-loader", "job"):
        assert _sources(opened, component) == []
    assert _sources(CELLS["default"].render(), "postgres") == []


NOTE = "Airflow may reach any address on the ports 443 and 6443"


@pytest.mark.parametrize(
    ("setting", "is_told"),
    [
        ("networkPolicy.enabled=true", True),
        ("networkPolicy.apiServer.cidrs={10.0.0.1/32}", False),
        ("networkPolicy.enabled=false", False),
    ],
)
def test_a_way_to_any_address_is_told(setting: str, is_told: bool) -> None:
    """Where no cluster tells the API server's address, the notes say that the way is open, and how to close it."""
    arguments = ("install", "datasurface", str(CHART), "--dry-run=client", "--set", setting)
    text = run_helm(program(), *arguments)
    notes = text.split("\nNOTES:\n")[1]

    assert ("0.0.0.0/0" in text.split("\nNOTES:\n")[0]) is is_told
    assert (NOTE in notes) is is_told
    assert ("networkPolicy.apiServer.cidrs" in notes) is is_told
