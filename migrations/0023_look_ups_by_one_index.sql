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

-- Of some functions there is an earlier one too, with fewer parameters, for processes of then: it stays as it is.
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

-- Messages and customers by their names.
call change_function(
    'accept_messages',
    'from messages m where m.phone_number_id = n.id and m.platform_message_id = i.platform_message_id',
    'from messages_named(i.platform_message_id) m where m.phone_number_id = n.id'
);
call change_function(
    'accept_messages',
    'from messages m
            where m.phone_number_id = item.phone_number_id and m.platform_message_id = item.platform_message_id',
    'from messages_named(item.platform_message_id) m where m.phone_number_id = item.phone_number_id'
);
call change_function(
    'accept_messages',
    'left join customers c on c.user_id = n.user_id and c.type = i.type and c.address = i.address;',
    'left join lateral customers_at(i.type, i.address) c on c.user_id = n.user_id;'
);
call change_function(
    'meet_customers',
    'join customers c on c.user_id = n.user_id and c.type = n.type and c.address = n.value',
    'join lateral customers_at(n.type, n.value) c on c.user_id = n.user_id'
);
call change_function(
    'heed_consents',
    'from messages m
            where m.phone_number_id = i.phone_number_id and m.platform_message_id = i.platform_message_id',
    'from messages_named(i.platform_message_id) m where m.phone_number_id = i.phone_number_id'
);
call change_function(
    'note_echo',
    'from messages m where m.phone_number_id = v_number.id and m.platform_message_id = p_platform_message_id',
    'from messages_named(p_platform_message_id) m where m.phone_number_id = v_number.id'
);
call change_function(
    'note_change',
    'from messages m join phone_numbers n on n.id = m.phone_number_id
    where n.type = p_type and n.account = p_account and m.platform_message_id = p_platform_message_id;',
    'from messages_named(p_platform_message_id) m join phone_numbers n on n.id = m.phone_number_id
    where n.type = p_type and n.account = p_account;'
);
call change_function(
    'record_receipts',
    'left join messages named on named.platform_message_id = i.platform_message_id and named.phone_number_id = n.id
        and named.direction = ''outbound'';',
    'left join lateral messages_named(i.platform_message_id) named on named.phone_number_id = n.id
        and named.direction = ''outbound'';'
);
call change_function(
    'record_receipts',
    'left join messages own on own.id = i.message_id and own.phone_number_id = n.id and own.direction = ''outbound''',
    'left join lateral (select m.* from messages m where m.id = i.message_id offset 0) own
        on own.phone_number_id = n.id and own.direction = ''outbound'''
);
call change_function(
    'accept_messages',
    'c.last_sequence_number + row_number() over (partition by c.id order by place) as sequence_number
        from fresh join conversations c on c.id = fresh.conversation_id',
    'c.last_sequence_number + row_number() over (partition by conversation_id order by place) as sequence_number
        from fresh cross join lateral (
            select c.last_sequence_number from conversations c where c.id = fresh.conversation_id offset 0
        ) c'
);
-- What is open or active, of those conversations.
call change_function(
    'begin_turns',
    'from turns t where t.status = ''open'' and t.conversation_id = any (p_conversation_id)',
    'from item cross join lateral (
            select t.* from turns t where t.conversation_id = item.conversation_id and t.status = ''open'' offset 0
        ) t'
);
call change_function(
    'begin_turns',
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
    'record_replies',
    't.fence = item.fence and t.status = ''open''',
    't.fence = item.fence and t.ended_at is null'
);
call change_function(
    'settle_turns',
    't.fence = d.fence and t.status = ''open''',
    't.fence = d.fence and t.ended_at is null'
);
call change_function('settle_turns', 't.id = i.turn_id and t.status = ''open''', 't.id = i.turn_id and t.ended_at is null');
call change_function(
    'attach_model_conversations',
    't.fence = item.fence and t.status = ''open''',
    't.fence = item.fence and t.ended_at is null'
);
call change_function('mark_reply', 't.fence = p_fence and t.status = ''open''', 't.fence = p_fence and t.ended_at is null');
call change_function(
    'replace_reply',
    't.fence = p_fence and t.status = ''open''',
    't.fence = p_fence and t.ended_at is null'
);
call change_function('pass_on_reply', 'fence = p_fence and status = ''open''', 'fence = p_fence and ended_at is null');
call change_function('park_turn', 'fence = p_fence and status = ''open''', 'fence = p_fence and ended_at is null');
-- Those that are locked are found by their ids first: no index that has them in the order of the locks comes into question.
call change_function(
    'record_replies',
    'where id in (select conversation_id from turns where id = any (p_turn_id)) order by phone_number_id, customer_id, id for no key update',
    'where id = any (array(select conversation_id from turns where id = any (p_turn_id))) order by (phone_number_id, customer_id, id) for no key update'
);
call change_function(
    'settle_turns',
    'where id in (select conversation_id from turns where id = any (p_turn_id)) order by phone_number_id, customer_id, id for no key update',
    'where id = any (array(select conversation_id from turns where id = any (p_turn_id))) order by (phone_number_id, customer_id, id) for no key update'
);
call change_function(
    'attach_model_conversations',
    'where id in (select conversation_id from turns where id = any (p_turn_id))
        order by phone_number_id, customer_id, id for no key update',
    'where id = any (array(select conversation_id from turns where id = any (p_turn_id)))
        order by (phone_number_id, customer_id, id) for no key update'
);
call change_function(
    'settle_turns',
    'where user_id in (select user_id from turns where id = any (p_turn_id))',
    'where user_id = any (array(select user_id from turns where id = any (p_turn_id)))'
);
call change_function(
    'begin_turns',
    'where id = any (p_conversation_id) order by phone_number_id, customer_id, id for no key update',
    'where id = any (p_conversation_id) order by (phone_number_id, customer_id, id) for no key update'
);
call change_function(
    'begin_turns',
    'where user_id in (select user_id from conversations where id = any (p_conversation_id))',
    'where user_id = any (array(select user_id from conversations where id = any (p_conversation_id)))'
);
call change_function(
    'begin_turns',
    'where id in (select phone_number_id from conversations where id = any (p_conversation_id))',
    'where id = any (array(select phone_number_id from conversations where id = any (p_conversation_id)))'
);
call change_function(
    'record_receipts',
    'where id in (select conversation_id from messages where id = any (v_known)) order by phone_number_id, customer_id, id for no key update',
    'where id = any (array(select conversation_id from messages where id = any (v_known))) order by (phone_number_id, customer_id, id) for no key update'
);
call change_function(
    'record_receipts',
    'where user_id in (select user_id from messages where id = any (v_known))',
    'where user_id = any (array(select user_id from messages where id = any (v_known)))'
);
call change_function(
    'accept_messages',
    'order by c.user_id, c.type, c.address for no key update of c',
    'order by (c.user_id, c.type, c.address) for no key update of c'
);
-- Whatever is told by a key is looked up by it. An equality could be merged or hashed, with all rows in the order of an
-- index, which is as good while a table is small; one with an array of one can only be looked up.
call change_function('begin_turns', 't.id = o.id', 't.id = any (array[o.id])');
call change_function('begin_turns', 'm.id = u.id', 'm.id = any (array[u.id])');
call change_function(
    'accept_messages',
    'fresh and i.id = c.id
            order by (c.user_id',
    'fresh and c.id = any (array[i.id])
            order by (c.user_id'
);
call change_function(
    'accept_messages',
    'c.id = n.conversation_id
    ), stored',
    'c.id = any (array[n.conversation_id])
    ), stored'
);
call change_function(
    'accept_messages',
    'join messages m on m.id = i.message_id',
    'join messages m on m.id = any (array[i.message_id])'
);
call change_function('meet_customers', 'k.customer_id = c.id', 'k.customer_id = any (array[c.id])');
call change_function('meet_customers', 'k.user_id = n.user_id', 'k.user_id = any (array[n.user_id])');
call change_function('meet_customers', 'k.user_id = o.user_id', 'k.user_id = any (array[o.user_id])');
call change_function('meet_customers', 'c.id = k.customer_id', 'c.id = any (array[k.customer_id])');
call change_function('learn_of_customers', 'c.id = n.customer_id', 'c.id = any (array[n.customer_id])');
call change_function('learn_of_customers', 'c.id = told.customer_id', 'c.id = any (array[told.customer_id])');
call change_function('learn_of_customers', 'm.conversation_id = v.id', 'm.conversation_id = any (array[v.id])');
call change_function('record_replies', 't.id = item.turn_id', 't.id = any (array[item.turn_id])');
call change_function(
    'record_replies',
    'c.id = held.conversation_id
        returning',
    'c.id = any (array[held.conversation_id])
        returning'
);
call change_function('settle_turns', 't.id = d.turn_id', 't.id = any (array[d.turn_id])');
call change_function(
    'settle_turns',
    'from ended where m.turn_id = ended.id and m.direction = ''inbound'' and ended.inbound_status is not null',
    'from ended cross join lateral (
            select q.id from messages q where q.turn_id = ended.id and q.direction = ''inbound'' offset 0
        ) q where m.id = any (array[q.id]) and ended.inbound_status is not null'
);
call change_function(
    'settle_turns',
    'from ended join messages m on m.turn_id = ended.id and m.direction = ''outbound''
        where',
    'from ended cross join lateral (
            select m.id, m.status from messages m where m.turn_id = ended.id and m.direction = ''outbound'' offset 0
        ) m where'
);
call change_function('settle_turns', 'c.id = ended.conversation_id', 'c.id = any (array[ended.conversation_id])');
call change_function('settle_turns', 'm.id = n.id', 'm.id = any (array[n.id])');
call change_function('settle_turns', 't.id = i.turn_id', 't.id = any (array[i.turn_id])');
call change_function('attach_model_conversations', 't.id = item.turn_id', 't.id = any (array[item.turn_id])');
call change_function('attach_model_conversations', 'c.id = t.conversation_id', 'c.id = any (array[t.conversation_id])');
call change_function(
    'record_receipts',
    'm.id = i.message_id
        where',
    'm.id = any (array[i.message_id])
        where'
);
call change_function('record_receipts', 'm.id = told.message_id', 'm.id = any (array[told.message_id])');
call change_function('merge_early_receipts', 'n.id = m.phone_number_id', 'n.id = any (array[m.phone_number_id])');
call change_function(
    'merge_early_receipts',
    'e.platform_message_id = m.platform_message_id',
    'e.platform_message_id = any (array[m.platform_message_id])'
);
call change_function('decide_turns', 't.id = r.turn_id', 't.id = any (array[r.turn_id])');
call change_function('decide_turns', 't.id = e.id', 't.id = any (array[e.id])');
call change_function(
    'decide_turns',
    'from ended where m.turn_id = ended.id and m.direction = ''inbound''',
    'from ended cross join lateral (
            select q.id from messages q where q.turn_id = ended.id and q.direction = ''inbound'' offset 0
        ) q where m.id = any (array[q.id])'
);
call change_function(
    'decide_turns',
    'from ended where m.turn_id = ended.id and ended.failed and m.direction = ''outbound'' and m.status = ''pending''',
    'from ended cross join lateral (
            select r.id from messages r where r.turn_id = ended.id and r.direction = ''outbound'' offset 0
        ) r where m.id = any (array[r.id]) and ended.failed and m.status = ''pending'''
);
call change_function('decide_turns', 'm.turn_id = t.id', 'm.turn_id = any (array[t.id])');
call change_function(
    'begin_turns',
    'from messages m join resumed on resumed.id = m.turn_id where m.direction = ''inbound''',
    'from resumed cross join lateral (
            select * from messages m where m.turn_id = resumed.id and m.direction = ''inbound'' offset 0
        ) m'
);
call change_function(
    'begin_turns',
    'm.turn_id = resumed.id and m.direction = ''inbound'')',
    'm.turn_id = resumed.id and m.direction = ''inbound'' offset 0)'
);
call change_function('move_credits', 't.id = m.turn_id', 't.id = any (array[m.turn_id])');

-- One plan, of look-ups by index, row after row.
do $$
declare
    v_name text;
begin
    foreach v_name in array array[
        'accept_messages', 'meet_customers', 'begin_turns', 'attach_model_conversations', 'record_replies', 'settle_turns',
        'mark_reply', 'pass_on_reply', 'replace_reply', 'park_turn', 'record_receipts', 'merge_early_receipts', 'decide_turns'
    ] loop
        execute format('alter function %s set plan_cache_mode = force_generic_plan', function_of_today(v_name));
        execute format('alter function %s set enable_seqscan = off', function_of_today(v_name));
        execute format('alter function %s set enable_bitmapscan = off', function_of_today(v_name));
        execute format('alter function %s set enable_hashjoin = off', function_of_today(v_name));
        execute format('alter function %s set enable_mergejoin = off', function_of_today(v_name));
        execute format('alter function %s set enable_material = off', function_of_today(v_name));
    end loop;
end $$;

-- Functions in SQL are planned at each call; what every batch calls is planned once too, with the settings of its callers.
do $$
declare
    v_name text;
begin
    foreach v_name in array array['move_credits', 'learn_of_customers'] loop
        execute replace(replace(
            pg_get_functiondef(function_of_today(v_name)), E' LANGUAGE sql\nAS $function$', E' LANGUAGE plpgsql\nAS $function$\nbegin'
        ), E'\n$function$', E';\nend $function$');
    end loop;
end $$;

-- A conversation's first id replaces none.
drop trigger replaced_model_conversations_are_erased on conversations;
create trigger replaced_model_conversations_are_erased after update of openai_conversation_id on conversations
    for each row when (old.openai_conversation_id is not null and old.openai_conversation_id is distinct from new.openai_conversation_id)
    execute function note_replaced_conversation();

drop procedure change_function;
drop function function_of_today;

-- migrate:down

-- Of some functions there is an earlier one too, with fewer parameters, for processes of then: it stays as it is.
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

drop trigger replaced_model_conversations_are_erased on conversations;
create trigger replaced_model_conversations_are_erased after update of openai_conversation_id on conversations
    for each row when (old.openai_conversation_id is distinct from new.openai_conversation_id)
    execute function note_replaced_conversation();
do $$
declare
    v_name text;
begin
    foreach v_name in array array['move_credits', 'learn_of_customers'] loop
        execute replace(replace(
            pg_get_functiondef(function_of_today(v_name)), E' LANGUAGE plpgsql\nAS $function$\nbegin', E' LANGUAGE sql\nAS $function$'
        ), E';\nend $function$', E'\n$function$');
    end loop;
end $$;

do $$
declare
    v_name text;
begin
    foreach v_name in array array[
        'accept_messages', 'meet_customers', 'begin_turns', 'attach_model_conversations', 'record_replies', 'settle_turns',
        'mark_reply', 'pass_on_reply', 'replace_reply', 'park_turn', 'record_receipts', 'merge_early_receipts', 'decide_turns'
    ] loop
        execute format('alter function %s reset all', function_of_today(v_name));
        execute format('alter function %s set plan_cache_mode = force_custom_plan', function_of_today(v_name));
    end loop;
end $$;

call change_function('move_credits', 't.id = any (array[m.turn_id])', 't.id = m.turn_id');
call change_function(
    'begin_turns',
    'm.turn_id = resumed.id and m.direction = ''inbound'' offset 0)',
    'm.turn_id = resumed.id and m.direction = ''inbound'')'
);
call change_function(
    'begin_turns',
    'from resumed cross join lateral (
            select * from messages m where m.turn_id = resumed.id and m.direction = ''inbound'' offset 0
        ) m',
    'from messages m join resumed on resumed.id = m.turn_id where m.direction = ''inbound'''
);
call change_function('decide_turns', 'm.turn_id = any (array[t.id])', 'm.turn_id = t.id');
call change_function(
    'decide_turns',
    'from ended cross join lateral (
            select r.id from messages r where r.turn_id = ended.id and r.direction = ''outbound'' offset 0
        ) r where m.id = any (array[r.id]) and ended.failed and m.status = ''pending''',
    'from ended where m.turn_id = ended.id and ended.failed and m.direction = ''outbound'' and m.status = ''pending'''
);
call change_function(
    'decide_turns',
    'from ended cross join lateral (
            select q.id from messages q where q.turn_id = ended.id and q.direction = ''inbound'' offset 0
        ) q where m.id = any (array[q.id])',
    'from ended where m.turn_id = ended.id and m.direction = ''inbound'''
);
call change_function('decide_turns', 't.id = any (array[e.id])', 't.id = e.id');
call change_function('decide_turns', 't.id = any (array[r.turn_id])', 't.id = r.turn_id');
call change_function(
    'merge_early_receipts',
    'e.platform_message_id = any (array[m.platform_message_id])',
    'e.platform_message_id = m.platform_message_id'
);
call change_function('merge_early_receipts', 'n.id = any (array[m.phone_number_id])', 'n.id = m.phone_number_id');
call change_function('record_receipts', 'm.id = any (array[told.message_id])', 'm.id = told.message_id');
call change_function(
    'record_receipts',
    'm.id = any (array[i.message_id])
        where',
    'm.id = i.message_id
        where'
);
call change_function('attach_model_conversations', 'c.id = any (array[t.conversation_id])', 'c.id = t.conversation_id');
call change_function('attach_model_conversations', 't.id = any (array[item.turn_id])', 't.id = item.turn_id');
call change_function('settle_turns', 't.id = any (array[i.turn_id])', 't.id = i.turn_id');
call change_function('settle_turns', 'm.id = any (array[n.id])', 'm.id = n.id');
call change_function('settle_turns', 'c.id = any (array[ended.conversation_id])', 'c.id = ended.conversation_id');
call change_function(
    'settle_turns',
    'from ended cross join lateral (
            select m.id, m.status from messages m where m.turn_id = ended.id and m.direction = ''outbound'' offset 0
        ) m where',
    'from ended join messages m on m.turn_id = ended.id and m.direction = ''outbound''
        where'
);
call change_function(
    'settle_turns',
    'from ended cross join lateral (
            select q.id from messages q where q.turn_id = ended.id and q.direction = ''inbound'' offset 0
        ) q where m.id = any (array[q.id]) and ended.inbound_status is not null',
    'from ended where m.turn_id = ended.id and m.direction = ''inbound'' and ended.inbound_status is not null'
);
call change_function('settle_turns', 't.id = any (array[d.turn_id])', 't.id = d.turn_id');
call change_function(
    'record_replies',
    'c.id = any (array[held.conversation_id])
        returning',
    'c.id = held.conversation_id
        returning'
);
call change_function('record_replies', 't.id = any (array[item.turn_id])', 't.id = item.turn_id');
call change_function('learn_of_customers', 'm.conversation_id = any (array[v.id])', 'm.conversation_id = v.id');
call change_function('learn_of_customers', 'c.id = any (array[told.customer_id])', 'c.id = told.customer_id');
call change_function('learn_of_customers', 'c.id = any (array[n.customer_id])', 'c.id = n.customer_id');
call change_function('meet_customers', 'c.id = any (array[k.customer_id])', 'c.id = k.customer_id');
call change_function('meet_customers', 'k.user_id = any (array[o.user_id])', 'k.user_id = o.user_id');
call change_function('meet_customers', 'k.user_id = any (array[n.user_id])', 'k.user_id = n.user_id');
call change_function('meet_customers', 'k.customer_id = any (array[c.id])', 'k.customer_id = c.id');
call change_function(
    'accept_messages',
    'join messages m on m.id = any (array[i.message_id])',
    'join messages m on m.id = i.message_id'
);
call change_function(
    'accept_messages',
    'c.id = any (array[n.conversation_id])
    ), stored',
    'c.id = n.conversation_id
    ), stored'
);
call change_function(
    'accept_messages',
    'fresh and c.id = any (array[i.id])
            order by (c.user_id',
    'fresh and i.id = c.id
            order by (c.user_id'
);
call change_function('begin_turns', 'm.id = any (array[u.id])', 'm.id = u.id');
call change_function('begin_turns', 't.id = any (array[o.id])', 't.id = o.id');
call change_function(
    'accept_messages',
    'order by (c.user_id, c.type, c.address) for no key update of c',
    'order by c.user_id, c.type, c.address for no key update of c'
);
call change_function(
    'record_receipts',
    'where user_id = any (array(select user_id from messages where id = any (v_known)))',
    'where user_id in (select user_id from messages where id = any (v_known))'
);
call change_function(
    'record_receipts',
    'where id = any (array(select conversation_id from messages where id = any (v_known))) order by (phone_number_id, customer_id, id) for no key update',
    'where id in (select conversation_id from messages where id = any (v_known)) order by phone_number_id, customer_id, id for no key update'
);
call change_function(
    'begin_turns',
    'where id = any (array(select phone_number_id from conversations where id = any (p_conversation_id)))',
    'where id in (select phone_number_id from conversations where id = any (p_conversation_id))'
);
call change_function(
    'begin_turns',
    'where user_id = any (array(select user_id from conversations where id = any (p_conversation_id)))',
    'where user_id in (select user_id from conversations where id = any (p_conversation_id))'
);
call change_function(
    'begin_turns',
    'where id = any (p_conversation_id) order by (phone_number_id, customer_id, id) for no key update',
    'where id = any (p_conversation_id) order by phone_number_id, customer_id, id for no key update'
);
call change_function(
    'settle_turns',
    'where user_id = any (array(select user_id from turns where id = any (p_turn_id)))',
    'where user_id in (select user_id from turns where id = any (p_turn_id))'
);
call change_function(
    'attach_model_conversations',
    'where id = any (array(select conversation_id from turns where id = any (p_turn_id)))
        order by (phone_number_id, customer_id, id) for no key update',
    'where id in (select conversation_id from turns where id = any (p_turn_id))
        order by phone_number_id, customer_id, id for no key update'
);
call change_function(
    'settle_turns',
    'where id = any (array(select conversation_id from turns where id = any (p_turn_id))) order by (phone_number_id, customer_id, id) for no key update',
    'where id in (select conversation_id from turns where id = any (p_turn_id)) order by phone_number_id, customer_id, id for no key update'
);
call change_function(
    'record_replies',
    'where id = any (array(select conversation_id from turns where id = any (p_turn_id))) order by (phone_number_id, customer_id, id) for no key update',
    'where id in (select conversation_id from turns where id = any (p_turn_id)) order by phone_number_id, customer_id, id for no key update'
);
call change_function('park_turn', 'fence = p_fence and ended_at is null', 'fence = p_fence and status = ''open''');
call change_function('pass_on_reply', 'fence = p_fence and ended_at is null', 'fence = p_fence and status = ''open''');
call change_function(
    'replace_reply',
    't.fence = p_fence and t.ended_at is null',
    't.fence = p_fence and t.status = ''open'''
);
call change_function('mark_reply', 't.fence = p_fence and t.ended_at is null', 't.fence = p_fence and t.status = ''open''');
call change_function(
    'attach_model_conversations',
    't.fence = item.fence and t.ended_at is null',
    't.fence = item.fence and t.status = ''open'''
);
call change_function('settle_turns', 't.id = i.turn_id and t.ended_at is null', 't.id = i.turn_id and t.status = ''open''');
call change_function(
    'settle_turns',
    't.fence = d.fence and t.ended_at is null',
    't.fence = d.fence and t.status = ''open'''
);
call change_function(
    'record_replies',
    't.fence = item.fence and t.ended_at is null',
    't.fence = item.fence and t.status = ''open'''
);
call change_function(
    'begin_turns',
    'from item cross join lateral (
            select c.id, c.user_id, c.phone_number_id, c.agent_id, c.status, c.paused_until
            from conversations c where c.id = item.conversation_id offset 0
        ) c
        join phone_numbers n',
    'from item join conversations c on c.id = item.conversation_id
        join phone_numbers n'
);
call change_function(
    'begin_turns',
    'from item cross join lateral (
            select t.* from turns t where t.conversation_id = item.conversation_id and t.status = ''open'' offset 0
        ) t',
    'from turns t where t.status = ''open'' and t.conversation_id = any (p_conversation_id)'
);
call change_function(
    'accept_messages',
    'c.last_sequence_number + row_number() over (partition by conversation_id order by place) as sequence_number
        from fresh cross join lateral (
            select c.last_sequence_number from conversations c where c.id = fresh.conversation_id offset 0
        ) c',
    'c.last_sequence_number + row_number() over (partition by c.id order by place) as sequence_number
        from fresh join conversations c on c.id = fresh.conversation_id'
);
call change_function(
    'record_receipts',
    'left join lateral (select m.* from messages m where m.id = i.message_id offset 0) own
        on own.phone_number_id = n.id and own.direction = ''outbound''',
    'left join messages own on own.id = i.message_id and own.phone_number_id = n.id and own.direction = ''outbound'''
);
call change_function(
    'record_receipts',
    'left join lateral messages_named(i.platform_message_id) named on named.phone_number_id = n.id
        and named.direction = ''outbound'';',
    'left join messages named on named.platform_message_id = i.platform_message_id and named.phone_number_id = n.id
        and named.direction = ''outbound'';'
);
call change_function(
    'note_change',
    'from messages_named(p_platform_message_id) m join phone_numbers n on n.id = m.phone_number_id
    where n.type = p_type and n.account = p_account;',
    'from messages m join phone_numbers n on n.id = m.phone_number_id
    where n.type = p_type and n.account = p_account and m.platform_message_id = p_platform_message_id;'
);
call change_function(
    'note_echo',
    'from messages_named(p_platform_message_id) m where m.phone_number_id = v_number.id',
    'from messages m where m.phone_number_id = v_number.id and m.platform_message_id = p_platform_message_id'
);
call change_function(
    'heed_consents',
    'from messages_named(i.platform_message_id) m where m.phone_number_id = i.phone_number_id',
    'from messages m
            where m.phone_number_id = i.phone_number_id and m.platform_message_id = i.platform_message_id'
);
call change_function(
    'meet_customers',
    'join lateral customers_at(n.type, n.value) c on c.user_id = n.user_id',
    'join customers c on c.user_id = n.user_id and c.type = n.type and c.address = n.value'
);
call change_function(
    'accept_messages',
    'left join lateral customers_at(i.type, i.address) c on c.user_id = n.user_id;',
    'left join customers c on c.user_id = n.user_id and c.type = i.type and c.address = i.address;'
);
call change_function(
    'accept_messages',
    'from messages_named(item.platform_message_id) m where m.phone_number_id = item.phone_number_id',
    'from messages m
            where m.phone_number_id = item.phone_number_id and m.platform_message_id = item.platform_message_id'
);
call change_function(
    'accept_messages',
    'from messages_named(i.platform_message_id) m where m.phone_number_id = n.id',
    'from messages m where m.phone_number_id = n.id and m.platform_message_id = i.platform_message_id'
);

drop procedure change_function;
drop function function_of_today;
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
