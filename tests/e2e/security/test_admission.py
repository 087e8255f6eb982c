"""Airflow's account can create job pods as the platform makes them, and nothing else: asked as that account."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.harness.cluster import Cluster, CommandFailed
from tests.e2e.harness.installation import Installation
from tests.e2e.harness.job_pods import JobPods
from tests.e2e.harness.release import Release
from tests.e2e.harness.waiting import until

Pod = dict[str, Any]
#: What the API server fills in by itself, as opposed to what Airflow asked for.
FILLED_IN = ("nodeName", "tolerations", "priority", "preemptionPolicy", "serviceAccount")


@pytest.fixture(scope="module")
def account(installation: Installation) -> str:
    """Airflow's service account, as a user name."""
    return f"system:serviceaccount:{installation.namespace}:{installation.release.object_name('airflow')}"


@pytest.fixture(scope="module")
def job(installation: Installation, job_pods: JobPods) -> Pod:
    """A job pod as Airflow made it, under a name of its own."""
    seen = until("a batch job's pod", lambda: next((p for p in job_pods.seen() if p.run_id), None), seconds=120)
    spec = {key: value for key, value in copy.deepcopy(seen.spec).items() if key not in FILLED_IN}
    metadata = {"name": "e2e-job", "namespace": installation.namespace, "labels": dict(seen.labels)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def answer(cluster: Cluster, account: str, pod: Pod) -> str:
    """What the API server says to the account that would create the pod; empty where it agrees."""
    flags = ["-n", pod["metadata"]["namespace"], f"--as={account}", "--dry-run=server", "-f", "-"]
    try:
        cluster.kubectl("create", *flags, stdin=json.dumps(pod))
    except CommandFailed as refusal:
        return str(refusal)
    return ""


def may(cluster: Cluster, account: str, namespace: str, verb: str, resource: str) -> bool:
    """What the account may do, by Kubernetes' own answer."""
    kind, _, part = resource.partition("/")
    flags = ["-n", namespace, f"--as={account}", *([f"--subresource={part}"] if part else [])]
    try:
        return cluster.kubectl("auth", "can-i", verb, kind, *flags).strip() == "yes"
    except CommandFailed:
        return False


def _container(pod: Pod) -> dict[str, Any]:
    container: dict[str, Any] = pod["spec"]["containers"][0]
    return container


def _volume(**source: Any) -> Callable[[Pod, Release], None]:
    def change(pod: Pod, release: Release) -> None:
        named = json.loads(json.dumps(source).replace("FULLNAME", release.fullname))
        pod["spec"]["volumes"].append({"name": "more", **named})

    return change


def _in_spec(**given: Any) -> Callable[[Pod, Release], None]:
    return lambda pod, _: pod["spec"].update(copy.deepcopy(given))


def _in_container(**given: Any) -> Callable[[Pod, Release], None]:
    return lambda pod, _: _container(pod).update(copy.deepcopy(given))


def _init_container(pod: Pod, _: Release) -> None:
    pod["spec"]["initContainers"] = [{**_container(pod), "name": "first", "image": "postgres:17"}]


def _secret_variable(pod: Pod, release: Release) -> None:
    reference = {"name": release.object_name("airflow"), "key": "jwt_secret"}
    _container(pod).setdefault("env", []).append({"name": "A", "valueFrom": {"secretKeyRef": reference}})


def _variable(name: str, value: str) -> Callable[[Pod, Release], None]:
    return lambda pod, _: _container(pod).setdefault("env", []).append({"name": name, "value": value})


def _pod_security(**given: Any) -> Callable[[Pod, Release], None]:
    return lambda pod, _: pod["spec"]["securityContext"].update(copy.deepcopy(given))


def _security(**given: Any) -> Callable[[Pod, Release], None]:
    return lambda pod, _: _container(pod)["securityContext"].update(copy.deepcopy(given))


def _works_as(*arguments: str, secret: str | None = None) -> Callable[[Pod, Release], None]:
    """Another of the platform's commands; `secret` is the one login that its pod has."""

    def change(pod: Pod, release: Release) -> None:
        _container(pod)["args"] = ["datasurface", *arguments]
        for volume in pod["spec"]["volumes"]:
            if secret is not None and "secret" in volume:
                volume["secret"]["secretName"] = release.object_name(secret)

    return change


def _another_container(pod: Pod, _: Release) -> None:
    pod["spec"]["containers"].append({**copy.deepcopy(_container(pod)), "name": "beside"})


def _own_image_first(pod: Pod, _: Release) -> None:
    pod["spec"]["initContainers"] = [{**copy.deepcopy(_container(pod)), "name": "first"}]


def _airflows_account(pod: Pod, release: Release) -> None:
    pod["spec"]["serviceAccountName"] = release.object_name("airflow")


def _writable_root(pod: Pod, _: Release) -> None:
    _container(pod)["securityContext"]["readOnlyRootFilesystem"] = False


PROBE: dict[str, Any] = {"exec": {"command": ["python", "-c", "0"]}}
RECONCILE = ("reconcile-workspace-views", "--platform", "YellowLive")
#: What the platform makes besides batches.
LET_IN: dict[str, Callable[[Pod, Release], None]] = {
    "a batch": lambda pod, _: None,
    "an audit": _works_as("audit", "--platform", "YellowLive", secret="ds-job"),
    "a reconciliation": _works_as(*RECONCILE, secret="ds-merge"),
}
REFUSED: dict[str, Callable[[Pod, Release], None]] = {
    "no labels": lambda pod, _: pod["metadata"].pop("labels"),
    "another component": lambda pod, _: pod["metadata"]["labels"].update({"app.kubernetes.io/component": "postgres"}),
    "another image": _in_container(image="postgres:17"),
    "another image first": _init_container,
    "another program": _in_container(command=["python", "-c", "0"]),
    "Airflow's Secret": _volume(secret={"secretName": "FULLNAME-airflow"}),
    "the superuser's Secret": _volume(secret={"secretName": "FULLNAME-postgres"}),
    "a projected Secret": _volume(projected={"sources": [{"secret": {"name": "FULLNAME-airflow"}}]}),
    "a path of the node": _volume(hostPath={"path": "/"}),
    "PostgreSQL's volume": _volume(persistentVolumeClaim={"claimName": "data-FULLNAME-postgres-0"}),
    "a Secret in a variable": _secret_variable,
    "a Secret as environment": _in_container(envFrom=[{"secretRef": {"name": "datasurface-airflow"}}]),
    "Airflow's account": _airflows_account,
    "a token": _in_spec(automountServiceAccountToken=True),
    "the node's network": _in_spec(hostNetwork=True),
    "a node": _in_spec(nodeName="node-1"),
    "a writable root": _writable_root,
    "a container beside it": _another_container,
    "a container before it": _own_image_first,
    "another of its commands": _works_as("init", "--print"),
    "no command": _works_as(),
    "another kind of job": _works_as("job"),
    "the model merge's Secret in a batch": _volume(secret={"secretName": "FULLNAME-ds-merge"}),
    "the model merge's Secret in an audit": _works_as("audit", "--platform", "YellowLive", secret="ds-merge"),
    "a source's Secret in a reconciliation": _works_as(*RECONCILE, secret="customer-reader"),
    "a program as its probe": _in_container(livenessProbe=PROBE),
    "a program as its first probe": _in_container(startupProbe=PROBE),
    "a program as its readiness": _in_container(readinessProbe=PROBE),
    "a program at its start": _in_container(lifecycle={"postStart": PROBE}),
    "a program at its end": _in_container(lifecycle={"preStop": PROBE}),
    "a port of the node": _in_container(ports=[{"containerPort": 8080, "hostPort": 8080}]),
    "another address of PostgreSQL": _in_spec(hostAliases=[{"ip": "10.0.0.1", "hostnames": ["datasurface-postgres"]}]),
    "another server of names": _in_spec(dnsConfig={"nameservers": ["10.0.0.1"]}),
    "the node's names": _in_spec(dnsPolicy="Default"),
    "libpq led elsewhere": _variable("PGHOSTADDR", "10.0.0.1"),
    "Python led elsewhere": _variable("PYTHONPATH", "/tmp"),
    "processes shared": _in_spec(shareProcessNamespace=True),
    "the node's processes": _in_spec(hostPID=True),
    "root": _pod_security(runAsNonRoot=False, runAsUser=0),
    "root in the container": _security(runAsNonRoot=False, runAsUser=0),
    "whoever the image says": _pod_security(runAsNonRoot=False),
    "a capability": _security(capabilities={"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}),
    "capabilities kept": _security(capabilities={}),
    "every system call": _pod_security(seccompProfile={"type": "Unconfined"}),
    "every system call in the container": _security(seccompProfile={"type": "Unconfined"}),
    "a setting of the kernel": _pod_security(sysctls=[{"name": "net.ipv4.tcp_syncookies", "value": "1"}]),
    "a priority of the system": _in_spec(priorityClassName="system-cluster-critical"),
}


@pytest.mark.row("K05")
@pytest.mark.parametrize("what", LET_IN)
def test_a_job_pod_is_let_in(installation: Installation, account: str, job: Pod, what: str) -> None:
    """What Airflow makes passes; otherwise the refusals below would show nothing."""
    pod = copy.deepcopy(job)
    LET_IN[what](pod, installation.release)
    assert answer(installation.cluster, account, pod) == ""


def test_a_priority_that_a_cluster_gives_is_let_in(installation: Installation, account: str, job: Pod) -> None:
    """Where a PriorityClass is the default of all pods, the policy sees it in each of them."""
    cluster = installation.cluster
    name = f"{installation.namespace}-class"
    cluster.kubectl("create", "priorityclass", name, "--value=1", "--preemption-policy=Never")
    pod = copy.deepcopy(job)
    pod["spec"].update(priorityClassName=name, preemptionPolicy="Never")
    try:
        assert answer(cluster, account, pod) == ""
    finally:
        cluster.kubectl("delete", "priorityclass", name)


@pytest.mark.row("K05", kind="refusal")
@pytest.mark.parametrize("what", REFUSED)
def test_any_other_pod_is_refused(installation: Installation, account: str, job: Pod, what: str) -> None:
    """One thing more or other than in a job's pod, and it is not created."""
    pod = copy.deepcopy(job)
    REFUSED[what](pod, installation.release)
    said = answer(installation.cluster, account, pod)
    assert "forbidden" in said.lower() or "denied" in said.lower() or "invalid" in said.lower(), said


@pytest.mark.row("K05")
def test_the_role_grants_what_running_a_pod_needs(installation: Installation, account: str) -> None:
    """Pods can be created, read and deleted, and their logs read."""
    for verb, resource in (("create", "pods"), ("get", "pods"), ("delete", "pods"), ("get", "pods/log")):
        assert may(installation.cluster, account, installation.namespace, verb, resource), (verb, resource)


@pytest.mark.row("K05", kind="refusal")
@pytest.mark.row("K03", kind="refusal")
def test_the_role_grants_nothing_else(installation: Installation, account: str) -> None:
    """No exec, no Secret, no other object, nothing in another namespace."""
    verbs = {
        "create": ("pods/exec", "pods/attach", "pods/ephemeralcontainers", "serviceaccounts/token", "deployments"),
        "get": ("secrets", "configmaps"),
        "list": ("secrets",),
        "patch": ("deployments", "networkpolicies"),
    }
    for verb, resources in verbs.items():
        for resource in resources:
            assert not may(installation.cluster, account, installation.namespace, verb, resource), (verb, resource)
    assert not may(installation.cluster, account, "default", "create", "pods")


@pytest.mark.row("K05", kind="refusal")
def test_pods_of_others_can_be_neither_deleted_nor_relabelled(installation: Installation, account: str) -> None:
    """PostgreSQL's pod is safe from Airflow's account, by deletion and by a smuggled label."""
    name = installation.release.pods("postgres")[0].metadata.name
    flags = ["-n", installation.namespace, f"--as={account}", "--dry-run=server"]
    for command in (["delete", "pod", name], ["label", "pod", name, "app.kubernetes.io/component=job", "--overwrite"]):
        with pytest.raises(CommandFailed, match=r"(?i)denied"):
            installation.cluster.kubectl(*command, *flags)
