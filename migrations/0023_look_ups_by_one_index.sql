-- migrate:up

-- squawk-ignore-file require-concurrent-index-creation, require-concurrent-index-deletion, disallowed-unique-constraint
-- Before the first release these tables are soon read through; reads go on while the indexes are built.

-- The writes of a turn are planned once for each connection, and so are the look-ups of their foreign keys. Until now both
-- were planned anew for each call, and those of the keys for each row: a third of what a message took here. What is planned
-- once must be right for tables of any size, whatever was known of them when it was planned. So a row is looked up by what
-- only one index begins with, and nothing but that look-up is left to the planner: "offset 0" keeps other conditions, for
-- which it may know a smaller index, out of it.

-- Two indexes began with the phone number, and two with the user: with statistics of when a business was new, its whole
-- history was as good a way to one row as the key.
create unique index messages_by_name on messages (platform_message_id, phone_number_id);
alter table messages drop constraint messages_delivered_once;
alter table messages add constraint messages_delivered_once unique using index messages_by_name;
create unique index customers_by_address on customers (address, type, user_id);
alter table customers drop constraint customers_user_id_type_address_key;
alter table customers add constraint customers_one_for_each_address unique using index customers_by_address;
-- Only for whoever names a phone number: else it is as good as the one of conversations for whatever is open.
drop index turns_open_on_number;
create index turns_open_on_number on turns (phone_number_id) where status = 'open' and phone_number_id is not null;

-- The messages that platforms call so, on whatever phone number.
create function messages_named(p_platform_message_id text) returns setof messages
language sql stable as $$
    select * from messages where platform_message_id = p_platform_message_id offset 0
$$;
-- The customers at an address, of whatever user.
create function customers_at(p_type text, p_address text) returns setof customers
language sql stable as $$
    select * from customers where address = p_address and type = p_type offset 0
$$;

create procedure change_function(p_function regprocedure, p_from text, p_to text)
language plpgsql as $$
declare
    v_definition text := pg_get_functiondef(p_function);
begin
    if position(p_from in v_definition) = 0 then
        raise exception '% does not say: %', p_function, p_from;
    end if;
    execute replace(v_definition, p_from, p_to);
end $$;

-- Messages and customers by their names.
call change_function(
    'accept_messages(uuid[],uuid[],uuid[],text[],text[],text[],jsonb[],text[],text[],text[],text[],text[],jsonb[],jsonb[],text[],boolean[],timestamptz[],text[],text[],text[],text[])',
    'from messages m where m.phone_number_id = n.id and m.platform_message_id = i.platform_message_id',
    'from messages_named(i.platform_message_id) m where m.phone_number_id = n.id'
);
call change_function(
    'accept_messages(uuid[],uuid[],uuid[],text[],text[],text[],jsonb[],text[],text[],text[],text[],text[],jsonb[],jsonb[],text[],boolean[],timestamptz[],text[],text[],text[],text[])',
    'from messages m
            where m.phone_number_id = item.phone_number_id and m.platform_message_id = item.platform_message_id',
    'from messages_named(item.platform_message_id) m where m.phone_number_id = item.phone_number_id'
);
call change_function(
    'accept_messages(uuid[],uuid[],uuid[],text[],text[],text[],jsonb[],text[],text[],text[],text[],text[],jsonb[],jsonb[],text[],boolean[],timestamptz[],text[],text[],text[],text[])',
    'left join customers c on c.user_id = n.user_id and c.type = i.type and c.address = i.address;',
    'left join lateral customers_at(i.type, i.address) c on c.user_id = n.user_id;'
);
call change_function(
    'meet_customers(uuid[],text[],text[],jsonb[],uuid[])',
    'join customers c on c.user_id = n.user_id and c.type = n.type and c.address = n.value',
    'join lateral customers_at(n.type, n.value) c on c.user_id = n.user_id'
);
call change_function(
    'heed_consents(uuid[],uuid[],text[],text[],text[],text[])',
    'from messages m
            where m.phone_number_id = i.phone_number_id and m.platform_message_id = i.platform_message_id',
    'from messages_named(i.platform_message_id) m where m.phone_number_id = i.phone_number_id'
);
call change_function(
    'note_echo(uuid,uuid,uuid,text,text,text,jsonb,text,text,text,jsonb,timestamptz,boolean)',
    'from messages m where m.phone_number_id = v_number.id and m.platform_message_id = p_platform_message_id',
    'from messages_named(p_platform_message_id) m where m.phone_number_id = v_number.id'
);
call change_function(
    'note_change(text,text,text,text,timestamptz)',
    'from messages m join phone_numbers n on n.id = m.phone_number_id
    where n.type = p_type and n.account = p_account and m.platform_message_id = p_platform_message_id;',
    'from messages_named(p_platform_message_id) m join phone_numbers n on n.id = m.phone_number_id
    where n.type = p_type and n.account = p_account;'
);
call change_function(
    'record_receipts(text[],text[],text[],uuid[],text[],timestamptz[],jsonb[],jsonb[])',
    'left join messages named on named.platform_message_id = i.platform_message_id and named.phone_number_id = n.id
        and named.direction = ''outbound'';',
    'left join lateral messages_named(i.platform_message_id) named on named.phone_number_id = n.id
        and named.direction = ''outbound'';'
);
-- What is open or active, of those conversations.
call change_function(
    'begin_turns(uuid[],uuid[],boolean[],uuid,bigint,double precision,boolean,double precision,integer,integer,double precision)',
    'from turns t where t.status = ''open'' and t.conversation_id = any (p_conversation_id)',
    'from item cross join lateral (
            select t.* from turns t where t.conversation_id = item.conversation_id and t.status = ''open'' offset 0
        ) t'
);
call change_function(
    'begin_turns(uuid[],uuid[],boolean[],uuid,bigint,double precision,boolean,double precision,integer,integer,double precision)',
    'from item join conversations c on c.id = item.conversation_id
        join phone_numbers n',
    'from item cross join lateral (
            select c.id, c.user_id, c.phone_number_id, c.agent_id, c.status, c.paused_until
            from conversations c where c.id = item.conversation_id offset 0
        ) c
        join phone_numbers n'
);
-- Whether a turn that is known by its id is open: whatever has not ended is. Said so, no index of what is open comes into question.
call change_function(
    'record_replies(uuid[],bigint[],text[],integer[],text[],text[],text[],bigint[],bigint[],bigint[],bigint[],uuid[],text[],text[])',
    't.fence = item.fence and t.status = ''open''',
    't.fence = item.fence and t.ended_at is null'
);
call change_function(
    'settle_turns(uuid[],bigint[],text[],text[],text[],text[],text[],text[],jsonb[],text[],uuid[])',
    't.fence = d.fence and t.status = ''open''',
    't.fence = d.fence and t.ended_at is null'
);
call change_function(
    'settle_turns(uuid[],bigint[],text[],text[],text[],text[],text[],text[],jsonb[],text[],uuid[])',
    't.id = i.turn_id and t.status = ''open''',
    't.id = i.turn_id and t.ended_at is null'
);
call change_function(
    'attach_model_conversations(uuid[],bigint[],text[],text[])',
    't.fence = item.fence and t.status = ''open''',
    't.fence = item.fence and t.ended_at is null'
);
call change_function(
    'mark_reply(uuid,bigint,uuid,text)',
    't.fence = p_fence and t.status = ''open''',
    't.fence = p_fence and t.ended_at is null'
);
call change_function(
    'replace_reply(uuid,bigint,uuid,text)',
    't.fence = p_fence and t.status = ''open''',
    't.fence = p_fence and t.ended_at is null'
);
call change_function(
    'pass_on_reply(uuid,bigint,uuid,text,uuid)',
    'fence = p_fence and status = ''open''',
    'fence = p_fence and ended_at is null'
);
call change_function(
    'park_turn(uuid,bigint,uuid,text,jsonb,uuid)',
    'fence = p_fence and status = ''open''',
    'fence = p_fence and ended_at is null'
);
drop procedure change_function;

-- One plan, of look-ups by index, row after row.
do $$
declare
    v_function regprocedure;
begin
    foreach v_function in array array[
        'accept_messages(uuid[],uuid[],uuid[],text[],text[],text[],jsonb[],text[],text[],text[],text[],text[],jsonb[],jsonb[],text[],boolean[],timestamptz[],text[],text[],text[],text[])',
        'meet_customers(uuid[],text[],text[],jsonb[],uuid[])',
        'begin_turns(uuid[],uuid[],boolean[],uuid,bigint,double precision,boolean,double precision,integer,integer,double precision)',
        'attach_model_conversations(uuid[],bigint[],text[],text[])',
        'record_replies(uuid[],bigint[],text[],integer[],text[],text[],text[],bigint[],bigint[],bigint[],bigint[],uuid[],text[],text[])',
        'settle_turns(uuid[],bigint[],text[],text[],text[],text[],text[],text[],jsonb[],text[],uuid[])',
        'mark_reply(uuid,bigint,uuid,text)',
        'pass_on_reply(uuid,bigint,uuid,text,uuid)',
        'replace_reply(uuid,bigint,uuid,text)',
        'park_turn(uuid,bigint,uuid,text,jsonb,uuid)',
        'record_receipts(text[],text[],text[],uuid[],text[],timestamptz[],jsonb[],jsonb[])',
        'merge_early_receipts(uuid[])',
        'decide_turns(uuid[],boolean[],jsonb[])'
    ]::regprocedure[] loop
        execute format('alter function %s set plan_cache_mode = force_generic_plan', v_function);
        execute format('alter function %s set enable_seqscan = off', v_function);
        execute format('alter function %s set enable_bitmapscan = off', v_function);
        execute format('alter function %s set enable_hashjoin = off', v_function);
        execute format('alter function %s set enable_mergejoin = off', v_function);
        execute format('alter function %s set enable_material = off', v_function);
    end loop;
end $$;

-- migrate:down

do $$
declare
    v_function regprocedure;
begin
    foreach v_function in array array[
        'accept_messages(uuid[],uuid[],uuid[],text[],text[],text[],jsonb[],text[],text[],text[],text[],text[],jsonb[],jsonb[],text[],boolean[],timestamptz[],text[],text[],text[],text[])',
        'meet_customers(uuid[],text[],text[],jsonb[],uuid[])',
        'begin_turns(uuid[],uuid[],boolean[],uuid,bigint,double precision,boolean,double precision,integer,integer,double precision)',
        'attach_model_conversations(uuid[],bigint[],text[],text[])',
        'record_replies(uuid[],bigint[],text[],integer[],text[],text[],text[],bigint[],bigint[],bigint[],bigint[],uuid[],text[],text[])',
        'settle_turns(uuid[],bigint[],text[],text[],text[],text[],text[],text[],jsonb[],text[],uuid[])',
        'mark_reply(uuid,bigint,uuid,text)',
        'pass_on_reply(uuid,bigint,uuid,text,uuid)',
        'replace_reply(uuid,bigint,uuid,text)',
        'park_turn(uuid,bigint,uuid,text,jsonb,uuid)',
        'record_receipts(text[],text[],text[],uuid[],text[],timestamptz[],jsonb[],jsonb[])',
        'merge_early_receipts(uuid[])',
        'decide_turns(uuid[],boolean[],jsonb[])'
    ]::regprocedure[] loop
        execute format('alter function %s reset all', v_function);
        execute format('alter function %s set plan_cache_mode = force_custom_plan', v_function);
    end loop;
end $$;

create procedure change_function(p_function regprocedure, p_from text, p_to text)
language plpgsql as $$
declare
    v_definition text := pg_get_functiondef(p_function);
begin
    if position(p_from in v_definition) = 0 then
        raise exception '% does not say: %', p_function, p_from;
    end if;
    execute replace(v_definition, p_from, p_to);
end $$;

call change_function(
    'park_turn(uuid,bigint,uuid,text,jsonb,uuid)',
    'fence = p_fence and ended_at is null',
    'fence = p_fence and status = ''open'''
);
call change_function(
    'pass_on_reply(uuid,bigint,uuid,text,uuid)',
    'fence = p_fence and ended_at is null',
    'fence = p_fence and status = ''open'''
);
call change_function(
    'replace_reply(uuid,bigint,uuid,text)',
    't.fence = p_fence and t.ended_at is null',
    't.fence = p_fence and t.status = ''open'''
);
call change_function(
    'mark_reply(uuid,bigint,uuid,text)',
    't.fence = p_fence and t.ended_at is null',
    't.fence = p_fence and t.status = ''open'''
);
call change_function(
    'attach_model_conversations(uuid[],bigint[],text[],text[])',
    't.fence = item.fence and t.ended_at is null',
    't.fence = item.fence and t.status = ''open'''
);
call change_function(
    'settle_turns(uuid[],bigint[],text[],text[],text[],text[],text[],text[],jsonb[],text[],uuid[])',
    't.id = i.turn_id and t.ended_at is null',
    't.id = i.turn_id and t.status = ''open'''
);
call change_function(
    'settle_turns(uuid[],bigint[],text[],text[],text[],text[],text[],text[],jsonb[],text[],uuid[])',
    't.fence = d.fence and t.ended_at is null',
    't.fence = d.fence and t.status = ''open'''
);
call change_function(
    'record_replies(uuid[],bigint[],text[],integer[],text[],text[],text[],bigint[],bigint[],bigint[],bigint[],uuid[],text[],text[])',
    't.fence = item.fence and t.ended_at is null',
    't.fence = item.fence and t.status = ''open'''
);
call change_function(
    'begin_turns(uuid[],uuid[],boolean[],uuid,bigint,double precision,boolean,double precision,integer,integer,double precision)',
    'from item cross join lateral (
            select c.id, c.user_id, c.phone_number_id, c.agent_id, c.status, c.paused_until
            from conversations c where c.id = item.conversation_id offset 0
        ) c
        join phone_numbers n',
    'from item join conversations c on c.id = item.conversation_id
        join phone_numbers n'
);
call change_function(
    'begin_turns(uuid[],uuid[],boolean[],uuid,bigint,double precision,boolean,double precision,integer,integer,double precision)',
    'from item cross join lateral (
            select t.* from turns t where t.conversation_id = item.conversation_id and t.status = ''open'' offset 0
        ) t',
    'from turns t where t.status = ''open'' and t.conversation_id = any (p_conversation_id)'
);
call change_function(
    'record_receipts(text[],text[],text[],uuid[],text[],timestamptz[],jsonb[],jsonb[])',
    'left join lateral messages_named(i.platform_message_id) named on named.phone_number_id = n.id
        and named.direction = ''outbound'';',
    'left join messages named on named.platform_message_id = i.platform_message_id and named.phone_number_id = n.id
        and named.direction = ''outbound'';'
);
call change_function(
    'note_change(text,text,text,text,timestamptz)',
    'from messages_named(p_platform_message_id) m join phone_numbers n on n.id = m.phone_number_id
    where n.type = p_type and n.account = p_account;',
    'from messages m join phone_numbers n on n.id = m.phone_number_id
    where n.type = p_type and n.account = p_account and m.platform_message_id = p_platform_message_id;'
);
call change_function(
    'note_echo(uuid,uuid,uuid,text,text,text,jsonb,text,text,text,jsonb,timestamptz,boolean)',
    'from messages_named(p_platform_message_id) m where m.phone_number_id = v_number.id',
    'from messages m where m.phone_number_id = v_number.id and m.platform_message_id = p_platform_message_id'
);
call change_function(
    'heed_consents(uuid[],uuid[],text[],text[],text[],text[])',
    'from messages_named(i.platform_message_id) m where m.phone_number_id = i.phone_number_id',
    'from messages m
            where m.phone_number_id = i.phone_number_id and m.platform_message_id = i.platform_message_id'
);
call change_function(
    'meet_customers(uuid[],text[],text[],jsonb[],uuid[])',
    'join lateral customers_at(n.type, n.value) c on c.user_id = n.user_id',
    'join customers c on c.user_id = n.user_id and c.type = n.type and c.address = n.value'
);
call change_function(
    'accept_messages(uuid[],uuid[],uuid[],text[],text[],text[],jsonb[],text[],text[],text[],text[],text[],jsonb[],jsonb[],text[],boolean[],timestamptz[],text[],text[],text[],text[])',
    'left join lateral customers_at(i.type, i.address) c on c.user_id = n.user_id;',
    'left join customers c on c.user_id = n.user_id and c.type = i.type and c.address = i.address;'
);
call change_function(
    'accept_messages(uuid[],uuid[],uuid[],text[],text[],text[],jsonb[],text[],text[],text[],text[],text[],jsonb[],jsonb[],text[],boolean[],timestamptz[],text[],text[],text[],text[])',
    'from messages_named(item.platform_message_id) m where m.phone_number_id = item.phone_number_id',
    'from messages m
            where m.phone_number_id = item.phone_number_id and m.platform_message_id = item.platform_message_id'
);
call change_function(
    'accept_messages(uuid[],uuid[],uuid[],text[],text[],text[],jsonb[],text[],text[],text[],text[],text[],jsonb[],jsonb[],text[],boolean[],timestamptz[],text[],text[],text[],text[])',
    'from messages_named(i.platform_message_id) m where m.phone_number_id = n.id',
    'from messages m where m.phone_number_id = n.id and m.platform_message_id = i.platform_message_id'
);
drop procedure change_function;

drop function customers_at(text, text);
drop function messages_named(text);
drop index turns_open_on_number;
create index turns_open_on_number on turns (phone_number_id) where status = 'open';
create unique index customers_by_key on customers (user_id, type, address);
alter table customers drop constraint customers_one_for_each_address;
alter table customers add constraint customers_user_id_type_address_key unique using index customers_by_key;
create unique index messages_by_number on messages (phone_number_id, platform_message_id);
alter table messages drop constraint messages_delivered_once;
alter table messages add constraint messages_delivered_once unique using index messages_by_number;
