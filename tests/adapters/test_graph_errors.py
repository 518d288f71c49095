"""Every row of the table of errors, by a run of a gateway against the simulator."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from adapters.channels.graph import Graph
from adapters.channels.graph_errors import outcome_of_error
from adapters.channels.instagram import InstagramGateway
from adapters.channels.whatsapp import WhatsAppGateway
from application.ports.briefings import Briefing
from application.ports.channel_gateway import OutboundText
from domain.channels import ChannelStatus, ChannelType
from domain.delivery import Ambiguous, Deferred, Pace, Parked, Refused
from tests.builders import a_voice, an_id

UNAUTHORIZED = (Parked, {"status": ChannelStatus.UNAUTHORIZED})
PARKED = (Parked, {"status": ChannelStatus.PARKED})
SLOW_NUMBER = (Deferred, {"pace": Pace.NUMBER, "after_seconds": None, "is_our_fault": False, "is_outage": False})
SLOW_CUSTOMER = (Deferred, {"pace": Pace.CUSTOMER, "after_seconds": None})
AMBIGUOUS = (Ambiguous, {"rest_seconds": None})
WINDOW = (Refused, {"is_window": True, "is_our_fault": False})
FINAL = (Refused, {"is_window": False, "is_our_fault": False})
OUR_FAULT = (Refused, {"is_window": False, "is_our_fault": True})

ROWS: list[tuple[tuple[int, ...], tuple[type, dict[str, Any]]]] = [
    ((0, 102, 104, 190), UNAUTHORIZED),
    ((3, 10, 200, 210, 299, 131005), UNAUTHORIZED),
    ((4, 17, 32, 613, 80007, 130429), SLOW_NUMBER),
    ((131056,), SLOW_CUSTOMER),
    ((1, 2, 131000, 131016), AMBIGUOUS),
    ((131057,), (Ambiguous, {"rest_seconds": 60.0})),
    ((131047,), WINDOW),
    ((131026, 130403, 131030, 131062, 551), FINAL),
    ((131050,), FINAL),
    ((368, 130497, 131031, 131037, 131042, 131044, 131045, 131048, 131064, 133016, 134011), PARKED),
    ((131049, 130472), FINAL),
    ((33, 100, 131008, 131009, 131021, 131051, 131060, 131063, 135000, 137000), OUR_FAULT),
    ((131052, 131053, 36000), FINAL),
    ((132000, 132001, 132005, 132007, 132012, 132015, 132016, 132018, 132068, 132069), FINAL),
    ((133004,), (Deferred, {"pace": Pace.NUMBER, "after_seconds": 20.0, "is_our_fault": True})),
    ((133000, 133005, 133010, 133015), OUR_FAULT),
    ((2534023,), FINAL),
    ((424242,), OUR_FAULT),
]
PAIRS = [
    ((10, 2534022), WINDOW),
    ((10, 2018278), WINDOW),
    ((10, 1), UNAUTHORIZED),
    ((190, 460), UNAUTHORIZED),
    ((190, 463), UNAUTHORIZED),
    ((190, 467), UNAUTHORIZED),
    ((100, 33), OUR_FAULT),
    ((100, 2593002), OUR_FAULT),
    ((100, 2207004), FINAL),
    ((36000, 2207004), FINAL),
    ((4, 2446079), SLOW_NUMBER),
    ((80007, 2446079), SLOW_NUMBER),
    ((130429, 2494055), SLOW_NUMBER),
    ((2, 1349174), AMBIGUOUS),
    ((200, 1349174), UNAUTHORIZED),
    ((10, 2534023), FINAL),
]
CASES = [((code, None), expected) for codes, expected in ROWS for code in codes] + PAIRS
STATUSES = (200, 400, 401, 403, 409, 429, 500, 503)


def _is(outcome: object, expected: tuple[type, dict[str, Any]]) -> bool:
    kind, fields = expected
    return type(outcome) is kind and all(getattr(outcome, name) == value for name, value in fields.items())


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as http:
        yield http


@pytest.mark.parametrize(("error", "expected"), CASES, ids=str)
async def test_each_error_has_its_outcome_on_both_platforms_and_was_one_call(
    http, meta_process, meta_controls, error, expected
) -> None:
    graph = Graph(http, meta_process.url, "v23.0")
    fault = {"http_status": 400, "code": error[0], "subcode": error[1]}
    await meta_controls.script({"then": {"error": fault}})

    for channel, gateway in (
        (ChannelType.WHATSAPP, WhatsAppGateway(graph)),
        (ChannelType.INSTAGRAM, InstagramGateway(graph)),
    ):
        briefing = Briefing("prm_1", 1, a_voice(), channel, "42", "EAAG-token")
        outcome = await gateway.send(briefing, OutboundText(an_id(), "4917012345", "Until six.", 5.0))
        assert _is(outcome, expected), outcome
        assert (outcome.error["code"], outcome.error["subcode"]) == error

    records = (await meta_controls.call("GET", "journal", kind="message"))["records"]
    assert [(record["accepted"], record["code"]) for record in records] == [(False, error[0])] * 2


@pytest.mark.parametrize(("error", "expected"), [case for case in CASES if case[0][0] != 424242], ids=str)
def test_the_code_decides_whatever_the_status_and_however_it_is_written(error, expected) -> None:
    code, subcode = error
    for status in STATUSES:
        for written in (code, str(code), float(code)):
            told = {"code": written, "error_subcode": subcode and str(subcode), "is_transient": True}
            assert _is(outcome_of_error(status, told, None), expected), (status, written)


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (400, {"code": 424242, "is_transient": True}, (Deferred, {"pace": None})),
        (400, {"code": 424242, "is_transient": False}, OUR_FAULT),
        (400, {"code": 424242, "is_transient": "yes"}, OUR_FAULT),
        (200, {"code": 424242}, OUR_FAULT),
        (429, {"code": 424242}, SLOW_NUMBER),
        (429, {}, SLOW_NUMBER),
        (404, {}, OUR_FAULT),
        (500, {"code": 424242}, AMBIGUOUS),
        # A server that failed may have sent it first, whatever it calls itself.
        (503, {"code": 424242, "is_transient": True}, AMBIGUOUS),
        (400, {"code": True}, OUR_FAULT),
        (400, {"code": None}, OUR_FAULT),
        (400, {"code": "1e5"}, OUR_FAULT),
        (400, {"code": float("inf")}, OUR_FAULT),
        (400, {"code": {"is": "odd"}, "type": 7, "fbtrace_id": []}, OUR_FAULT),
    ],
    ids=str,
)
def test_what_nobody_described_is_judged_by_its_status(status, error, expected) -> None:
    assert _is(outcome_of_error(status, error, None), expected)


def test_how_long_to_wait_goes_before_the_table_s_own_word() -> None:
    assert _is(outcome_of_error(400, {"code": 133004}, 90.0), (Deferred, {"after_seconds": 90.0}))
    assert _is(outcome_of_error(400, {"code": 131056}, 6.0), (Deferred, {"after_seconds": 6.0}))
