-- migrate:up

-- What a person should look at. user_id is null for what is the house's own.
create table alerts (
    id uuid primary key default gen_random_uuid(),
    user_id uuid references users on delete cascade,
    -- The kinds are listed in domain.monitoring; a new one needs no migration.
    kind text not null check (kind ~ '^[a-z_]{1,60}$'),
    subject text not null check (length(subject) between 1 and 200),
    detail text not null,
    opened_at timestamptz not null default clock_timestamp(),
    last_seen_at timestamptz not null default clock_timestamp(),
    resolved_at timestamptz,
    times bigint not null default 1 check (times >= 1),
    check (last_seen_at >= opened_at),
    check (resolved_at >= opened_at)
);
-- One open alert for each cause, whoever reports it.
create unique index alerts_one_open on alerts (kind, subject) where resolved_at is null;
create index alerts_in_order on alerts (opened_at, id);
create index alerts_of_user on alerts (user_id, opened_at, id);
-- The open ones are a handful among all that ever were.
create index alerts_open_in_order on alerts (opened_at, id) where resolved_at is null;
create index alerts_open_of_user on alerts (user_id, opened_at, id) where resolved_at is null;

-- Give up messages that have been blocked too long. Conversations that somebody is writing in are left
-- for the next round; the others are locked in everyone's order, so that no turn can begin with what is given up here.
create function expire_blocked(p_seconds double precision, p_limit integer) returns bigint
language plpgsql as $$
declare
    v_message_id uuid[];
    v_conversation_id uuid[];
    v_expired bigint;
begin
    select array_agg(id), array_agg(distinct conversation_id) into v_message_id, v_conversation_id from (
        select id, conversation_id from messages
        where status = 'blocked' and created_at <= clock_timestamp() - p_seconds * interval '1 second'
        order by created_at limit p_limit
    ) old;
    if v_message_id is null then
        return 0;
    end if;

    select array_agg(id) into v_conversation_id from (
        select id from conversations where id = any (v_conversation_id)
        order by phone_number_id, customer_id, id for no key update skip locked
    ) locked;
    perform from credit_accounts
        where user_id in (select user_id from conversations where id = any (v_conversation_id))
        order by user_id for no key update;

    update messages set status = 'unanswerable', reason = 'waited_too_long', status_at = now()
    where id = any (v_message_id) and conversation_id = any (v_conversation_id) and status = 'blocked';
    get diagnostics v_expired = row_count;
    return v_expired;
end $$;

-- Send a failed reply again: a new open turn takes over what the failed one was to answer, and the reply goes back to
-- pending. Who claims the conversation next finds a turn that nobody holds and only delivers it.
-- outcome: retried | unknown | not_failed | agent_gone | turn_under_way | insufficient_credits
create function retry_message(p_user_id uuid, p_message_id uuid, p_turn_id uuid) returns text
language plpgsql as $$
declare
    v_failed record;
begin
    perform from conversations
        where id = (select conversation_id from messages where id = p_message_id and user_id = p_user_id) for no key update;
    if not found then
        return 'unknown';
    end if;
    perform from credit_accounts where user_id = p_user_id for no key update;

    -- Read again behind the locks: whoever retried first has changed it.
    select m.direction, m.status as message_status, t.id, t.conversation_id, t.phone_number_id, t.agent_id, t.price,
        t.prompt_id, t.prompt_version, t.model, t.response_id
    into v_failed from messages m left join turns t on t.id = m.turn_id where m.id = p_message_id;
    if v_failed.direction <> 'outbound' or v_failed.message_status <> 'failed' or v_failed.id is null then
        return 'not_failed';
    end if;
    if exists (select from turns where conversation_id = v_failed.conversation_id and status = 'open') then
        return 'turn_under_way';
    end if;
    if not exists (select from agents where id = v_failed.agent_id) then
        return 'agent_gone';
    end if;
    if (select balance - held from credit_accounts where user_id = p_user_id) < v_failed.price then
        return 'insufficient_credits';
    end if;

    -- What made the reply stands at both turns; the tokens were used once and stay where they were counted.
    insert into turns (id, user_id, conversation_id, phone_number_id, agent_id, price,
        prompt_id, prompt_version, model, response_id)
    values (p_turn_id, p_user_id, v_failed.conversation_id, v_failed.phone_number_id, v_failed.agent_id, v_failed.price,
        v_failed.prompt_id, v_failed.prompt_version, v_failed.model, v_failed.response_id);
    insert into credit_entries (user_id, kind, amount, balance_change, held_change, turn_id)
    select p_user_id, 'hold', v_failed.price, 0, v_failed.price, p_turn_id where v_failed.price > 0;
    update credit_accounts set held = held + v_failed.price where user_id = p_user_id;

    update messages set turn_id = p_turn_id, status = 'received', reason = null, error = null, status_at = now()
    where turn_id = v_failed.id and direction = 'inbound';
    update messages set turn_id = p_turn_id, status = 'pending', error = null, status_at = now(),
        former_platform_message_ids = array_remove(former_platform_message_ids || platform_message_id, null),
        platform_message_id = null
    where id = p_message_id;
    return 'retried';
end $$;

-- migrate:down

drop function retry_message;
drop function expire_blocked;
drop table alerts;
