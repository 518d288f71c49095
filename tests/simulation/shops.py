"""The businesses of the simulated world, the same in each: two users, three phone numbers, an agent on each."""

from __future__ import annotations

from random import Random

from domain.channels import ChannelType, InboundMessage, PhoneNumber
from domain.credits import Account, EntryKind
from tests.builders import a_phone_number, a_prompt, a_user, an_agent
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.memory_store import MemoryStore
from tests.fakes.vault import PlainVault

USERS = (a_user(), a_user())
NUMBERS = (a_phone_number(USERS[0].id), a_phone_number(USERS[0].id), a_phone_number(USERS[1].id))
PROMPTS = tuple(a_prompt(number.user_id) for number in NUMBERS)
AGENTS = tuple(
    an_agent(number.user_id, phone_number_id=number.id, prompt_id=prompt.id)
    for number, prompt in zip(NUMBERS, PROMPTS, strict=True)
)
VAULT = PlainVault()
TOKENS = tuple(VAULT.seal("EAAG", number.id) for number in NUMBERS)
CUSTOMERS = ("491701", "491702")


def open_shops(store: MemoryStore, random: Random) -> None:
    """Put users, numbers and agents into the store; some users have hardly any credit."""
    for user in USERS:
        store.users[user.id] = user
        credits_ = random.choice((1, 2, 100, 100, 100))
        store.accounts[user.id] = Account()
        store.move_credits(user.id, EntryKind.ADD, credits_, None, None)
    for prompt in PROMPTS:
        store.prompts[prompt.id] = [prompt]
    for number, agent, token in zip(NUMBERS, AGENTS, TOKENS, strict=True):
        store.phone_numbers[number.id] = number
        store.agents[agent.id] = agent
        store.sealed_tokens[number.id] = token


def letters(random: Random, how_many: int) -> list[InboundMessage]:
    """What the customers of one run write; few of them, so that most write more than once."""
    chairs = [(random.choice(NUMBERS), random.choice(CUSTOMERS)) for _ in range(random.randrange(1, 4))]
    return [_letter(place, *random.choice(chairs)) for place in range(how_many)]


def _letter(place: int, number: PhoneNumber, address: str) -> InboundMessage:
    account = number.meta_phone_number_id or ""
    return InboundMessage(
        ChannelType.WHATSAPP, account, address, None, f"wamid.in.{place}", "text", f"q{place}", MONDAY_MORNING
    )
