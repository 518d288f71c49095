"""The looks around that open and resolve alerts: for each kind, what is `due` to be alerted and what is `over`.

Each names them in two expressions, whose rows are (user_id, subject, detail) and (subject).
"""

from __future__ import annotations

from typing import LiteralString

from domain.monitoring import AlertKind

OPEN_ALERT: LiteralString = """
open_alert as (
    select id, user_id, subject, opened_at, last_seen_at from alerts where kind = %(kind)s and resolved_at is null
)
"""
NOTHING_DUE: LiteralString = "due as (select null::uuid as user_id, '' as subject, '' as detail where false)"

# What is open already is not counted again: it is looked at every second. Whoever is being erased is left out, since
# an alert of theirs would wait for that and then be refused; what another sweeper is resolving is left to it.
OPEN_AND_RESOLVE: LiteralString = """
, owner as (
    select id from users where id in (select user_id from due) order by id for key share skip locked
), opened as (
    insert into alerts (user_id, kind, subject, detail)
    select due.user_id, %(kind)s, due.subject, due.detail from due left join owner on owner.id = due.user_id
    where (due.user_id is null or owner.id is not null)
        and not exists (select from open_alert o where o.subject = due.subject)
    order by due.subject
    on conflict (kind, subject) where resolved_at is null do nothing
    returning user_id, subject
), ended as (
    select id from alerts where kind = %(kind)s and resolved_at is null and subject in (select subject from over)
    order by id for update skip locked
), resolved as (
    update alerts set resolved_at = clock_timestamp() where id in (select id from ended)
    returning user_id, subject
)
select true, user_id, subject from opened union all select false, user_id, subject from resolved
"""

# The messages of undecided turns, and not the turns of undecided messages, for which all of them would be read.
SENDS: LiteralString = """
undecided as (
    select m.id::text as subject, t.user_id, t.ended_at
    from turns t cross join lateral (
        select m.id, m.direction, m.status from messages m where m.turn_id = t.id offset 0
    ) m where t.status = 'undecided' and m.direction = 'outbound' and m.status = 'unknown'
), due as (
    select user_id, subject, 'The platform has not said whether it took this message.' as detail from undecided
    where ended_at <= clock_timestamp() - %(opens_at)s * interval '1 second'
), over as (
    select subject from open_alert o where not exists (select from undecided u where u.subject = o.subject)
)
"""
# Users are found by skipping from one to the next in the index: one of them may have any number of blocked messages.
# A top-up resolves the alert itself. Here only the alert goes that was opened while that happened.
CREDITS: LiteralString = """
blocked (user_id) as (
    (select user_id from messages where status = 'blocked' order by user_id limit 1)
    union all
    select (select m.user_id from messages m where m.status = 'blocked' and m.user_id > b.user_id order by 1 limit 1)
    from blocked b where b.user_id is not null
), due as (
    select user_id, user_id::text as subject,
        'Messages wait for credits; a top-up resumes what is still worth answering.' as detail
    from blocked where user_id is not null
), over as (
    select subject from open_alert o join credit_accounts c on c.user_id = o.user_id
    where c.balance - c.held >= %(price)s and not exists (select from blocked b where b.user_id = o.user_id)
)
"""
BALANCES: LiteralString = """
watched as (
    select u.id as user_id, u.id::text as subject, u.low_balance_threshold as threshold, a.balance - a.held as available
    from users u join credit_accounts a on a.user_id = u.id where u.low_balance_threshold is not null
), due as (
    select user_id, subject, 'Fewer credits are available than the threshold; a top-up above it ends this.' as detail
    from watched where available < threshold
), over as (
    select subject from open_alert o
    where not exists (select from watched w where w.subject = o.subject and w.available <= w.threshold)
)
"""
SET_ASIDE: LiteralString = """
{nothing_due}, over as (
    select o.subject from open_alert o left join messages m on m.id = o.subject::uuid
    where m.id is null or o.opened_at <= clock_timestamp() - %(ends_at)s * interval '1 day' or exists (
        select from messages later
        where later.conversation_id = m.conversation_id and later.sequence_number > m.sequence_number
            and later.direction = 'inbound' and later.status = 'answered'
    )
)
"""
# It was about the phone number and not about one message: whatever is taken from there later ends it.
REFUSED: LiteralString = """
{nothing_due}, over as (
    select o.subject from open_alert o left join phone_numbers n on n.id = o.subject::uuid
    where n.id is null or o.last_seen_at <= clock_timestamp() - %(ends_at)s * interval '1 day' or exists (
        select from messages later
        where later.phone_number_id = n.id and later.created_at > o.last_seen_at
            and later.author = 'agent' and later.status in ('sent', 'delivered', 'read')
    )
)
"""
# Whoever mends the phone number resolves these; who removes it does not.
OF_A_NUMBER: LiteralString = """
{nothing_due}, over as (
    select subject from open_alert o where not exists (select from phone_numbers n where n.id = o.subject::uuid)
)
"""
AUTO_REPLIERS: LiteralString = """
{nothing_due}, over as (
    select subject from open_alert o where not exists (
        select from conversations c
        where c.id = o.subject::uuid and c.status = 'active' and c.paused_reason = 'auto_replier'
    )
)
"""
# One entry for each conversation that waits or is worked on, as the queue counts them. What a person has paused waits
# for that person, and a parked number has an alert of its own. All of it is read only where all of it counts: one look
# needs what has waited so long, one nothing at all while no alert is open.
BACKLOG: LiteralString = """
waiting as (
    select c.phone_number_id, c.id as conversation_id,
        greatest(coalesce(m.status_at, m.created_at), coalesce(c.paused_until, '-infinity')) as since
    from messages m join conversations c on c.id = m.conversation_id
    where m.status = 'received' and m.turn_id is null and c.status = 'active' and c.agent_id is not null
        and (c.paused_until is null or c.paused_until <= clock_timestamp())
        and m.created_at <= now() - {age} * interval '1 second' and {if}
    union all
    select phone_number_id, conversation_id, begun_at from turns
    where status = 'open' and begun_at <= now() - {age} * interval '1 second' and {if}
), backlog as (
    select n.id::text as subject, n.user_id, count(distinct w.conversation_id) as depth,
        extract(epoch from clock_timestamp() - min(w.since)) as oldest_seconds
    from waiting w join phone_numbers n on n.id = w.phone_number_id where n.status = 'active' group by n.id
)
"""
FILLING: LiteralString = """
{backlog}, due as (
    select user_id, subject, depth || ' turns wait: the queue is nearly full.' as detail
    from backlog where depth >= %(opens_at)s
), over as (
    select subject from open_alert o
    where not exists (select from backlog b where b.subject = o.subject and b.depth >= %(ends_at)s)
)
"""
OVERFLOW: LiteralString = """
{backlog}, {nothing_due}, over as (
    select subject from open_alert o
    where not exists (select from backlog b where b.subject = o.subject and b.depth >= %(ends_at)s)
)
"""
OVERDUE: LiteralString = """
{backlog}, due as (
    select user_id, subject, 'Customers have waited for an answer longer than they should.' as detail
    from backlog where oldest_seconds >= %(opens_at)s
), over as (
    select subject from open_alert o
    where not exists (select from backlog b where b.subject = o.subject and b.oldest_seconds > %(ends_at)s)
)
"""
SILENT: LiteralString = """
silent as (
    select id::text as subject, extract(epoch from clock_timestamp() - lease_until) as seconds,
        coalesce(' on ' || host, '') || coalesce(', process ' || process_id, '') as place
    from workers
), due as (
    select null::uuid as user_id, subject, 'A worker' || place || ' is dead or stuck: nothing is heard of it.' as detail
    from silent where seconds >= %(opens_at)s and seconds < %(ends_at)s
), over as (
    select subject from open_alert o
    where not exists (select from silent s where s.subject = o.subject and s.seconds > 0 and s.seconds < %(ends_at)s)
)
"""
GONE: LiteralString = """
{backlog}, due as (
    select null::uuid as user_id, 'workers' as subject, 'Messages wait and no worker is alive.' as detail
    where exists (select from backlog where oldest_seconds >= %(opens_at)s)
), over as (
    select subject from open_alert where exists (select from workers where lease_until > clock_timestamp())
)
"""
NOBODY_ALIVE: LiteralString = "not exists (select from workers where lease_until > clock_timestamp())"
# The last word on each account counts, for each field by itself. A restriction may say until when it holds. The
# quality is told of one number among those of a business, by the digits that people see.
RESTRICTED: LiteralString = r"""
told as (
    select n.id, n.user_id, c.field, c.occurred_at, c.received_at, c.content,
        coalesce(c.content #>> '{ban_info,waba_ban_state}', c.content ->> 'event') as word
    from channel_notices c join phone_numbers n on n.type = c.type
        and (c.account = n.account or c.account is null and c.business = n.business)
    where c.field in ('account_update', 'phone_number_quality_update') and (
        c.field = 'account_update' or n.number is null or c.content ->> 'display_phone_number' is null
        or regexp_replace(c.content ->> 'display_phone_number', '\D', '', 'g') = regexp_replace(n.number, '\D', '', 'g')
    )
), last_word as (
    select distinct on (id, field) * from told where word = any (%(restricting)s::text[] || %(lifting)s::text[])
    order by id, field, occurred_at desc, received_at desc
), restricted as (
    select id::text as subject, user_id, min(word) as word from last_word
    where word = any (%(restricting)s) and coalesce((
        select max((one ->> 'expiration')::double precision) from jsonb_array_elements(
            case jsonb_typeof(content -> 'restriction_info')
                when 'array' then content -> 'restriction_info' else '[]' end
        ) one where one ->> 'expiration' ~ '^\d{1,15}$'
    ), 'infinity') > extract(epoch from clock_timestamp())
    group by id, user_id
), due as (
    select user_id, subject, 'The platform restricts this account: ' || word || '.' as detail from restricted
), over as (
    select subject from open_alert o where not exists (select from restricted r where r.subject = o.subject)
)
"""
# One that is refused by now has an alert of its own.
TOKENS: LiteralString = """
ageing as (
    select id::text as subject, user_id, token_expires_at,
        extract(epoch from token_expires_at - clock_timestamp()) / 86400 as days
    from phone_numbers
    where access_token is not null and token_expires_at is not null and status <> 'unauthorized'
), due as (
    select user_id, subject, 'The access token ends at ' || moment(token_expires_at) || '; set a new one.' as detail
    from ageing where days <= %(opens_at)s
), over as (
    select subject from open_alert o
    where not exists (select from ageing a where a.subject = o.subject and a.days < %(ends_at)s)
)
"""
MODELS_ENDING: LiteralString = """
ending as (
    select * from unnest(%(models)s::text[], %(days)s::date[]) as ends (model, day)
), named as (
    select p.id as subject, p.user_id, v.model
    from agents a join prompts p on p.id = a.own_prompt_id
    join prompt_versions v on v.prompt_id = p.id and v.version = coalesce(a.prompt_version, p.latest_version)
    where a.phone_number_id is not null
    union all
    select setting, null, model from unnest(%(settings)s::text[], %(set_models)s::text[]) as set_by (setting, model)
), in_use as (
    select distinct on (subject) subject, user_id, model, day from named join ending using (model) order by subject, day
), due as (
    select user_id, subject, 'The model ' || model || ' that this names is shut down on ' || day || '.' as detail
    from in_use
), over as (
    select subject from open_alert o where not exists (select from in_use i where i.subject = o.subject)
)
"""


def _backlog(age: LiteralString = "0", condition: LiteralString = "true") -> LiteralString:
    """What has waited for `age` seconds; read only under that condition."""
    return BACKLOG.replace("{age}", age).replace("{if}", condition)


def _look(causes: LiteralString, backlog: LiteralString = "") -> LiteralString:
    """The whole statement for one kind."""
    named = causes.replace("{backlog}", backlog).replace("{nothing_due}", NOTHING_DUE)
    return "with recursive " + OPEN_ALERT + ", " + named + OPEN_AND_RESOLVE


MODELS = _look(MODELS_ENDING)
LOOKS = {
    AlertKind.SEND_UNDECIDED: _look(SENDS),
    AlertKind.CREDITS_EXHAUSTED: _look(CREDITS),
    AlertKind.LOW_BALANCE: _look(BALANCES),
    AlertKind.MESSAGE_SET_ASIDE: _look(SET_ASIDE),
    AlertKind.REQUEST_REFUSED: _look(REFUSED),
    AlertKind.ACCESS_REFUSED: _look(OF_A_NUMBER),
    AlertKind.CHANNEL_PARKED: _look(OF_A_NUMBER),
    AlertKind.AUTO_REPLIER: _look(AUTO_REPLIERS),
    AlertKind.QUEUE_FILLING: _look(FILLING, _backlog()),
    AlertKind.QUEUE_OVERFLOW: _look(OVERFLOW, _backlog(condition="exists (select from open_alert)")),
    AlertKind.REPLY_OVERDUE: _look(OVERDUE, _backlog(age="%(ends_at)s")),
    AlertKind.WORKER_SILENT: _look(SILENT),
    AlertKind.WORKERS_GONE: _look(GONE, _backlog(age="%(opens_at)s", condition=NOBODY_ALIVE)),
    AlertKind.CHANNEL_RESTRICTED: _look(RESTRICTED),
    AlertKind.TOKEN_ENDING: _look(TOKENS),
}
