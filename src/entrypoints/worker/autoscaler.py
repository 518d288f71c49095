"""How many workers a supervisor keeps, by what its gauge tells and what the workers use of the processors."""

from __future__ import annotations

from dataclasses import dataclass, field

import structlog

from domain.scaling import Bounds, Scale, first_scale, rescaled
from entrypoints.worker.child import WorkerChild
from entrypoints.worker.crew import Crew
from entrypoints.worker.gauge import read_line
from entrypoints.worker.usage import cpu_seconds

log = structlog.get_logger()

CORES_SECONDS = 5.0
"""Over how long the use of the processors is averaged: a moment's work calls for nobody."""


@dataclass(slots=True)
class CoresMeter:
    """How many cores a changing set of processes keeps busy, on average over the last CORES_SECONDS."""

    _cores: float = 0.0
    _measured_at: float | None = None
    _used: dict[int, float] = field(default_factory=dict)

    def cores(self, process_ids: list[int], now: float) -> float:
        """The last average. Who came since is counted from its first measurement on."""
        if self._measured_at is not None and now - self._measured_at < CORES_SECONDS:
            return self._cores
        used = {process_id: cpu_seconds(process_id) for process_id in process_ids}
        if self._measured_at is not None:
            spent = sum(max(0.0, used[each] - self._used[each]) for each in used.keys() & self._used.keys())
            self._cores = spent / (now - self._measured_at)
        self._measured_at, self._used = now, used
        return self._cores


@dataclass(slots=True)
class Autoscaler:
    """Looks whenever the gauge has told something new. While it tells nothing, everything stays as it is."""

    gauge: WorkerChild
    bounds: Bounds
    _scale: Scale | None = None
    _read_at: float | None = None
    _meter: CoresMeter = field(default_factory=CoresMeter)

    def wanted(self, crew: Crew, now: float) -> int:
        """How many workers there should be; see Scaler."""
        before = self._scale or first_scale(self.bounds, now)
        self._scale = after = self._looked(before, crew, now)
        if after.workers != before.workers:
            log.warning("workers_scaled", before=before.workers, after=after.workers, told=self.gauge.told)
        return after.workers

    def _looked(self, scale: Scale, crew: Crew, now: float) -> Scale:
        if self.gauge.told_at is None or self.gauge.told_at == self._read_at:
            return scale
        self._read_at = self.gauge.told_at
        backlog = read_line(self.gauge.told)
        if backlog is None:
            return scale
        cores = self._meter.cores([child.process_id for child in crew.working if child.process_id], now)
        return rescaled(scale, backlog, cores, self.bounds, now)
