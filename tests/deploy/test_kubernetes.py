"""The manifests: valid by Kubernetes' own schemas, and true of the processes that they run."""

import shutil
import subprocess

import kubernetes_validate
import pytest
import yaml

from entrypoints.cli.main import _parser
from entrypoints.health_door import create_health_app
from entrypoints.rest.health import show_live, show_ready
from entrypoints.serving import GRACE_SECONDS
from tests.deploy.manifests import (
    KUBERNETES,
    OF_LIBRARIES,
    SETTINGS,
    env_file,
    image_environment,
    named,
    objects,
    of_kind,
    settings_with,
)

VERSIONS = ("1.30", kubernetes_validate.latest_version())
"""From the oldest that has all that is used to the newest whose schemas are known."""
NO_SCHEMA = {"ScaledObject"}
WORKLOADS = {each["metadata"]["name"]: each["spec"]["template"]["spec"] for each in of_kind("Deployment", "Job")}
DEPLOYMENTS = {each["metadata"]["name"]: each for each in of_kind("Deployment")}
SECRETS = {each["metadata"]["name"]: set(each["stringData"]) for each in of_kind("Secret")}
CONFIG = env_file(KUBERNETES / "settings.env")


def container(name):
    (only,) = WORKLOADS[name]["containers"]
    return only


def given_to(name):
    """The names of the settings in a workload's environment."""
    names = {each["name"] for each in container(name).get("env", [])}
    for source in container(name).get("envFrom", []):
        names |= SECRETS[source["secretRef"]["name"]] if "secretRef" in source else set(CONFIG)
    return names


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("each", objects(), ids=lambda each: f"{each['kind']}/{each['metadata']['name']}")
def test_an_object_is_valid(each, version):
    if each["kind"] in NO_SCHEMA:
        pytest.skip("a kind that is not Kubernetes' own")

    kubernetes_validate.validate(each, version, strict=True)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
@pytest.mark.parametrize("folder", [KUBERNETES, KUBERNETES / "migrate"], ids=lambda folder: folder.name)
def test_what_kustomize_makes_of_it_is_valid_and_has_one_image(folder):
    made = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=True)
    rendered = list(yaml.safe_load_all(made.stdout))
    images = {
        one["image"]
        for each in rendered
        if each["kind"] in {"Deployment", "Job"}
        for one in each["spec"]["template"]["spec"]["containers"]
    }

    for each in rendered:
        kubernetes_validate.validate(each, VERSIONS[-1], strict=True)
    assert len(images) == 1
    assert not images & {"frontdesk"}


def test_every_file_is_used():
    used = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
    there = {path.name for path in KUBERNETES.glob("*.yaml")} - {"kustomization.yaml"}

    assert there - set(used) <= {"namespace.yaml", "secret.example.yaml", "keda-scaledobject.yaml"}


def test_every_role_is_there():
    assert {" ".join(container(name)["args"]) for name in WORKLOADS} == {
        "serve rest",
        "serve grpc",
        "worker",
        "scheduler",
        "migrate",
    }


@pytest.mark.parametrize("name", sorted(WORKLOADS))
def test_a_workload_runs_a_command_that_there_is_with_settings_that_there_are(name):
    assert _parser().parse_args(container(name)["args"]).run
    assert given_to(name) <= SETTINGS | OF_LIBRARIES


@pytest.mark.parametrize("name", sorted(DEPLOYMENTS))
def test_a_process_starts_once_the_secrets_are_filled_in(name):
    assert settings_with(given_to(name), image_environment() | CONFIG)


def test_only_the_migration_has_the_owners_login():
    assert {name for name in WORKLOADS if "DATABASE_URL_DIRECT" in given_to(name)} == {"frontdesk-migrate"}
    assert {"DATABASE_URL", "DATABASE_URL_DIRECT"} == given_to("frontdesk-migrate")


def test_secrets_are_only_forms_to_fill_in():
    assert not [value for each in of_kind("Secret") for value in each["stringData"].values() if value]


@pytest.mark.parametrize("name", sorted(WORKLOADS))
def test_a_workload_may_do_nothing_but_its_work(name):
    pod, inside = WORKLOADS[name]["securityContext"], container(name)["securityContext"]

    assert pod["runAsNonRoot"] is True
    assert pod["runAsUser"] >= 10_000
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert inside == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert WORKLOADS[name]["automountServiceAccountToken"] is False


@pytest.mark.parametrize("name", sorted(WORKLOADS))
def test_a_workload_says_what_it_needs_and_what_it_may_take(name):
    resources = container(name)["resources"]

    assert set(resources["requests"]) == set(resources["limits"]) == {"cpu", "memory"}


@pytest.mark.parametrize("name", sorted(DEPLOYMENTS))
def test_a_process_has_the_time_to_drain(name):
    wait = container(name).get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", ["sleep", "0"])

    assert WORKLOADS[name]["terminationGracePeriodSeconds"] >= int(wait[1]) + GRACE_SECONDS + 10


@pytest.mark.parametrize("name", sorted(DEPLOYMENTS))
def test_processes_are_spread_and_not_evicted_all_at_once(name):
    labels = DEPLOYMENTS[name]["spec"]["template"]["metadata"]["labels"]
    selector = named("PodDisruptionBudget", name)["spec"]["selector"]["matchLabels"]

    assert selector.items() <= labels.items()
    assert named("PodDisruptionBudget", name)["spec"]["maxUnavailable"] == 1
    spread = WORKLOADS[name]["topologySpreadConstraints"]
    assert {each["topologyKey"] for each in spread} == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
    assert all(each["labelSelector"]["matchLabels"].items() <= labels.items() for each in spread)


def test_ports_are_those_that_the_image_listens_on():
    environment = image_environment()
    ports = {
        name: {each["name"]: str(each["containerPort"]) for each in container(name).get("ports", [])}
        for name in DEPLOYMENTS
    }

    assert ports == {
        "frontdesk-rest": {"http": environment["REST_PORT"]},
        "frontdesk-grpc": {"grpc": environment["GRPC_PORT"]},
        "frontdesk-worker": {"health": environment["WORKER_HEALTH_PORT"]},
        "frontdesk-scheduler": {"health": environment["SCHEDULER_HEALTH_PORT"]},
    }


@pytest.mark.parametrize("service", of_kind("Service"), ids=lambda each: each["metadata"]["name"])
def test_a_service_finds_its_pods_and_their_port(service):
    name = service["metadata"]["name"]
    (port,) = service["spec"]["ports"]

    assert service["spec"]["selector"].items() <= DEPLOYMENTS[name]["spec"]["template"]["metadata"]["labels"].items()
    assert port["targetPort"] in {each["name"] for each in container(name)["ports"]}


@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_probes_ask_what_there_is_to_ask(probe):
    rest = {path for handler in (show_live, show_ready) for path in handler.paths}
    own = {each.canonical for each in create_health_app(None, "workers", None).router.resources()}

    assert container("frontdesk-rest")[probe]["httpGet"]["path"] in rest
    assert container("frontdesk-worker")[probe]["httpGet"]["path"] in own
    assert container("frontdesk-scheduler")[probe]["httpGet"]["path"] in own
    assert container("frontdesk-grpc")[probe].keys() & {"grpc", "tcpSocket"}


def test_an_outage_of_a_store_takes_no_door_out_of_service_and_kills_nobody():
    """What one store can still do, e.g. take messages in without Redis, is done; only a new pod must have seen both."""
    rest = container("frontdesk-rest")

    assert rest["startupProbe"]["httpGet"]["path"] == "/health/ready"
    assert rest["readinessProbe"]["httpGet"]["path"] == "/health/live"
    for name in ("frontdesk-worker", "frontdesk-scheduler"):
        assert container(name)["livenessProbe"]["httpGet"]["path"] == "/health/live"


@pytest.mark.parametrize("policy", of_kind("NetworkPolicy"), ids=lambda each: each["metadata"]["name"])
def test_a_network_policy_is_about_pods_of_ours_and_their_ports(policy):
    wanted = policy["spec"]["podSelector"]["matchLabels"]
    found = [
        each["metadata"]["name"]
        for each in of_kind("Deployment", "Job")
        if wanted.items() <= each["spec"]["template"]["metadata"]["labels"].items()
    ]
    if policy["metadata"]["name"] == "frontdesk":
        assert set(found) == set(WORKLOADS)
        return

    (rule,) = policy["spec"]["ingress"]
    assert found == [policy["metadata"]["name"]]
    assert [each["port"] for each in rule["ports"]] == [each["containerPort"] for each in container(found[0])["ports"]]


@pytest.mark.parametrize("scaler", of_kind("HorizontalPodAutoscaler", "ScaledObject"), ids=lambda each: each["kind"])
def test_what_is_scaled_is_there_and_has_no_number_of_its_own(scaler):
    name = scaler["spec"]["scaleTargetRef"]["name"]

    assert "replicas" not in DEPLOYMENTS[name]["spec"]
    assert "cpu" in container(name)["resources"]["requests"]


def test_metrics_and_files_in_passing_are_kept_in_memory_and_bounded():
    for name in DEPLOYMENTS:
        mounts = {each["mountPath"]: each["name"] for each in container(name)["volumeMounts"]}
        volumes = {each["name"]: each["emptyDir"] for each in WORKLOADS[name]["volumes"]}

        assert image_environment()["PROMETHEUS_MULTIPROC_DIR"].startswith("/run/frontdesk/")
        assert volumes[mounts["/run/frontdesk"]]["medium"] == "Memory"
        assert all("sizeLimit" in each for each in volumes.values())
