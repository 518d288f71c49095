"""One house that tells all it ever tells: lines at info, metrics, traces, and the workers' own door."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from adapters.local.ports import free_port
from tests.rig.collector import Collector, running_collector
from tests.rig.house import House, a_home, running_house
from tests.rig.mail_server import MailServer, mail_server


@dataclass(frozen=True)
class Watched:
    house: House
    collector: Collector
    workers_url: str
    scheduler_url: str
    alerts: Collector
    mail: MailServer


@pytest.fixture(scope="session")
def watched() -> Iterator[Watched]:
    workers, scheduler = free_port(), free_port()
    with (
        running_collector() as collector,
        running_collector() as alerts,
        mail_server() as mail,
        a_home() as home,
        running_house(
            home,
            LOG_LEVEL="info",
            LOG_FORMAT="json",
            LEASE_SECONDS="3",
            WORKERS_MAX="2",
            WORKER_HEALTH_PORT=str(workers),
            SCHEDULER_HEALTH_PORT=str(scheduler),
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            OTEL_BSP_SCHEDULE_DELAY="200",
            ALERT_WEBHOOK_URL=alerts.url,
            ALERT_WEBHOOK_SECRET="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            ALERT_EMAIL_TO="ann@example.com",
            SMTP_URL=f"smtp://127.0.0.1:{mail.port}",
        ) as house,
    ):
        doors = [f"http://127.0.0.1:{port}" for port in (workers, scheduler)]
        yield Watched(house, collector, *doors, alerts, mail)
