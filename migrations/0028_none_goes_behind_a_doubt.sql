-- migrate:up

-- A platform may take a message long after we have given up waiting for its answer. What is sent next then arrives
-- before it. So no turn goes on behind a reply of which nobody knows whether it was sent, until the platform has told,
-- or until the reply is called undecided and a person is asked.

-- The last reply of which nobody knew it when its turn ended. What is known by now, its row says.
alter table conversations add column in_doubt_id uuid;

-- Whether the platform may still take that reply.
create function is_in_doubt(p_message_id uuid, p_undecided_seconds double precision) returns boolean
language plpgsql as $$
begin
    return p_message_id is not null and exists (
        select from messages where id = p_message_id and status = 'unknown'
            and status_at > clock_timestamp() - p_undecided_seconds * interval '1 second'
    );
end $$;

-- Stays, for the migrations to come: it puts other words into what a function says, and no more.
-- Of some functions there is an earlier one too, with fewer parameters, for processes of then: that one is not meant.
create function function_of_today(p_name text) returns regprocedure
language sql stable as $$
    select oid from pg_proc where pronamespace = current_schema()::regnamespace and proname = p_name
    order by pronargs desc limit 1
$$;
create procedure change_function(p_name text, p_from text, p_to text)
language plpgsql as $$
declare
    v_definition text := pg_get_functiondef(function_of_today(p_name));
begin
    if position(p_from in v_definition) = 0 then
        raise exception '% does not say: %', p_name, p_from;
    end if;
    execute replace(v_definition, p_from, p_to);
end $$;

-- Workers of before call it without the seconds.
do $$
declare
    v_definition text := pg_get_functiondef(function_of_today('begin_turns'));
begin
    execute format('drop function %s', function_of_today('begin_turns'));
    execute replace(
        v_definition,
        'p_busy_seconds double precision)',
        'p_busy_seconds double precision, p_undecided_seconds double precision DEFAULT 60)'
    );
end $$;
call change_function(
    'begin_turns',
    '#variable_conflict use_column
begin',
    '#variable_conflict use_column
declare
    v_in_doubt uuid[];
begin'
);
call change_function(
    'begin_turns',
    '
    return query
    with item as (',
    '
    -- Until the platform has told what became of a reply, or has been waited for in vain, nothing is sent behind it.
    select coalesce(array_agg(c.id), ''{}'') into v_in_doubt
    from conversations c where c.id = any (p_conversation_id) and is_in_doubt(c.in_doubt_id, p_undecided_seconds);

    return query
    with item as ('
);
call change_function(
    'begin_turns',
    ' as alive, exists (
            select from phone_numbers n where n.id = t.phone_number_id and n.status <> ''active''
        ) as parked
',
    ' as alive, case
            when exists (select from phone_numbers n where n.id = t.phone_number_id and n.status <> ''active'') then ''parked''
            when t.conversation_id = any (v_in_doubt) then ''in_doubt''
        end as gate
'
);
call change_function(
    'begin_turns',
    'not o.alive and not o.parked and',
    'not o.alive and o.gate is null and'
);
call change_function(
    'begin_turns',
    'then ''parked'' when c.paused_until > clock_timestamp() then ''paused''
',
    'then ''parked'' when c.paused_until > clock_timestamp() then ''paused''
            when c.id = any (v_in_doubt) then ''in_doubt''
'
);
call change_function(
    'begin_turns',
    '            when exists (
                select from open_turn o where o.conversation_id = item.conversation_id and o.parked and not o.alive
            ) then ''parked''
            when exists (select from open_turn o where o.conversation_id = item.conversation_id) then ''busy''
',
    '            when exists (select from open_turn o where o.conversation_id = item.conversation_id) then (
                select case when o.alive then ''busy'' else coalesce(o.gate, ''busy'') end
                from open_turn o where o.conversation_id = item.conversation_id
            )
'
);
call change_function(
    'settle_turns',
    'openai_last_item_id = coalesce(ended.last_item_id, c.openai_last_item_id),
',
    'openai_last_item_id = coalesce(ended.last_item_id, c.openai_last_item_id),
            in_doubt_id = case when ended.status = ''undecided'' then ended.hand else c.in_doubt_id end,
'
);
call change_function(
    'settle_turns',
    '(ended.last_item_id is not null or ended.reason = ''auto_replier'')',
    '(ended.last_item_id is not null or ended.reason = ''auto_replier'' or ended.status = ''undecided'')'
);

-- migrate:down

call change_function(
    'settle_turns',
    '(ended.last_item_id is not null or ended.reason = ''auto_replier'' or ended.status = ''undecided'')',
    '(ended.last_item_id is not null or ended.reason = ''auto_replier'')'
);
call change_function(
    'settle_turns',
    'openai_last_item_id = coalesce(ended.last_item_id, c.openai_last_item_id),
            in_doubt_id = case when ended.status = ''undecided'' then ended.hand else c.in_doubt_id end,
',
    'openai_last_item_id = coalesce(ended.last_item_id, c.openai_last_item_id),
'
);
call change_function(
    'begin_turns',
    '            when exists (select from open_turn o where o.conversation_id = item.conversation_id) then (
                select case when o.alive then ''busy'' else coalesce(o.gate, ''busy'') end
                from open_turn o where o.conversation_id = item.conversation_id
            )
',
    '            when exists (
                select from open_turn o where o.conversation_id = item.conversation_id and o.parked and not o.alive
            ) then ''parked''
            when exists (select from open_turn o where o.conversation_id = item.conversation_id) then ''busy''
'
);
call change_function(
    'begin_turns',
    'then ''parked'' when c.paused_until > clock_timestamp() then ''paused''
            when c.id = any (v_in_doubt) then ''in_doubt''
',
    'then ''parked'' when c.paused_until > clock_timestamp() then ''paused''
'
);
call change_function(
    'begin_turns',
    'not o.alive and o.gate is null and',
    'not o.alive and not o.parked and'
);
call change_function(
    'begin_turns',
    ' as alive, case
            when exists (select from phone_numbers n where n.id = t.phone_number_id and n.status <> ''active'') then ''parked''
            when t.conversation_id = any (v_in_doubt) then ''in_doubt''
        end as gate
',
    ' as alive, exists (
            select from phone_numbers n where n.id = t.phone_number_id and n.status <> ''active''
        ) as parked
'
);
call change_function(
    'begin_turns',
    '
    -- Until the platform has told what became of a reply, or has been waited for in vain, nothing is sent behind it.
    select coalesce(array_agg(c.id), ''{}'') into v_in_doubt
    from conversations c where c.id = any (p_conversation_id) and is_in_doubt(c.in_doubt_id, p_undecided_seconds);

    return query
    with item as (',
    '
    return query
    with item as ('
);
call change_function(
    'begin_turns',
    '#variable_conflict use_column
declare
    v_in_doubt uuid[];
begin',
    '#variable_conflict use_column
begin'
);
do $$
declare
    v_definition text := pg_get_functiondef(function_of_today('begin_turns'));
begin
    execute format('drop function %s', function_of_today('begin_turns'));
    execute replace(
        v_definition,
        'p_busy_seconds double precision, p_undecided_seconds double precision DEFAULT 60)',
        'p_busy_seconds double precision)'
    );
end $$;

drop procedure change_function;
drop function function_of_today;
drop function is_in_doubt;
alter table conversations drop column in_doubt_id;
