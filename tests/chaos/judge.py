"""The judge: believes the simulators' journals, the 200 of a webhook and what SQL shows, and nothing else."""

import math
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from tests.chaos.load import Written
from tests.rig.house import Simulator, Tenant
from tests.rig.waiting import until

QUIET_SECONDS = 240.0
MARK = re.compile(r"#\d+\.(\d+)#")


@dataclass
class Verdict:
    """What went wrong, which must be nothing, and what a person was told."""

    lost: int = 0
    duplicates: int = 0
    disordered: int = 0
    wrong_charges: int = 0
    heard_twice: int = 0
    silent: int = 0
    """Replies of unknown outcome that nobody was alerted to."""
    replies: int = 0
    undecided: int = 0
    unanswered: int = 0

    def assert_flawless(self) -> None:
        told = {"replies", "undecided", "unanswered"}
        assert not {name: value for name, value in asdict(self).items() if value and name not in told}, self


def judge(tenant: Tenant, written: Sequence[Written], credits: int, seconds: float = QUIET_SECONDS) -> Verdict:
    """The verdict over a tenant whose customers wrote these and nothing else, once all is quiet."""
    wait_for_quiet(tenant, seconds)
    sends = tenant.sends()
    replies, asked = _replies(tenant), _asked(tenant)
    verdict = Verdict(replies=len(sends), undecided=sum(reply["status"] == "unknown" for reply in replies.values()))
    verdict.silent = sum(reply["status"] == "unknown" and not reply["alerted"] for reply in replies.values())
    verdict.unanswered = sum(status == "unanswerable" for status, _ in asked.values())
    verdict.duplicates = _repeated(_reply_id(send) for send in sends)
    verdict.duplicates += _repeated(replies[_reply_id(send)]["turn"] for send in sends)
    accepted = {replies[_reply_id(send)]["turn"] for send in sends}
    undecided = {reply["turn"] for reply in replies.values() if reply["status"] == "unknown"}
    verdict.lost = sum(not _has_an_end(asked.get(each.wamid), accepted, undecided) for each in written)
    verdict.disordered = _disordered(sends)
    _listen(tenant, verdict)
    balance, held = tenant.credits()
    verdict.wrong_charges = abs(credits - balance - len(accepted)) + abs(held - len(undecided))
    tenant.house.assert_consistent()
    return verdict


def wait_for_quiet(tenant: Tenant, seconds: float) -> None:
    """Until nothing is under way: no turn, no status of Meta's, and no reply that somebody is still to be told of."""
    house = tenant.house
    until(lambda: _under_way(tenant) == 0, seconds, lambda: str(house.sql(_OPEN, tenant.id)))
    until(lambda: house.meta.control("GET", "deliveries")["under_way"] == 0, seconds)
    until(lambda: not [each for each in _replies(tenant).values() if _is_silent(each)], 30, lambda: "unknown, silent")


def recoveries(tenant: Tenant, struck: Sequence[tuple[float, Any]]) -> list[float]:
    """From each (moment, turn) to Meta's acceptance of that turn's reply, in seconds, the shortest first.

    A turn whose reply's outcome is unknown is left out: the verdict counts it. One without any reply took for ever.
    """
    replies = _replies(tenant)
    undecided = {reply["turn"] for reply in replies.values() if reply["status"] == "unknown"}
    accepted = {replies[_reply_id(send)]["turn"]: send["time"] for send in tenant.sends()}
    return sorted(accepted.get(turn, math.inf) - at for at, turn in struck if turn not in undecided)


def share(seconds: Sequence[float], portion: float) -> float:
    """What the given portion stays below."""
    return seconds[min(len(seconds) - 1, int(portion * len(seconds)))] if seconds else 0.0


def _under_way(tenant: Tenant) -> int:
    time.sleep(0.25)
    ((count,),) = tenant.house.sql(_UNDER_WAY, tenant.id)
    return count


def _is_silent(reply: dict[str, Any]) -> bool:
    return reply["status"] == "unknown" and not reply["alerted"]


def _replies(tenant: Tenant) -> dict[str, dict[str, Any]]:
    rows = tenant.house.sql(_REPLIES, tenant.id)
    return {str(id_): {"turn": turn, "status": status, "alerted": alerted} for id_, turn, status, alerted in rows}


def _asked(tenant: Tenant) -> dict[str, tuple[str, Any]]:
    return {wamid: (status, turn) for wamid, status, turn in tenant.house.sql(_ASKED, tenant.id)}


def _has_an_end(found: tuple[str, Any] | None, accepted: set[Any], undecided: set[Any]) -> bool:
    """A message has ended well when Meta took its reply, or when somebody was told why there is none."""
    if found is None:
        return False
    status, turn = found
    return status in {"unanswerable", "blocked"} or (turn in accepted if status == "answered" else turn in undecided)


def _reply_id(send: dict[str, Any]) -> str:
    """Ours, which comes first in what travels along; behind it stands the message that it answers."""
    return send["callback_data"].partition(" ")[0]


def _repeated(things: Any) -> int:
    return sum(count - 1 for count in Counter(things).values())


def _disordered(sends: list[dict[str, Any]]) -> int:
    """Replies quote the last message they answer: in each conversation its place grows from reply to reply."""
    places: dict[str, list[int]] = {}
    for send in sends:
        places.setdefault(send["to"], []).append(int(MARK.findall(send["text"])[-1]))
    return sum(later <= earlier for each in places.values() for earlier, later in pairwise(each))


def _listen(tenant: Tenant, verdict: Verdict) -> None:
    """What the model heard, from its own conversations."""
    for (conversation_id,) in tenant.house.sql(_MODEL_CONVERSATIONS, tenant.id):
        heard = [int(place) for text in _heard(tenant.house.openai, conversation_id) for place in MARK.findall(text)]
        verdict.heard_twice += _repeated(heard)
        verdict.disordered += sum(later < earlier for earlier, later in pairwise(heard))


def _heard(openai: Simulator, conversation_id: str) -> list[str]:
    return openai.heard(conversation_id)


_OPEN = """
select m.direction, m.status, t.status, count(*) from messages m left join turns t on t.id = m.turn_id
where m.user_id = %s group by 1, 2, 3
"""
_UNDER_WAY = """
select count(*) from messages m left join turns t on t.id = m.turn_id
where m.user_id = %s and (m.status in ('pending', 'sending')
    or m.status = 'received' and coalesce(t.status, 'open') = 'open')
"""
_REPLIES = """
select m.id, m.turn_id, m.status,
    exists (select from alerts a where a.kind = 'send_undecided' and a.subject = m.id::text)
from messages m where m.user_id = %s and m.direction = 'outbound'
"""
_ASKED = """
select m.platform_message_id, m.status, m.turn_id from messages m where m.user_id = %s and m.direction = 'inbound'
"""
_MODEL_CONVERSATIONS = """
select openai_conversation_id from conversations where user_id = %s and openai_conversation_id is not null
"""
