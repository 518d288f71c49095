"""What tests of alerts do to a house, and what they see of it."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress

import psutil

from tests.rig.house import House, Tenant
from tests.rig.waiting import until

SECONDS = 60.0
"""How long an alert may take to open or to end on a machine that does much else: the house looks every second."""


def opens(tenant: Tenant, *kinds: str) -> None:
    """Return once the user sees just these alerts."""
    until(lambda: sorted(tenant.alerts()) == sorted(kinds), SECONDS, lambda: f"{tenant.alerts()}")


def ends(tenant: Tenant, *kinds: str) -> None:
    """Return once no alert is open and just these were."""
    opens(tenant)
    assert sorted(tenant.alerts("resolved")) == sorted(kinds)


def of_the_house(house: House, kind: str, state: str) -> list[str]:
    """The subjects of the house's own alerts of that kind, the newest first."""
    alerts = house.rest("GET", f"/alerts?state={state}&sort=-created_at&limit=200").json["items"]
    return [alert["subject"] for alert in alerts if alert["kind"] == kind and alert["user_id"] is None]


@contextmanager
def frozen(processes: Collection[psutil.Process]) -> Iterator[None]:
    """They hang, as far as anybody can see."""
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()


def restart_scheduler(house: House) -> None:
    """Kill it: whoever comes in its place does at once what is done once an hour or once a day."""
    house.scheduler().kill()


def has_waited(tenant: Tenant, seconds: float) -> None:
    """Let what waits at this user's phone number have waited so much longer already."""
    tenant.house.sql(HAS_WAITED, seconds, seconds, tenant.id)


def is_silent_for(house: House, worker_id: str, seconds: float) -> None:
    """Let the last that was heard of a worker lie so much further back."""
    house.sql(IS_SILENT, seconds, worker_id)


HAS_WAITED = """
update messages
set created_at = created_at - %s * interval '1 second', status_at = status_at - %s * interval '1 second'
where user_id = %s and status = 'received'
"""
IS_SILENT = "update workers set lease_until = lease_until - %s * interval '1 second' where id = %s"
