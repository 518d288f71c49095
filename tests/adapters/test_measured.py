"""Turns over measured ports: what is counted, what is written, and what is traced."""

from datetime import UTC, datetime, timedelta

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import values
from structlog.testing import capture_logs

from adapters.telemetry.measured.arrivals import MeasuredFilter, MeasuredInbox
from adapters.telemetry.measured.contexts import MeasuredContexts
from adapters.telemetry.measured.gateway import MeasuredGateway
from adapters.telemetry.measured.model import MeasuredModel
from adapters.telemetry.measured.queue import MeasuredQueue, Waits
from adapters.telemetry.measured.turns import MeasuredTurns
from adapters.telemetry.metrics import Metrics
from adapters.telemetry.open_telemetry import OpenTelemetryTracing, trace_id_of
from adapters.telemetry.pseudonyms import Pseudonyms
from adapters.telemetry.shared_files import FOLDER, all_processes, use_shared_files
from application.ports.context_cache import ContextCacheUnavailable, SealedContext
from application.ports.turn_queue import QueueEntry, QueueUnavailable
from application.ports.turns import TurnLost
from domain.answers import Answered, NotAnswered, TryAgain, Usage
from domain.conversations import UnansweredReason
from domain.delivery import Deferred, Refused
from tests.builders import an_id
from tests.fakes.context_cache import MemoryContextCache
from tests.unit.application.desk import KIM, Desk


class Measured:
    """A desk whose ports are measured, and what came of that."""

    def __init__(self, desk: Desk, folder) -> None:
        self.desk = desk
        self.folder = folder
        self.exporter = InMemorySpanExporter()
        self.tracing = OpenTelemetryTracing(self.exporter, "test")
        metrics, self.waits = Metrics(), Waits()
        self.turns = MeasuredTurns(desk.turns, metrics, self.waits, self.tracing, Pseudonyms("a key"))
        self.queue = MeasuredQueue(desk.queue, metrics, self.waits)
        self.seen = MeasuredFilter(desk.seen, metrics)
        self.cache = MemoryContextCache()
        self.contexts = MeasuredContexts(self.cache, metrics)
        desk.inbox = MeasuredInbox(desk.inbox, metrics, self.tracing)
        take = desk.take_turn
        for where, name, port in (
            (take, "turns", self.turns),
            (take.ask, "turns", self.turns),
            (take.ask, "model", MeasuredModel(desk.model, metrics)),
            (take.deliver, "turns", self.turns),
            (take.deliver, "gateway", MeasuredGateway(desk.gateway, metrics)),
        ):
            object.__setattr__(where, name, port)

    def value(self, name: str, **labels: str) -> float:
        return all_processes(self.folder).get_sample_value(f"frontdesk_{name}", labels) or 0.0

    def spans(self):
        self.tracing._provider.force_flush()
        return self.exporter.get_finished_spans()


@pytest.fixture
async def measured(tmp_path, monkeypatch) -> Measured:
    monkeypatch.setenv(FOLDER, "")
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    use_shared_files(tmp_path)
    return Measured(await Desk().opens(), tmp_path)


async def turn_line(measured, conversation_id) -> dict:
    with capture_logs() as lines:
        await measured.desk.takes_turns(conversation_id)
    (line,) = [line for line in lines if line["event"] == "turn_ended"]
    return line


async def test_an_answered_turn_is_counted_with_its_tokens_and_told_in_one_line(measured):
    measured.desk.model.says(Answered("Until six.", "resp_1", "gpt-5.5", Usage(70, 30)))
    conversation_id = await measured.desk.hears("Are you open?", "Hello?")

    line = await turn_line(measured, conversation_id)

    assert (line["status"], line["input_tokens"], line["output_tokens"]) == ("answered", 70, 30)
    questions = [str(message.id) for message in measured.desk.messages(conversation_id)[:2]]
    assert line["message_ids"] == questions
    assert line["customer"] == Pseudonyms("a key").of(KIM) != Pseudonyms("another").of(KIM)
    assert KIM not in str(line)
    assert measured.value("turns_total", status="answered", reason="") == 1
    assert measured.value("model_tokens_total", model="gpt-5.5", direction="output") == 30
    assert measured.value("model_calls_total", call="answer", outcome="answered") == 1
    assert measured.value("sends_total", channel="whatsapp", outcome="accepted") == 1


async def test_a_turn_without_an_answer_is_counted_by_its_reason(measured):
    measured.desk.model.says(NotAnswered(UnansweredReason.REFUSED, "It refused."))

    line = await turn_line(measured, await measured.desk.hears("Hello"))

    assert (line["status"], line["reason"]) == ("unanswerable", "model_refused")
    assert measured.value("turns_total", status="unanswerable", reason="model_refused") == 1
    assert measured.value("provider_errors_total", provider="openai", **{"class": "model_refused"}) == 1
    assert measured.value("end_to_end_seconds_count") == 0


async def test_errors_of_providers_are_counted_by_class(measured):
    measured.desk.model.says(TryAgain("Out.", 0.0, is_outage=True))
    measured.desk.gateway.says(Deferred({"class": "rate_limited"}, 0.0), Refused({"class": "undeliverable"}))

    await turn_line(measured, await measured.desk.hears("Hello"))

    assert measured.value("provider_errors_total", provider="openai", **{"class": "outage"}) == 1
    assert measured.value("provider_errors_total", provider="meta", **{"class": "rate_limited"}) == 1
    assert measured.value("provider_errors_total", provider="meta", **{"class": "undeliverable"}) == 1


async def test_a_turn_that_is_taken_over_counts_for_the_taker_as_recovered_and_for_the_other_as_lost(measured):
    desk = measured.desk
    conversation_id = await desk.hears("Hello")
    lost = await measured.turns.begin(conversation_id, desk.worker_id)
    await desk.turns.end_lease(desk.worker_id)
    other = an_id()
    await desk.turns.renew_lease(other, ())

    assert (await measured.turns.begin(conversation_id, other)).attempts == 2
    with pytest.raises(TurnLost):
        await measured.turns.attach_model_conversation(lost, "conv_1")

    assert measured.value("leases_recovered_total") == 1
    assert measured.value("turns_lost_total") == 1


async def test_duplicates_are_counted_by_who_knew_them(measured):
    message = measured.desk.a_text("Hello")
    await measured.desk.inbox.accept([message, message])
    await measured.seen.remember(["a name"])
    await measured.seen.known(["a name", "another"])

    assert measured.value("duplicates_refused_total", known_by="store") == 1
    assert measured.value("duplicates_refused_total", known_by="filter") == 1


async def test_look_ups_are_counted_with_the_age_and_the_size_of_what_is_kept(measured):
    number, version = an_id(), an_id()
    read_at = datetime.now(UTC) - timedelta(seconds=30)
    await measured.contexts.put({number: SealedContext(version, bytes(600), read_at)})
    await measured.contexts.get({number: version, an_id(): an_id(), an_id(): an_id()})

    assert measured.value("cache_reads_total", cache="context", result="hit") == 1
    assert measured.value("cache_reads_total", cache="context", result="miss") == 2
    assert measured.value("cache_age_seconds_sum", cache="context") == pytest.approx(30, abs=5)
    assert measured.value("cache_entry_bytes_sum", cache="context") == 600


async def test_a_cache_out_of_reach_misses(measured):
    measured.cache.is_down = True
    with pytest.raises(ContextCacheUnavailable):
        await measured.contexts.get({an_id(): an_id()})

    assert measured.value("cache_reads_total", cache="context", result="miss") == 1


async def test_calls_that_the_queue_does_not_answer_are_counted(measured, monkeypatch):
    async def out(*_: object) -> None:
        raise QueueUnavailable("Out.")

    monkeypatch.setattr(measured.desk.queue, "claim", out)
    with pytest.raises(QueueUnavailable):
        await measured.queue.claim(an_id(), an_id(), 1)

    assert measured.value("queue_errors_total", call="claim") == 1


@pytest.mark.parametrize("entry_id", ["no time", "0-1", "99999999999999-0"])
def test_an_entry_whose_name_tells_no_plausible_time_is_not_timed(entry_id):
    waits = Waits()
    entry = QueueEntry(entry_id, an_id(), an_id(), an_id(), is_locked=True)

    assert waits.note(entry) is None
    assert waits.take(entry.conversation_id) is None


async def test_a_turn_goes_on_with_the_trace_of_its_first_message_and_knows_the_others(measured):
    conversation_id = await measured.desk.hears("Hello", "Are you there?")

    await measured.desk.takes_turns(conversation_id)

    first, second, _ = (message.id for message in measured.desk.messages(conversation_id))
    turn = next(span for span in measured.spans() if span.name == "turn")
    root = next(span for span in measured.spans() if span.attributes.get("frontdesk.message_id") == str(first))
    assert turn.context.trace_id == trace_id_of(first) == root.context.trace_id
    assert turn.parent.span_id == root.context.span_id
    assert [link.context.trace_id for link in turn.links] == [trace_id_of(second)]
    assert all(KIM not in str(span.to_json()) and "there?" not in span.to_json() for span in measured.spans())
