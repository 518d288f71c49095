"""Starting and stopping simulators."""

import asyncio
import json
import signal
import socket

import aiohttp
import pytest

from tests.simulators.running import Controls, running, start


@pytest.mark.parametrize("name", ["openai", "meta"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(name, number):
    process = start(name)
    assert process.stdout.readline()

    process.send_signal(number)

    _, complaints = process.communicate(timeout=5)
    assert (process.returncode, complaints) == (0, "")


async def test_a_signal_ends_it_cleanly_while_calls_hang_and_webhooks_wait(session):
    with running("meta", "--webhook-url", "http://127.0.0.1:9/nobody") as simulator:
        controls = Controls(session, simulator.host_url)
        await controls.call("POST", "customers/say", {"phone_number_id": "1", "from": "2", "text": "Hi"})
        await controls.script({"then": {"hang": True}})
        call = asyncio.create_task(send(session, simulator.url))
        await controls.records("message", contains='"outcome":"hang"')
        assert (await controls.call("GET", "deliveries"))["under_way"] == 1

    with pytest.raises(aiohttp.ClientError):
        await call


async def send(session, url):
    body = {"messaging_product": "whatsapp", "to": "+16505551234", "text": {"body": "Hello"}}
    headers = {"Authorization": "Bearer any"}
    async with session.post(f"{url}/v22.0/1/messages", json=body, headers=headers) as answer:
        return answer.status


@pytest.mark.parametrize("name", ["openai", "meta"])
def test_a_port_in_use_is_named_in_one_line(name):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start(name, "--port", str(port))
        output, complaints = process.communicate(timeout=10)

    assert (process.returncode, output) == (1, "")
    assert complaints == f"Port {port} on 127.0.0.1 is already in use.\n"


def test_the_ready_file_and_the_ready_line_give_the_url(tmp_path):
    ready_file = tmp_path / "ready.json"

    with running("openai", "--ready-file", str(ready_file)) as simulator:
        ready = json.loads(ready_file.read_text())

        assert ready == {"url": simulator.url, "pid": simulator.process.pid}
        assert simulator.url.endswith("/v1")


async def test_the_journal_file_gets_every_record_and_memory_the_newest(session, tmp_path):
    path = tmp_path / "journal.jsonl"
    with running("meta", "--journal", str(path), "--journal-records", "3") as simulator:
        controls = Controls(session, simulator.host_url)
        for number in range(5):
            said = {"phone_number_id": "1", "from": "2", "text": str(number), "redelivered": False}
            await controls.call("POST", "customers/say", said)
        in_memory = (await controls.call("GET", "journal"))["records"]
        # Read while it runs: nothing waits in a buffer.
        in_file = [json.loads(line) for line in path.read_text().splitlines()]

    assert [record["number"] for record in in_file] == list(range(1, 11))
    assert in_memory == in_file[-3:]


async def test_knobs_can_be_turned_by_flags(session):
    rate = {"rate": 0.5, "http_status": 429}
    flags = ("--latency-ms", "20", "--error-rate", json.dumps(rate), "--outage", "true", "--seed", "3")
    with running("openai", *flags) as simulator:
        knobs = await Controls(session, simulator.host_url).call("GET", "knobs")

    assert knobs["latency_ms"] == 20
    assert rate.items() <= knobs["error_rate"].items()
    assert (knobs["outage"], knobs["seed"]) == (True, 3)


def test_a_bad_knob_stops_the_start_with_a_line_that_names_it():
    process = start("meta", "--latency-ms", "soon")

    _, complaints = process.communicate(timeout=10)

    assert process.returncode == 2
    assert "latency_ms" in complaints.splitlines()[-1]


@pytest.mark.parametrize("name", ["openai", "meta"])
async def test_health_needs_no_key_and_an_unknown_path_is_404(session, name):
    with running(name) as simulator:
        health = await Controls(session, simulator.host_url).call("GET", "health")
        async with session.get(f"{simulator.host_url}/_sim/nothing/here") as answer:
            assert answer.status == 404

    assert health == {"status": "ok", "simulator": name}
