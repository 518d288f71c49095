"""The knobs of the OpenAI simulator, turned while it runs."""

import time

import openai
import pytest


@pytest.fixture
def ask(client):
    async def ask(text="How much?", **more):
        return await client.responses.create(model="m", input=text, **more)

    return ask


async def outcomes_of(ask, count):
    outcomes = []
    for _ in range(count):
        try:
            await ask()
            outcomes.append("ok")
        except openai.APIStatusError as error:
            outcomes.append((error.status_code, error.code))
        except openai.APIConnectionError:
            outcomes.append("lost")
    return outcomes


async def test_a_key_is_required(client):
    stranger = client.with_options(default_headers={"Authorization": ""})

    with pytest.raises(openai.AuthenticationError):
        await stranger.models.list()
    with pytest.raises(openai.AuthenticationError):
        await stranger.conversations.create()


async def test_latency_is_the_models_and_not_the_conversations(ask, client, openai_controls):
    await openai_controls.knobs(latency_ms=1_000, latency_spread_ms=50)

    began = time.monotonic()
    await client.conversations.create()
    assert time.monotonic() - began < 0.8
    await ask()
    assert 0.95 <= time.monotonic() - began < 1.6


async def test_errors_strike_at_the_given_rate_and_repeat_with_the_seed(ask, openai_controls):
    rate = [
        {"rate": 0.3, "http_status": 500, "code": "server_error"},
        {"rate": 0.3, "http_status": 429, "code": "rate_limit_exceeded", "retry_after": 1},
    ]
    runs = []
    for _ in range(2):
        await openai_controls.knobs(error_rate=rate, seed=7)
        runs.append(await outcomes_of(ask, 40))

    assert runs[0] == runs[1]
    assert set(runs[0]) == {"ok", (500, "server_error"), (429, "rate_limit_exceeded")}
    assert 10 <= runs[0].count("ok") <= 30
    assert len(await openai_controls.records("injected_error", count=10)) == 80 - 2 * runs[0].count("ok")


async def test_answers_are_lost_at_the_given_rate_after_the_work(ask, openai_controls):
    await openai_controls.knobs(lose_answer_rate=0.5, seed=3)

    outcomes = await outcomes_of(ask, 20)

    records = await openai_controls.records("response", count=20)
    assert 4 <= outcomes.count("lost") <= 16
    assert [record["outcome"] == "lost" for record in records] == [seen == "lost" for seen in outcomes]
    assert all(record["accepted"] for record in records)


async def test_in_an_outage_every_connection_is_cut(ask, openai_controls):
    await openai_controls.knobs(outage=True)
    with pytest.raises(openai.APIConnectionError):
        await ask()

    await openai_controls.knobs(outage=False)
    assert (await ask()).output_text


async def test_an_outage_can_answer_503(ask, openai_controls):
    await openai_controls.knobs(outage=True, outage_kind="unavailable")

    with pytest.raises(openai.InternalServerError) as refused:
        await ask()

    assert refused.value.status_code == 503


async def test_prompt_objects_are_accepted_until_they_are_shut_down(client, openai_controls):
    prompt = {"id": "pmpt_123", "version": "2", "variables": {"city": "Bonn"}}
    response = await client.responses.create(input="Hi", prompt=prompt)
    assert response.prompt.id == "pmpt_123"

    await openai_controls.knobs(prompts_shut_down=True)
    with pytest.raises(openai.BadRequestError) as refused:
        await client.responses.create(input="Hi", prompt=prompt)

    assert refused.value.param == "prompt"


@pytest.mark.parametrize("changes", [{"latency_ms": -1}, {"lose_answer_rate": 2}, {"no_such_knob": 1}])
async def test_a_bad_knob_is_refused_and_changes_nothing(session, openai_process, openai_controls, changes):
    before = await openai_controls.call("GET", "knobs")

    async with session.patch(f"{openai_process.host_url}/_sim/knobs", json=changes) as answer:
        assert answer.status == 400

    assert await openai_controls.call("GET", "knobs") == before


async def test_the_journal_tells_who_asked_what_and_got_which_answer(ask, openai_controls):
    response = await ask("How much is it?", metadata={"turn": "7"})

    (record,) = await openai_controls.records("response", contains="How much is it?")

    assert record["text"] == "How much is it?"
    assert record["answer"] == response.output_text
    assert record["response_id"] == response.id
    assert record["metadata"] == {"turn": "7"}
    assert record["usage"]["total_tokens"] == response.usage.total_tokens
    assert record["accepted"] is True


async def test_the_journal_is_read_in_pages_and_can_be_cleared(ask, openai_controls):
    for number in range(3):
        await ask(str(number))

    first = await openai_controls.call("GET", "journal", kind="response", limit=2)
    rest = await openai_controls.call("GET", "journal", kind="response", after=first["last"])
    await openai_controls.call("DELETE", "journal")
    cleared = await openai_controls.call("GET", "journal")

    assert [record["text"] for record in first["records"] + rest["records"]] == ["0", "1", "2"]
    assert cleared["records"] == []
    assert cleared["last"] >= rest["last"]
