"""Customers: they write in order, at a rate, and Meta delivers again until somebody answers 200."""

import http.client
import json
import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.rig.house import Tenant, a_customer, delivery, signed, text_message

CLIENTS = 16
AGAIN_SECONDS = 0.2
GIVE_UP_SECONDS = 120.0


@dataclass
class Written:
    """A message of a customer: `text` ends with its place in the conversation."""

    sender: str
    text: str
    wamid: str
    seconds: float = math.nan
    """How long the delivery that was answered 200 took."""
    refused: int = 0
    """How often it was answered otherwise, or not at all."""


@dataclass
class Load:
    """Everything that was written, under way in threads until `end`."""

    written: list[Written]
    threads: list[threading.Thread] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        return not any(thread.is_alive() for thread in self.threads)

    def end(self) -> list[Written]:
        for thread in self.threads:
            thread.join()
        assert not self.errors, self.errors
        return self.written

    def share(self, portion: float) -> float:
        """How long the given portion of the webhooks took at most, in seconds."""
        seconds = sorted(each.seconds for each in self.written)
        return seconds[min(len(seconds) - 1, int(portion * len(seconds)))]


def conversations(messages: int, customers: int) -> list[Written]:
    """So many messages, the customers taking turns."""
    senders = [a_customer() for _ in range(customers)]
    found = []
    for number in range(messages):
        sender, place = senders[number % customers], number // customers
        found.append(Written(sender, f"#{sender}.{place:05d}#", f"wamid.{sender}.{place}"))
    return found


def write(tenant: Tenant, written: list[Written], per_second: float) -> Load:
    """Let the customers write at an even rate; see write_when."""
    return write_when(tenant, written, [number / per_second for number in range(len(written))])


def write_when(tenant: Tenant, written: list[Written], dues: Sequence[float]) -> Load:
    """Let the customers write after so many seconds each, in threads: whoever has written waits for the 200 first."""
    load, began = Load(written), time.monotonic()
    lanes: dict[int, list[tuple[float, Written]]] = {}
    customers = {sender: place for place, sender in enumerate(dict.fromkeys(each.sender for each in written))}
    for due, each in zip(dues, written, strict=True):
        lanes.setdefault(customers[each.sender] % CLIENTS, []).append((began + due, each))
    for lane in lanes.values():
        thread = threading.Thread(target=_write_all, args=(tenant, lane, load), daemon=True)
        load.threads.append(thread)
        thread.start()
    return load


def deliver_in_batches(tenant: Tenant, written: list[Written], batch: int) -> None:
    """Deliver many messages at a time, in order, as Meta does when it has a backlog of its own."""
    for start in range(0, len(written), batch):
        texts = [text_message(each.sender, each.text, each.wamid) for each in written[start : start + batch]]
        tenant.receives(delivery(tenant.account, *texts))


def deliver_all(tenant: Tenant, written: list[Written]) -> None:
    """Deliver each as it stands in the list, CLIENTS at a time, in no order."""

    def one(each: Written) -> None:
        with closing(Post(tenant)) as post:
            _deliver(post, each)

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(one, written))


class Post:
    """A connection to the webhook that is kept, and opened again when it breaks."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._address = urlsplit(tenant.house.ready["rest_url"])
        self._secret = tenant.house.ready["meta_app_secret"]
        self._open()

    def __call__(self, each: Written) -> int:
        """The status of one delivery; 0 when nobody answered."""
        message = text_message(each.sender, each.text, each.wamid)
        body = json.dumps(delivery(self._tenant.account, message)).encode()
        headers = {"Content-Type": "application/json", **signed(self._secret, body)}
        try:
            self._connection.request("POST", "/webhooks/meta", body, headers)
            response = self._connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            self._open()
            return 0
        return response.status

    def close(self) -> None:
        self._connection.close()

    def _open(self) -> None:
        self._connection = http.client.HTTPConnection(self._address.hostname, self._address.port, timeout=30)


def _write_all(tenant: Tenant, lane: list[tuple[float, Written]], load: Load) -> None:
    try:
        with closing(Post(tenant)) as post:
            for due, each in lane:
                time.sleep(max(0.0, due - time.monotonic()))
                _deliver(post, each)
    except BaseException as error:  # noqa: BLE001 - a thread's failure is the test's
        load.errors.append(error)


def _deliver(post: Callable[[Written], int], each: Written) -> None:
    """Deliver until it is accepted, as Meta does."""
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while True:
        began = time.monotonic()
        status = post(each)
        if status == 200:
            each.seconds = time.monotonic() - began
            return
        each.refused += 1
        assert status in {0, 500, 502, 503, 504}, status
        assert time.monotonic() < deadline, "nobody accepted it"
        time.sleep(AGAIN_SECONDS)
