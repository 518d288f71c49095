"""A whole house as its users meet it: `frontdesk dev` in processes of its own, spoken to over sockets only."""

import hashlib
import hmac
import http.client
import itertools
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import psutil
from redis import Redis

from tests.rig import pgbouncer
from tests.rig.evidence import Evidence
from tests.rig.waiting import until

SOURCE = Path(__file__).parents[2] / "src"
SECONDS = 60.0
"""How long anything may take on a machine that does much else; nothing waits this long when all is well."""
CUSTOMERS = itertools.count(1)

_PASSED_ON = ("PATH", "HOME", "TMPDIR", "LANG")


@dataclass(frozen=True)
class Answer:
    status: int
    content: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.content)


def call(url: str, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
    """One request on a connection of its own; `body` is sent as it is when it is bytes, else as JSON."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=SECONDS)
    content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    try:
        connection.request(method, path, content, {"Content-Type": "application/json", **(headers or {})})
        response = connection.getresponse()
        return Answer(response.status, response.read(), {name.lower(): value for name, value in response.getheaders()})
    finally:
        connection.close()


def environment(**settings: str) -> dict[str, str]:
    """The environment of a process of ours: this checkout's code, and no setting but those given."""
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {**passed_on, "PYTHONPATH": str(SOURCE), **settings}


def frontdesk(*words: str) -> list[str]:
    """The command line of `frontdesk`, as the code of this checkout."""
    return [sys.executable, "-m", "entrypoints.cli.main", *words]


def run_frontdesk(*words: str, seconds: float = SECONDS, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        frontdesk(*words), env=environment(**settings), capture_output=True, text=True, timeout=seconds, check=False
    )


def signed(secret: str, body: bytes) -> dict[str, str]:
    """The header with which Meta signs a delivery."""
    return {"X-Hub-Signature-256": f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"}


def text_message(sender: str, text: str, message_id: str | None = None) -> dict[str, Any]:
    """A text as it stands in the list `messages` of a delivery."""
    return {
        "from": sender,
        "id": message_id or f"wamid.{secrets.token_hex(12)}",
        "timestamp": str(int(time.time())),
        "type": "text",
        "text": {"body": text},
    }


def delivery(account: str, *messages: object, business: str = "0") -> dict[str, Any]:
    """Messages as Meta delivers them to a phone number of a business."""
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": account, "phone_number_id": account},
        "messages": list(messages),
    }
    changes = [{"field": "messages", "value": value}]
    return {"object": "whatsapp_business_account", "entry": [{"id": business, "changes": changes}]}


def account_news(business: str, **fields: object) -> dict[str, Any]:
    """What Meta tells of a business's account."""
    changes = [{"field": field, "value": value} for field, value in fields.items()]
    entry = {"id": business, "time": 1_750_000_000, "changes": changes}
    return {"object": "whatsapp_business_account", "entry": [entry]}


def instagram_text(sender: str, account: str, text: str, mid: str | None = None, **more: object) -> dict[str, Any]:
    """A text as it stands in the list `messaging` of a delivery; with `is_echo`, of the business's own."""
    now = int(time.time() * 1000)
    message = {"mid": mid or f"mid.{secrets.token_hex(12)}", "text": text, **more}
    return {"sender": {"id": sender}, "recipient": {"id": account}, "timestamp": now, "message": message}


def instagram_delivery(account: str, *events: object) -> dict[str, Any]:
    """Events as Meta delivers them to an Instagram account."""
    return {"object": "instagram", "entry": [{"id": account, "time": int(time.time()), "messaging": list(events)}]}


@dataclass(frozen=True)
class Simulator:
    """The control endpoints of a simulator."""

    url: str

    def turn(self, **knobs: object) -> None:
        self.control("PATCH", "knobs", knobs)

    def control(self, method: str, path: str, body: object = None) -> Any:
        answer = call(self.url, method, f"/_sim/{path}", body)
        assert answer.status == 200, answer.content
        return answer.json

    def records(self, kind: str, contains: str = "") -> list[dict[str, Any]]:
        """What the journal has of a kind so far."""
        found: list[dict[str, Any]] = []
        while True:
            query = {"kind": kind, "contains": contains, "after": found[-1]["number"] if found else 0}
            page = self.control("GET", f"journal?{urlencode(query)}")["records"]
            if not page:
                return found
            found += page

    def heard(self, openai_conversation_id: str) -> list[str]:
        """What customers said in a conversation, as the model remembers it (OpenAI's own endpoint)."""
        path = f"/v1/conversations/{openai_conversation_id}/items?order=asc&limit=100"
        items = call(self.url, "GET", path, headers={"Authorization": "Bearer any"}).json["data"]
        return [part["text"] for item in items if item.get("role") == "user" for part in item["content"]]

    def forget(self, openai_conversation_id: str) -> None:
        """Lose a conversation, as OpenAI does when somebody deletes it."""
        path = f"/v1/conversations/{openai_conversation_id}"
        assert call(self.url, "DELETE", path, headers={"Authorization": "Bearer any"}).status == 200

    def script(self, match: str, times: int = 1, kind: str | None = None, **then: object) -> None:
        """Let the next calls (of a kind) that contain `match` go as told."""
        rule = {"match": match, "then": then, "times": times}
        self.control("POST", "script", rule if kind is None else {**rule, "kind": kind})

    @contextmanager
    def turned(self, **knobs: object) -> Iterator[None]:
        """Knobs turned for a while."""
        before = self.control("GET", "knobs")
        self.turn(**knobs)
        try:
            yield
        finally:
            self.turn(**{name: before[name] for name in knobs})


@dataclass(frozen=True)
class House:
    """A running house: `process` is the launcher, `ready` what its ready file says, `log` all that it printed."""

    process: subprocess.Popen[bytes]
    home: Path
    log: Path
    ready: dict[str, str]
    seconds_to_ready: float

    @property
    def openai(self) -> Simulator:
        return Simulator(self.ready["openai_base_url"].removesuffix("/v1"))

    @property
    def meta(self) -> Simulator:
        return Simulator(self.ready["meta_graph_base_url"])

    def rest(
        self, method: str, path: str, body: object = None, key: str | None = None, headers: Mapping[str, str] = {}
    ) -> Answer:
        """A request with the admin's key, or with that one."""
        authorization = {"Authorization": f"Bearer {key or self.ready['admin_api_key']}"}
        return call(self.ready["rest_url"], method, path, body, {**authorization, **headers})

    def make(self, path: str, body: object, key: str | None = None) -> dict[str, Any]:
        """POST something that must be created."""
        answer = self.rest("POST", path, body, key)
        assert answer.status == 201, answer.content
        return answer.json

    def deliver(self, body: object) -> Answer:
        """A delivery, signed as Meta would."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.post_webhook(content, signed(self.ready["meta_app_secret"], content))

    def post_webhook(self, content: bytes, headers: Mapping[str, str] = {}) -> Answer:
        return call(self.ready["rest_url"], "POST", "/webhooks/meta", content, headers)

    def tenant(self, *, credits: int = 1_000, account: str | None = None, channel: str = "whatsapp") -> "Tenant":
        """A new user with a number of that type, an agent on it, and credits."""
        user = self.make("/users", {"name": "A business"})
        tenant = Tenant(self, user["id"], user["api_key"], account or _digits(15), channel)
        if credits:
            tenant.make("credits/add", {"amount": credits})
        tenant.open()
        return tenant

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """What Postgres answers the application's login as one who sees every row."""
        return self._evidence.rows(statement, *values)

    def close(self) -> None:
        """Look no more. The house goes on."""
        self._evidence.close()

    @cached_property
    def _evidence(self) -> Evidence:
        return Evidence(self.ready["database_url"])

    def redis(self) -> Redis:
        return Redis.from_url(self.ready["redis_url"])

    def say(self, text: str, *words: str) -> subprocess.CompletedProcess[str]:
        return run_frontdesk("say", text, "--home", str(self.home), *words)

    def processes(self) -> list[psutil.Process]:
        """Everything that lives for this house."""
        return processes_of(self.home)

    def workers(self) -> list[psutil.Process]:
        """Those that are at work; their supervisor is none of them."""
        return list(self.workers_by_id().values())

    def workers_by_id(self) -> dict[str, psutil.Process]:
        """The same, by the id under which they hold turns."""
        ours = {each.pid: each for each in psutil.Process(self.process.pid).children(recursive=True) if is_alive(each)}
        rows = self.sql("select id, process_id from workers")
        return {str(worker_id): ours[process_id] for worker_id, process_id in rows if process_id in ours}

    def supervisor(self) -> psutil.Process:
        """The parent of the workers."""
        return self._child("worker")

    def scheduler(self) -> psutil.Process:
        """Who does the chores."""
        return self._child("scheduler")

    def _child(self, word: str) -> psutil.Process:
        children = psutil.Process(self.process.pid).children()
        return next(each for each in children if is_alive(each) and word in each.cmdline())

    def interrupt(self) -> int:
        """Ctrl+C: SIGINT to everyone in the terminal's foreground group. The exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(SECONDS)

    def assert_consistent(self) -> None:
        """What must be true in Postgres at any moment."""
        assert self.sql(_WRONG_ACCOUNTS) == []
        assert self.sql(_WRONG_NUMBERS) == []
        assert self.sql(_TWO_OPEN_TURNS) == []
        assert self.sql(_TWO_REPLIES) == []


@dataclass(frozen=True)
class Tenant:
    """A user of the house, and the customers' side of its phone number."""

    house: House = field(repr=False)
    id: str
    key: str
    account: str
    channel: str = "whatsapp"

    @property
    def path(self) -> str:
        return f"/users/{self.id}"

    def make(self, path: str, body: object) -> dict[str, Any]:
        return self.house.make(f"{self.path}/{path}", body, self.key)

    def get(self, path: str) -> Any:
        answer = self.house.rest("GET", f"{self.path}/{path}", key=self.key)
        assert answer.status == 200, answer.content
        return answer.json

    def open(self) -> None:
        """Register the phone number and put an agent on it."""
        prompt = self.make("prompts", {"name": "P", "instructions": "Answer.", "model": "gpt-5.5"})
        named = {"whatsapp": "meta_phone_number_id", "instagram": "instagram_account_id"}[self.channel]
        number = self.make("phone_numbers", {"type": self.channel, named: self.account, "access_token": "a-token"})
        self.make("agents", {"name": "A", "prompt_id": prompt["id"], "phone_number_id": number["id"]})

    def hears(self, text: str, sender: str, message_id: str | None = None) -> None:
        """A customer writes, and Meta's delivery is accepted."""
        if self.channel == "instagram":
            self.receives(instagram_delivery(self.account, instagram_text(sender, self.account, text, message_id)))
        else:
            self.receives(delivery(self.account, text_message(sender, text, message_id)))

    def receives(self, body: object) -> None:
        """A delivery of Meta's, which is accepted."""
        answer = self.house.deliver(body)
        assert answer.status == 200, answer.content

    def receives_kind(self, sender: str, kind: str, value: object) -> None:
        """A customer sends what is no text, on WhatsApp."""
        message = text_message(sender, "")
        del message["text"]
        self.receives(delivery(self.account, {**message, "type": kind, kind: value}))

    def number(self) -> dict[str, Any]:
        """The phone number as the API shows it."""
        (number,) = self.get("phone_numbers")["items"]
        return number

    def change_number(self, **changes: object) -> dict[str, Any]:
        """PATCH the phone number."""
        answer = self.house.rest("PATCH", f"{self.path}/phone_numbers/{self.number()['id']}", changes, self.key)
        assert answer.status == 200, answer.content
        return answer.json

    def conversation(self, sender: str | None = None) -> dict[str, Any]:
        """The one conversation there is, or the one of that customer."""
        (conversation,) = self.get("conversations" + (f"?customer={quote(sender)}" if sender else ""))["items"]
        return conversation

    def alerts(self, state: str = "open") -> list[str]:
        """The kinds of alert that the user sees."""
        return [alert["kind"] for alert in self.get(f"alerts?state={state}")["items"]]

    def messages(self, sender: str | None = None) -> list[dict[str, Any]]:
        """All messages, or those of one customer, in the order of time."""
        query = f"&customer={quote(sender)}" if sender else ""
        page = self.get(f"messages?limit=200{query}")
        items = page["items"]
        while page["next_cursor"]:
            page = self.get(f"messages?limit=200{query}&cursor={quote(page['next_cursor'])}")
            items += page["items"]
        return items

    def statuses(self, sender: str | None = None) -> list[str]:
        return [message["status"] for message in self.messages(sender)]

    def settled(self, sender: str | None = None, seconds: float = SECONDS) -> list[dict[str, Any]]:
        """All messages, once nothing is under way any more."""
        return self.once(
            lambda messages: not {message["status"] for message in messages} & {"received", "pending", "sending"},
            sender,
            seconds,
        )

    def once(
        self, true: Callable[[list[dict[str, Any]]], bool], sender: str | None = None, seconds: float = SECONDS
    ) -> list[dict[str, Any]]:
        """All messages, once this is true of them."""
        found: list[dict[str, Any]] = []

        def is_true() -> bool:
            found[:] = self.messages(sender)
            return true(found)

        until(is_true, seconds, lambda: f"{found}")
        return found

    def credits(self) -> tuple[int, int]:
        """Balance and held."""
        account = self.get("credits")
        return account["balance"], account["held"]

    def ledger(self) -> list[str]:
        """The kinds of the ledger's lines, the oldest first."""
        entries = self.get("credits/entries?limit=200")["items"]
        return [entry["kind"] for entry in sorted(entries, key=lambda entry: entry["id"])]

    def sends(self, contains: str = "", *, accepted: bool = True) -> list[dict[str, Any]]:
        """What Meta took for this phone number, from its own journal."""
        records = self.house.meta.records("message", contains)
        return [
            record for record in records if record["phone_number_id"] == self.account and record["accepted"] is accepted
        ]


def a_customer() -> str:
    """The WhatsApp id of somebody who never wrote before."""
    return f"1555{next(CUSTOMERS):03d}{_digits(4)}"


@contextmanager
def a_home(owner: int | None = None) -> Iterator[Path]:
    """A FRONTDESK_HOME that is not there yet, in a folder that the stores' account may enter."""
    with tempfile.TemporaryDirectory(prefix="frontdesk-tests-") as folder:
        Path(folder).chmod(0o711)
        if owner is not None:
            os.chown(folder, owner, owner)
        yield Path(folder).resolve() / "home"


@contextmanager
def running_house(
    home: Path, *flags: str, prefix: tuple[str, ...] = (), with_group: bool = True, **settings: str
) -> Iterator[House]:
    """A house that answers; whatever became of it, none of its processes is left in the end.

    Unless told otherwise it has as many workers at all times as it may have, so that some can be killed or counted.
    """
    settings = {"WORKERS_MIN": settings.get("WORKERS_MAX", str(os.cpu_count() or 1)), **settings}
    with (
        _database_of(home, settings) as database,
        _running(home, *flags, prefix=prefix, with_group=with_group, **database, **settings) as house,
    ):
        yield house


@contextmanager
def _database_of(home: Path, settings: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """Nothing: the house starts its own. In a run behind a pooler, one beside the home, and the pooler."""
    if not pgbouncer.is_asked_for() or "DATABASE_URL" in settings:
        yield {}
        return
    with pgbouncer.pooled_postgres(home.with_name("pooled")) as urls:
        yield urls


@contextmanager
def _running(home: Path, *flags: str, prefix: tuple[str, ...], with_group: bool, **settings: str) -> Iterator[House]:
    log, ready_file = home.with_name(f"output-{secrets.token_hex(4)}"), home.with_name("ready.json")
    ready_file.unlink(missing_ok=True)
    began = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*prefix, *frontdesk("dev", "--port", "0", "--ready-file", str(ready_file), *flags)],
            env=environment(FRONTDESK_HOME=str(home), **settings),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=home.parent,
            start_new_session=with_group,
        )
    try:
        until(lambda: ready_file.exists() or process.poll() is not None, 2 * SECONDS, log.read_text)
        assert process.poll() is None, log.read_text()
        with closing(House(process, home, log, json.loads(ready_file.read_text()), time.monotonic() - began)) as house:
            yield house
    finally:
        sys.stdout.write(log.read_text())  # pytest shows it beside a failure
        process.terminate()
        try:
            process.wait(SECONDS)
        finally:
            for left in [process, *processes_of(home)]:
                left.kill()
            process.wait()


def processes_of(home: Path) -> list[psutil.Process]:
    """Every process whose environment, command line or folder names `home`."""
    return [process for process in psutil.process_iter() if _belongs_to(process, str(home))]


def is_alive(process: psutil.Process) -> bool:
    """A process that ended and that nobody has asked about yet does not count."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _belongs_to(process: psutil.Process, home: str) -> bool:
    if process.pid == os.getpid() or not is_alive(process):
        return False
    return any(home in str(_told(ask)) for ask in (process.environ, process.cmdline, process.cwd))


def _told(ask: Callable[[], object]) -> object:
    """Another user's process may hide its environment and still show its command line."""
    try:
        return ask()
    except psutil.Error:
        return None


def _digits(count: int) -> str:
    return "".join(secrets.choice("123456789") for _ in range(count))


_WRONG_ACCOUNTS = """
    select a.user_id, a.balance, a.held, sum(e.balance_change), sum(e.held_change)
    from credit_accounts a left join credit_entries e using (user_id)
    group by a.user_id
    having (a.balance, a.held) <> (coalesce(sum(e.balance_change), 0), coalesce(sum(e.held_change), 0))
"""
_WRONG_NUMBERS = """
    select c.id from conversations c left join messages m on m.conversation_id = c.id
    group by c.id
    having (count(m.id), coalesce(max(m.sequence_number), 0)) <> (c.last_sequence_number, c.last_sequence_number)
"""
_TWO_OPEN_TURNS = "select conversation_id from turns where status = 'open' group by 1 having count(*) > 1"
_TWO_REPLIES = """
    select turn_id from messages where direction = 'outbound' and turn_id is not null
    group by 1 having count(*) <> max(sequence_number) - min(sequence_number) + 1
"""
"""The parts of one reply stand behind each other; a second reply would come later."""
