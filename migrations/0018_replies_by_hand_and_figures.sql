-- migrate:up

-- squawk-ignore-file require-concurrent-index-creation, require-concurrent-index-deletion
-- The turns of an hour are few pages at the end of this index; it is built in a moment beside what was ever answered.

-- The figures of the last hour are read from the turns that ended in it.
create index turns_ended on turns (ended_at) where ended_at is not null;

-- Write down what a person replies through us: in an open turn of its own that costs nothing, with the reply pending, for a
-- worker to send. What the customer wrote and nobody has begun to answer is answered by it, and the agent pauses as it does
-- when a person replies elsewhere.
-- outcome: written | unknown | archived | no_agent | not_heard (the customer
-- has never written in it) | turn_under_way
create function reply_by_hand(p_user_id uuid, p_conversation_id uuid, p_turn_id uuid, p_message_id uuid, p_text text) returns text
language plpgsql set plan_cache_mode = force_custom_plan as $$
declare
    v_conversation conversations;
begin
    select * into v_conversation from conversations where id = p_conversation_id and user_id = p_user_id for no key update;
    if not found then
        return 'unknown';
    end if;
    if v_conversation.status <> 'active' then
        return 'archived';
    end if;
    if v_conversation.agent_id is null then
        return 'no_agent';
    end if;
    if not exists (select from messages where conversation_id = p_conversation_id and direction = 'inbound') then
        return 'not_heard';
    end if;
    if exists (select from turns where conversation_id = p_conversation_id and status = 'open') then
        return 'turn_under_way';
    end if;

    insert into turns (id, user_id, conversation_id, phone_number_id, agent_id, price)
    values (p_turn_id, p_user_id, p_conversation_id, v_conversation.phone_number_id, v_conversation.agent_id, 0);
    update messages set turn_id = p_turn_id, status = 'received', reason = null, status_at = now()
    where conversation_id = p_conversation_id and direction = 'inbound' and turn_id is null and status in ('received', 'blocked');
    insert into messages (id, user_id, conversation_id, phone_number_id, sequence_number, direction, author, type, text, status,
        turn_id, status_times)
    values (p_message_id, p_user_id, p_conversation_id, v_conversation.phone_number_id, v_conversation.last_sequence_number + 1,
        'outbound', 'human', 'text', p_text, 'pending', p_turn_id, jsonb_build_object('pending', moment(clock_timestamp())));
    update conversations set last_sequence_number = last_sequence_number + 1, last_activity_at = now(),
        human_replied_at = greatest(human_replied_at, now())
    where id = p_conversation_id;
    update conversations set paused_reason = 'human_replied', paused_until = pause.ends_at
    from (
        select now() + coalesce((settings ->> 'human_pause_minutes')::integer, 720) * interval '1 minute' as ends_at
        from phone_numbers
        where id = v_conversation.phone_number_id and coalesce((settings ->> 'human_pause_minutes')::integer, 720) > 0
    ) pause
    where id = p_conversation_id and coalesce(paused_until, '-infinity') < pause.ends_at;
    return 'written';
end $$;

-- What a person wrote through us is echoed like what an agent wrote: everything that a turn sends is ours.
do $$
begin
    execute replace(pg_get_functiondef('note_echo'::regproc), 'm.author = ''agent''', 'm.turn_id is not null');
end $$;

-- migrate:down

do $$
begin
    execute replace(pg_get_functiondef('note_echo'::regproc), 'm.turn_id is not null', 'm.author = ''agent''');
end $$;
drop function reply_by_hand;
drop index turns_ended;
