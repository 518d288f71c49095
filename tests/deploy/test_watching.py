"""What lies in `deploy/` for Prometheus and Grafana asks for metrics that there are, by labels that they have.

`promtool` looks too, where it is installed.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from adapters.telemetry.house_figures import HouseFigures
from adapters.telemetry.metrics import Metrics
from domain.scaling import CORES_PER_WORKER, LATE_SECONDS, QUIET_SECONDS, TURNS_PER_WORKER, WAITING_PER_WORKER
from tests.fakes.backlog import MemoryBacklog
from tests.fakes.clock import FrozenClock
from tests.fakes.memory_store import MemoryStore

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus/rules.yml"
DASHBOARD = DEPLOY / "grafana/frontdesk.json"
SCALING = DEPLOY / "kubernetes/keda-scaledobject.yaml"
ADDED = {"le", "instance", "job", "pid"}
"""Labels that Prometheus, its client and our shared files add."""
MADE = {"provider"}
"""Labels that an expression makes itself, by label_replace."""

NAME = re.compile(r"\bfrontdesk[a-z0-9_:]*")
SELECTOR = re.compile(r"(frontdesk[a-z0-9_:]*)\s*\{([^}]*)\}")
LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
GROUPING = re.compile(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)")
HISTOGRAM = ("_bucket", "_sum", "_count")


class HouseWithOneOfEach:
    """Answers every question about the house, so that each of its figures is told."""

    @property
    def house(self):
        return self

    async def fetch(self, statement, _parameters):
        for part, rows in {
            "from waiting": [("a number", 1, 1.0, 1)],
            "unclaimed_messages": [(1, 1, 1, 1, 1)],
            "from alerts": [("a kind", 1)],
            "from credit_accounts": [(1.0, 1.0)],
            "max(id), 0": [(1,)],
            "from credit_entries": [("hold", 1.0, 2)],
        }.items():
            if part in statement:
                return rows
        raise AssertionError(statement)


@pytest.fixture
async def metrics() -> dict[str, set[str]]:
    """The names of all series, and the labels of each."""
    found: dict[str, set[str]] = {}
    for metric in vars(Metrics()).values():
        assert isinstance(metric, MetricWrapperBase)
        name, labels = metric._name, set(metric._labelnames)
        suffixes = {"counter": ("_total",), "histogram": HISTOGRAM}.get(metric._type, ("",))
        found |= {name + suffix: labels for suffix in suffixes}
    registry: CollectorRegistry = await HouseFigures(
        HouseWithOneOfEach(), MemoryBacklog(MemoryStore(FrozenClock()))
    ).read()
    for family in registry.collect():
        found |= {sample.name: set(sample.labels) for sample in family.samples}
    return found


def rules() -> list[dict]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def panels() -> list[dict]:
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def expressions() -> list[str]:
    asked = [target["expr"] for panel in panels() for target in panel["targets"]]
    return [*(rule["expr"] for rule in rules()), *asked, *(query for query, _ in scaled_by().values() if query)]


def scaled_by() -> dict[str, tuple[str | None, str]]:
    """What pods of workers are scaled by: query (or the kubelet's figure) and threshold of each trigger."""
    triggers = yaml.safe_load(SCALING.read_text())["spec"]["triggers"]
    told = {trigger["name"]: trigger["metadata"] for trigger in triggers}
    return {name: (told.get("query"), told.get("threshold") or told["value"]) for name, told in told.items()}


def faults_of(expression: str, metrics: dict[str, set[str]]) -> list[str]:
    """Names that nobody tells, and labels that none of the named has."""
    recorded = {rule["record"]: {"status"} for rule in rules() if "record" in rule}
    known = metrics | recorded
    names = set(NAME.findall(re.sub(r'"[^"]*"', '""', expression)))
    faults = [f"no metric {name}" for name in names - known.keys()]
    for name, selected in SELECTOR.findall(expression):
        faults += [f"{name} has no {label}" for label in LABEL.findall(re.sub(r'"[^"]*"', "", selected))
                   if label not in known.get(name, set()) | ADDED]  # fmt: skip
    labels = set().union(*(known.get(name, set()) for name in names)) | ADDED | MADE
    grouped = {label.strip() for group in GROUPING.findall(expression) for label in group.split(",") if label.strip()}
    return faults + [f"nothing has {label}" for label in grouped - labels]


@pytest.mark.parametrize("expression", expressions())
def test_an_expression_asks_for_what_there_is(expression, metrics):
    assert faults_of(expression, metrics) == []


@pytest.mark.parametrize(
    "wrong",
    [
        "rate(frontdesk_turn_total[5m])",
        'frontdesk_turns_total{state="answered"}',
        "sum by (colour) (frontdesk_turns_total)",
        "frontdesk_end_to_end_seconds",
    ],
)
def test_the_check_notices_what_there_is_not(wrong, metrics):
    assert faults_of(wrong, metrics)


def test_every_metric_is_shown_or_watched(metrics):
    asked = {name for expression in expressions() for name in NAME.findall(expression)}
    unseen = {name for name in metrics if name not in asked and not name.endswith(HISTOGRAM)}
    assert unseen <= {"frontdesk_heartbeat_timestamp_seconds"}  # it is for the workers' own health


def test_no_label_could_hold_a_person(metrics):
    labels = set().union(*metrics.values())
    assert labels == {
        "door", "route", "status", "element", "known_by", "call", "outcome", "reason", "model", "direction", "channel",
        "provider", "class", "cache", "result", "role", "pool", "state", "number", "kind",
    }  # fmt: skip


def test_rules_have_the_shape_that_prometheus_reads():
    names = [rule.get("alert") or rule["record"] for rule in rules()]
    assert len(names) == len(set(names))
    for rule in rules():
        assert isinstance(rule["expr"], str)
        assert set(rule) <= {"alert", "record", "expr", "for", "labels", "annotations"}
        if "alert" in rule:
            assert rule["labels"]["severity"] in {"info", "warning", "critical"}
            assert rule["annotations"]["summary"]
            assert re.fullmatch(r"\d+[smh]", rule.get("for", "0s"))


def test_the_dashboard_has_the_shape_that_grafana_reads():
    dashboard = json.loads(DASHBOARD.read_text())
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    assert dashboard["uid"] == "frontdesk"
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
    for panel in panels():
        assert panel["title"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert all(target["expr"] and target["refId"] for target in panel["targets"])


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize("words", ["check rules rules.yml", "test rules rules_test.yml", "check config prometheus.yml"])
def test_promtool_finds_no_fault(words):
    answer = subprocess.run(["promtool", *words.split()], cwd=RULES.parent, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_pods_of_workers_are_scaled_by_the_same_rules_as_processes():
    scaling = yaml.safe_load(SCALING.read_text())["spec"]
    behavior = scaling["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    thresholds = {name: float(threshold) for name, (_, threshold) in scaled_by().items()}

    assert thresholds == {
        "waiting": WAITING_PER_WORKER,
        "turns": TURNS_PER_WORKER,
        "late": 1,
        "cores": 100 * CORES_PER_WORKER,
    }
    assert f">= bool {LATE_SECONDS:g})" in str(scaled_by()["late"][0])
    assert behavior["scaleDown"]["stabilizationWindowSeconds"] == QUIET_SECONDS
    assert behavior["scaleUp"]["stabilizationWindowSeconds"] == 0
