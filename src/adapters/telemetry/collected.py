"""Metrics that were read already, for whoever writes them out."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector


def registry_of(metrics: Iterable[Metric]) -> CollectorRegistry:
    """A registry that tells just these."""
    registry = CollectorRegistry()
    registry.register(_Collected(list(metrics)))
    return registry


class _Collected(Collector):
    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> list[Metric]:
        """What was read."""
        return self._metrics
