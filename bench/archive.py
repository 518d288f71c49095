"""A user who has been with us for long: a million stored messages, written past all use cases, in a minute."""

from __future__ import annotations

import time

import psycopg

from bench.house import House, call

MESSAGES = 1_000_000
A_CONVERSATION = 20
"""Messages of one customer; the numbers below follow from it."""

STATISTICS_SECONDS_MAX = 180.0
UNKNOWN = "select n_mod_since_analyze from pg_stat_user_tables where relname = 'messages'"

STATEMENTS = (
    "select set_config('role', 'frontdesk_house', true)",
    """
    create temporary table chats on commit drop as
    select number, gen_random_uuid() as id, gen_random_uuid() as customer_id,
        now() - (%(messages)s - number * %(each)s) * interval '10 seconds' as began_at
    from generate_series(1, %(messages)s / %(each)s) number
    """,
    """
    insert into customers (id, user_id, type, address, name)
    select customer_id, %(user_id)s, 'whatsapp', (4915100000000 + number)::text, 'A customer' from chats
    """,
    """
    insert into conversations (id, user_id, phone_number_id, agent_id, customer_id, status, last_sequence_number,
        last_activity_at, created_at)
    select id, %(user_id)s, %(phone_number_id)s, %(agent_id)s, customer_id,
        case when number %% 10 = 0 then 'active' else 'archived' end, %(each)s,
        began_at + interval '190 seconds', began_at
    from chats
    """,
    """
    insert into messages (id, user_id, conversation_id, phone_number_id, sequence_number, direction, author, type, text,
        status, platform_message_id, created_at, status_times)
    select gen_random_uuid(), %(user_id)s, chats.id, %(phone_number_id)s, place,
        case when place %% 2 = 1 then 'inbound' else 'outbound' end,
        case when place %% 2 = 1 then 'customer' else 'agent' end,
        'text', 'Do you have a room for two on Friday? We come by train and leave on Sunday.',
        case when place %% 2 = 1 then 'answered' when number %% 5000 = 0 then 'failed' else 'read' end,
        'wamid.' || number || '-' || place, began_at + place * interval '10 seconds',
        case when place %% 2 = 0 then '{"sent": "2026-11-22T10:00:00Z", "read": "2026-11-22T10:00:05Z"}'::jsonb
            else '{}'::jsonb end
    from chats cross join generate_series(1, %(each)s) place order by chats.number, place
    """,
)


def stored(house: House, messages: int = MESSAGES) -> tuple[str, str]:
    """Store `messages` messages of a new user; the user's id and key."""
    admin = {"Authorization": f"Bearer {house.ready['admin_api_key']}"}
    root = house.ready["rest_url"]
    user = call("POST", f"{root}/users", {"name": "Archive"}, admin)
    path = f"{root}/users/{user['id']}"
    number = call("POST", f"{path}/phone_numbers", {"type": "whatsapp", "meta_phone_number_id": user["id"]}, admin)
    agent = call("POST", f"{path}/agents", {"name": "Ann", "prompt_id": "pmpt_1"}, admin)
    values = {"user_id": user["id"], "phone_number_id": number["id"], "agent_id": agent["id"]}
    with psycopg.connect(house.ready["database_url"]) as connection:
        for statement in STATEMENTS:
            connection.execute(statement, {**values, "messages": messages, "each": A_CONVERSATION})
    _wait_for_statistics(house.ready["database_url"], messages)
    return user["id"], user["api_key"]


def _wait_for_statistics(url: str, messages: int) -> None:
    """Return when the server knows what has been stored: before, it plans as if the table were empty.

    It looks by itself once a minute; only the tables' owner could tell it to.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        deadline = time.monotonic() + STATISTICS_SECONDS_MAX
        while time.monotonic() < deadline:
            ((unknown,),) = connection.execute(UNKNOWN).fetchall()
            if unknown < messages / 5:
                return
            time.sleep(1)
