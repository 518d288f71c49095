-- migrate:up

-- The hot writes of the path, each one statement for a whole batch: arrays in, one row out for each place in them.
-- They are functions because a batch needs steps that see each other's effects (lock, then look, then write), and
-- each step of a volatile function takes a fresh snapshot: after the lock, not before it.
-- They are planned for each call (plan_cache_mode). A kept plan is cheaper, but one that was made while a table was
-- still small reads all of it, for each message, until the table is next analyzed.
-- Everyone locks in one order, so that batches never wait for each other in a circle:
-- customers (by address), conversations (by phone number and customer), credit accounts (by user).

-- Store customers' messages: customer and conversation found or opened, numbers without a gap, each message once.
-- outcome: accepted | duplicate | unclaimed (no such phone number: kept in unclaimed_messages)
create function accept_messages(
    p_message_id uuid[], p_customer_id uuid[], p_conversation_id uuid[],
    p_type text[], p_account text[], p_address text[], p_name text[], p_platform_message_id text[],
    p_content_type text[], p_text text[], p_written_at timestamptz[], p_status text[], p_reason text[]
) returns table (place bigint, outcome text, conversation_id uuid, phone_number_id uuid, sequence_number bigint)
language plpgsql set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
    v_conversation_id uuid[];
    v_phone_number_id uuid[];
    v_user_id uuid[];
    v_fresh boolean[];
begin
    with item as (
        select * from unnest(p_customer_id, p_conversation_id, p_type, p_account, p_address, p_name, p_platform_message_id)
            with ordinality as i (new_customer_id, new_conversation_id, type, account, address, name, platform_message_id, place)
    ), known as (
        select item.*, n.id as phone_number_id, n.user_id, n.id is not null and not exists (
            select from messages m where m.phone_number_id = n.id and m.platform_message_id = item.platform_message_id
        ) as fresh
        from item left join phone_numbers n on n.type = item.type and n.account = item.account
    ), customer as (
        insert into customers as c (id, user_id, type, address, name)
        select distinct on (user_id, type, address) new_customer_id, user_id, type, address, name
        from known where fresh order by user_id, type, address, name is null, place desc
        on conflict (user_id, type, address) do update set name = coalesce(excluded.name, c.name)
        returning c.id, c.user_id, c.type, c.address
    ), conversation as (
        insert into conversations as c (id, user_id, phone_number_id, agent_id, customer_id)
        select distinct on (known.phone_number_id, customer.id)
            known.new_conversation_id, known.user_id, known.phone_number_id, agent.id, customer.id
        from known
        join customer using (user_id, type, address)
        left join agents agent on agent.phone_number_id = known.phone_number_id
        where fresh order by known.phone_number_id, customer.id, known.place
        on conflict (phone_number_id, customer_id) where status = 'active' do update set last_activity_at = now()
        returning c.id, c.phone_number_id, c.customer_id
    )
    select array_agg(conversation.id order by place), array_agg(known.phone_number_id order by place),
        array_agg(known.user_id order by place), array_agg(fresh order by place)
    into v_conversation_id, v_phone_number_id, v_user_id, v_fresh
    from known
    left join customer using (user_id, type, address)
    left join conversation on conversation.phone_number_id = known.phone_number_id and conversation.customer_id = customer.id;

    insert into unclaimed_messages (type, account, address, name, platform_message_id, content_type, text, written_at)
    select type, account, address, name, platform_message_id, content_type, text, written_at
    from unnest(p_type, p_account, p_address, p_name, p_platform_message_id, p_content_type, p_text, p_written_at, v_phone_number_id)
        with ordinality as i (type, account, address, name, platform_message_id, content_type, text, written_at, phone_number_id, place)
    where phone_number_id is null order by place
    on conflict do nothing;

    -- The conversations are locked now: what another batch stored in them before us can be seen, and nothing can slip in.
    return query
    with item as (
        select * from unnest(p_message_id, v_conversation_id, v_phone_number_id, v_user_id, v_fresh, p_platform_message_id,
                p_content_type, p_text, p_written_at, p_status, p_reason)
            with ordinality as i (message_id, conversation_id, phone_number_id, user_id, fresh, platform_message_id,
                content_type, text, written_at, status, reason, place)
    ), fresh as (
        select distinct on (phone_number_id, platform_message_id) *
        from item where fresh and not exists (
            select from messages m
            where m.phone_number_id = item.phone_number_id and m.platform_message_id = item.platform_message_id
        ) order by phone_number_id, platform_message_id, place
    ), numbered as (
        select fresh.*, c.last_sequence_number + row_number() over (partition by c.id order by place) as sequence_number
        from fresh join conversations c on c.id = fresh.conversation_id
    ), advanced as (
        -- An agent that was linked while we opened the conversation has not seen it; we see the agent now.
        update conversations c set last_sequence_number = n.last, last_activity_at = now(),
            agent_id = coalesce(c.agent_id, (select a.id from agents a where a.phone_number_id = c.phone_number_id))
        from (select conversation_id, max(sequence_number) as last from numbered group by 1) n
        where c.id = n.conversation_id
    ), stored as (
        insert into messages (id, user_id, conversation_id, phone_number_id, sequence_number, direction, author,
            type, text, status, reason, platform_message_id, written_at)
        select message_id, user_id, conversation_id, phone_number_id, sequence_number, 'inbound', 'customer',
            content_type, text, status, reason, platform_message_id, written_at
        from numbered order by place
    )
    select item.place,
        case when item.phone_number_id is null then 'unclaimed' when n.place is null then 'duplicate' else 'accepted' end,
        n.conversation_id, n.phone_number_id, n.sequence_number
    from item left join numbered n on n.place = item.place;
end $$;

-- Take the turns of conversations into one worker's hands, holding a credit for each new one.
-- state: begun | resumed (another worker left it) | busy (a live worker has it, or in a lane of the whole phone number
-- another conversation goes first, or it is put off) | quiet (the customer may still be writing) | blocked (no credit) | nothing
-- Only begun and resumed come with a turn, only quiet with seconds to wait: until nothing came for p_quiet_seconds, but
-- no longer than five times that since the first message. p_at_once does not wait.
-- A worker that begins something lives: its lease is renewed when a heartbeat was missed, or what it takes would be free
-- for others from the start.
create function begin_turns(
    p_conversation_id uuid[], p_turn_id uuid[], p_at_once boolean[], p_worker_id uuid, p_price bigint,
    p_quiet_seconds double precision, p_one_per_phone_number boolean, p_lease_seconds double precision, p_crashes_max integer
)
returns table (
    place bigint, state text, turn_id uuid, fence bigint, user_id uuid, phone_number_id uuid, agent_id uuid, address text,
    openai_conversation_id text, last_item_id text, questions jsonb, reply jsonb, attempts integer, crashes integer,
    quiet_seconds double precision
)
language plpgsql set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
begin
    if not exists (
        select from workers w
        where w.id = p_worker_id and w.lease_until > clock_timestamp() + p_lease_seconds / 2 * interval '1 second'
    ) then
        insert into workers as w (id, lease_until)
        values (p_worker_id, clock_timestamp() + p_lease_seconds * interval '1 second')
        on conflict (id) do update set lease_until = excluded.lease_until;
    end if;
    if p_one_per_phone_number then
        perform from phone_numbers
            where id in (select phone_number_id from conversations where id = any (p_conversation_id))
            order by id for no key update;
    end if;
    perform from conversations where id = any (p_conversation_id) order by phone_number_id, customer_id, id for no key update;
    perform from credit_accounts
        where user_id in (select user_id from conversations where id = any (p_conversation_id))
        order by user_id for no key update;

    return query
    with item as (
        select * from unnest(p_conversation_id, p_turn_id, p_at_once)
            with ordinality as i (conversation_id, new_turn_id, at_once, place)
    ), open_turn as (
        -- A turn that still bears its worker's name was in hand when that one died; one that was handed back does not.
        select t.id, t.conversation_id, t.crashes + (t.worker_id is not null)::integer as crashes, exists (
            select from workers w where w.id = t.worker_id and w.lease_until > clock_timestamp()
        ) as alive
        from turns t where t.status = 'open' and t.conversation_id = any (p_conversation_id)
    ), suspect as (
        -- One more death and it is set aside: a worker has only one such turn in hand, so that those that merely were
        -- there when another one killed their worker are told apart from it. The rest is swept to whoever has none.
        select o.id, row_number() over (order by o.id) as place from open_turn o
        where not o.alive and o.crashes = p_crashes_max - 1
    ), put_off as (
        select id from suspect where place > 1 or exists (
            select from turns t
            where t.status = 'open' and t.worker_id = p_worker_id and t.crashes = p_crashes_max - 1
        )
    ), resumed as (
        update turns t set worker_id = p_worker_id, fence = t.fence + 1, attempts = t.attempts + 1, crashes = o.crashes
        from open_turn o where t.id = o.id and not o.alive and o.id not in (select id from put_off)
        returning t.*
    ), handed_back as (
        -- Put off is no longer in hand: the death that was counted must not be counted again.
        update turns t set worker_id = null, crashes = o.crashes
        from open_turn o where t.id = o.id and o.id in (select id from put_off)
    ), unanswered as materialized (
        -- "offset 0": each conversation's own, by key. Else the planner may begin with everything that waits anywhere,
        -- because it last saw that small; with 10,000 waiting it is read for each conversation.
        select m.* from item cross join lateral (
            select m.id, m.conversation_id, m.status, m.created_at from messages m
            where m.conversation_id = item.conversation_id and m.direction = 'inbound' and m.turn_id is null offset 0
        ) m where m.status in ('received', 'blocked')
    ), due as (
        select item.place, item.new_turn_id, c.id, c.user_id, c.phone_number_id, c.agent_id, case
            when item.at_once then 0
            else extract(epoch from least(
                m.last + p_quiet_seconds * interval '1 second', m.first + 5 * p_quiet_seconds * interval '1 second'
            ) - clock_timestamp())::double precision
        end as quiet_seconds
        from item join conversations c on c.id = item.conversation_id
        join (
            select conversation_id, min(created_at) as first, max(created_at) as last from unanswered group by 1
        ) m on m.conversation_id = c.id
        where c.status = 'active' and c.agent_id is not null
            and not exists (select from open_turn o where o.conversation_id = c.id)
    ), ready as (
        select *, row_number() over (partition by phone_number_id order by place) as place_on_number
        from due where quiet_seconds <= 0
    ), waiting as (
        select r.*, row_number() over (partition by user_id order by place) * p_price as cost
        from ready r
        where not p_one_per_phone_number or (
            place_on_number = 1
            and not exists (select from turns t where t.phone_number_id = r.phone_number_id and t.status = 'open')
        )
    ), funded as (
        select w.* from waiting w join credit_accounts a using (user_id) where w.cost <= a.balance - a.held
    ), begun as (
        insert into turns as t (id, user_id, conversation_id, phone_number_id, agent_id, worker_id, price)
        select new_turn_id, user_id, id, phone_number_id, agent_id, p_worker_id, p_price from funded
        returning t.*
    ), entries as (
        insert into credit_entries (user_id, kind, amount, balance_change, held_change, turn_id)
        select user_id, 'hold', p_price, 0, p_price, id from begun where p_price > 0
    ), account as (
        update credit_accounts a set held = a.held + b.amount
        from (select user_id, sum(price) as amount from begun group by 1) b where a.user_id = b.user_id
    ), joined as (
        update messages m set turn_id = begun.id, status = 'received', reason = null
        from begun join unanswered u on u.conversation_id = begun.conversation_id
        where m.id = u.id
        returning m.*
    ), blocked as (
        update messages m set status = 'blocked', reason = 'insufficient_credits', status_at = now()
        from waiting w join unanswered u on u.conversation_id = w.id
        where w.place not in (select place from funded) and m.id = u.id and u.status = 'received'
    ), taken as (
        select 'begun' as state, begun.* from begun union all select 'resumed', resumed.* from resumed
    ), question as (
        select turn_id, id, sequence_number, platform_message_id, text from joined
        union all
        select m.turn_id, m.id, m.sequence_number, m.platform_message_id, m.text
        from messages m join resumed on resumed.id = m.turn_id where m.direction = 'inbound'
    )
    select item.place,
        case
            when taken.id is not null then taken.state
            when exists (select from open_turn o where o.conversation_id = item.conversation_id) then 'busy'
            when exists (select from waiting w where w.place = item.place) then 'blocked'
            when due.quiet_seconds > 0 then 'quiet'
            when due.place is not null then 'busy'
            else 'nothing'
        end,
        taken.id, taken.fence, taken.user_id, taken.phone_number_id, taken.agent_id, customer.address,
        c.openai_conversation_id, c.openai_last_item_id,
        (
            select jsonb_agg(jsonb_build_array(q.id, q.sequence_number, q.platform_message_id, q.text) order by q.sequence_number)
            from question q where q.turn_id = taken.id
        ),
        (
            select jsonb_build_array(m.id, m.text, m.status) from messages m
            where taken.state = 'resumed' and m.turn_id = taken.id and m.direction = 'outbound'
        ),
        taken.attempts, taken.crashes, due.quiet_seconds
    from item
    left join due on due.place = item.place
    left join conversations c on c.id = item.conversation_id
    left join customers customer on customer.id = c.customer_id
    left join taken on taken.conversation_id = item.conversation_id;
end $$;

-- Write down replies before they are sent, the attempt to send included. Old fences are refused (recorded = false).
create function record_replies(
    p_turn_id uuid[], p_fence bigint[], p_message_id uuid[], p_text text[], p_prompt_id text[], p_prompt_version integer[],
    p_model text[], p_response_id text[], p_last_item_id text[], p_input_tokens bigint[], p_output_tokens bigint[]
) returns table (place bigint, recorded boolean)
language plpgsql set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
begin
    perform from conversations
        where id in (select conversation_id from turns where id = any (p_turn_id)) order by phone_number_id, customer_id, id for no key update;

    return query
    with item as (
        select * from unnest(p_turn_id, p_fence, p_message_id, p_text, p_prompt_id, p_prompt_version, p_model,
                p_response_id, p_last_item_id, p_input_tokens, p_output_tokens)
            with ordinality as i (turn_id, fence, message_id, text, prompt_id, prompt_version, model,
                response_id, last_item_id, input_tokens, output_tokens, place)
    ), held as (
        update turns t set prompt_id = item.prompt_id, prompt_version = item.prompt_version, model = item.model,
            response_id = item.response_id, input_tokens = item.input_tokens, output_tokens = item.output_tokens
        from item where t.id = item.turn_id and t.fence = item.fence and t.status = 'open'
        returning t.id as turn_id, t.user_id, t.conversation_id, t.phone_number_id, item.place, item.message_id, item.text,
            item.last_item_id
    ), advanced as (
        update conversations c set last_sequence_number = c.last_sequence_number + 1, last_activity_at = now(),
            openai_last_item_id = coalesce(held.last_item_id, c.openai_last_item_id)
        from held where c.id = held.conversation_id
        returning c.id, c.last_sequence_number
    ), stored as (
        insert into messages (id, user_id, conversation_id, phone_number_id, sequence_number, direction, author,
            type, text, status, turn_id)
        select message_id, user_id, conversation_id, phone_number_id, advanced.last_sequence_number, 'outbound', 'agent',
            'text', text, 'sending', turn_id
        from held join advanced on advanced.id = held.conversation_id
    )
    select item.place, held.place is not null from item left join held on held.place = item.place;
end $$;

-- Note that a reply waits, or is about to be sent again. False, and nothing changed, when the fence is old or the
-- platform has reported on the reply meanwhile. The conversation is locked before the turn is looked at: otherwise one
-- worker could mark a reply as being sent while another takes the turn over and reads that it is still to be sent.
create function mark_reply(p_turn_id uuid, p_fence bigint, p_status text) returns boolean
language plpgsql set plan_cache_mode = force_custom_plan as $$
begin
    perform from conversations where id = (select conversation_id from turns where id = p_turn_id) for no key update;
    update messages m set status = p_status, status_at = now()
    from turns t
    where t.id = p_turn_id and t.fence = p_fence and t.status = 'open'
        and m.turn_id = t.id and m.direction = 'outbound' and m.status in ('pending', 'sending');
    return found;
end $$;

-- Keep the ids of the model's conversations. Old fences are refused (attached = false).
create function attach_model_conversations(p_turn_id uuid[], p_fence bigint[], p_openai_conversation_id text[], p_last_item_id text[])
returns table (place bigint, attached boolean)
language plpgsql set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
begin
    perform from conversations
        where id in (select conversation_id from turns where id = any (p_turn_id))
        order by phone_number_id, customer_id, id for no key update;

    return query
    with item as (
        select * from unnest(p_turn_id, p_fence, p_openai_conversation_id, p_last_item_id)
            with ordinality as i (turn_id, fence, openai_conversation_id, last_item_id, place)
    ), attached as (
        update conversations c set openai_conversation_id = item.openai_conversation_id,
            openai_last_item_id = item.last_item_id
        from item join turns t on t.id = item.turn_id
        where t.fence = item.fence and t.status = 'open' and c.id = t.conversation_id
        returning item.place
    )
    select item.place, attached.place is not null from item left join attached on attached.place = item.place;
end $$;

-- How far a message of ours has come; mirrors domain.conversations.OUTBOUND_ORDER.
create function outbound_rank(p_status text) returns integer
language sql immutable as $$
    select array_position(array['pending', 'sending', 'unknown', 'sent', 'failed', 'delivered', 'read'], p_status)
$$;

-- Move credits: one ledger line for each movement, and the accounts by their sums. The caller has locked the accounts.
create function move_credits(p_turn_id uuid[], p_kind text[]) returns void
language sql as $$
    with movement as (
        select t.user_id, t.id as turn_id, m.kind, t.price as amount,
            case m.kind when 'capture' then -t.price when 'refund' then t.price else 0 end as balance_change,
            case m.kind when 'capture' then -t.price when 'release' then -t.price else 0 end as held_change
        from unnest(p_turn_id, p_kind) as m (turn_id, kind) join turns t on t.id = m.turn_id
        where t.price > 0
    ), entries as (
        insert into credit_entries (user_id, kind, amount, balance_change, held_change, turn_id)
        select user_id, kind, amount, balance_change, held_change, turn_id from movement
    )
    update credit_accounts a set balance = a.balance + s.balance_change, held = a.held + s.held_change
    from (
        select user_id, sum(balance_change) as balance_change, sum(held_change) as held_change from movement group by 1
    ) s where a.user_id = s.user_id
$$;

-- End turns: message, questions, ledger and turn in one go. Old fences are refused (settled = false).
-- more says that the customer wrote again meanwhile.
create function settle_turns(
    p_turn_id uuid[], p_fence bigint[], p_status text[], p_inbound_status text[], p_reason text[], p_outbound_status text[],
    p_platform_message_id text[], p_entry text[], p_error jsonb[], p_last_item_id text[]
) returns table (place bigint, settled boolean, more boolean)
language plpgsql set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
    v_turn_id uuid[];
    v_entry text[];
begin
    perform from conversations
        where id in (select conversation_id from turns where id = any (p_turn_id)) order by phone_number_id, customer_id, id for no key update;
    perform from credit_accounts
        where user_id in (select user_id from turns where id = any (p_turn_id)) order by user_id for no key update;

    with item as (
        select * from unnest(p_turn_id, p_fence, p_status, p_inbound_status, p_reason, p_outbound_status,
                p_platform_message_id, p_entry, p_error, p_last_item_id)
            as i (turn_id, fence, status, inbound_status, reason, outbound_status, platform_message_id, entry, error,
                last_item_id)
    ), decided as (
        -- The platform's word may have come before ours: a reply it reported as failed is not charged, one it
        -- reported as sent is not undecided any more.
        select item.turn_id, item.fence, item.outbound_status, item.platform_message_id, item.last_item_id,
            case
                when reported.status = 'failed' then 'failed'
                when item.status = 'undecided' and reported.arrived then 'answered'
                else item.status
            end as status,
            case
                when reported.status = 'failed' then 'unanswerable'
                when item.status = 'undecided' and reported.arrived then 'answered'
                else item.inbound_status
            end as inbound_status,
            case when reported.status = 'failed' then 'send_failed' else item.reason end as reason,
            case
                when reported.status = 'failed' then 'release'
                when item.status = 'undecided' and reported.arrived then 'capture'
                else item.entry
            end as entry,
            case when reported.status is null or reported.status <> 'failed' then item.error end as error
        from item
        left join lateral (
            select m.status, outbound_rank(m.status) >= outbound_rank('sent') as arrived
            from messages m where m.turn_id = item.turn_id and m.direction = 'outbound'
        ) reported on true
    ), ended as (
        update turns t set status = d.status, reason = d.reason, error = d.error, worker_id = null, ended_at = now()
        from decided d where t.id = d.turn_id and t.fence = d.fence and t.status = 'open'
        returning t.id, t.conversation_id, d.inbound_status, d.outbound_status, d.reason, d.platform_message_id, d.entry, d.error,
            d.last_item_id
    ), questions as (
        update messages m set status = ended.inbound_status, reason = ended.reason, error = ended.error, status_at = now()
        from ended where m.turn_id = ended.id and m.direction = 'inbound' and ended.inbound_status is not null
    ), remembered as (
        update conversations c set openai_last_item_id = ended.last_item_id
        from ended where c.id = ended.conversation_id and ended.last_item_id is not null
    ), replies as (
        update messages m set
            status = case
                when outbound_rank(ended.outbound_status) > outbound_rank(m.status) then ended.outbound_status else m.status
            end,
            platform_message_id = coalesce(m.platform_message_id, ended.platform_message_id),
            error = coalesce(ended.error, m.error), status_at = now()
        from ended where m.turn_id = ended.id and m.direction = 'outbound' and ended.outbound_status is not null
    )
    select array_agg(id), array_agg(entry) into v_turn_id, v_entry from ended;

    perform move_credits(
        array_agg(turn_id), array_agg(entry)
    ) from unnest(v_turn_id, v_entry) as e (turn_id, entry) where entry is not null having count(*) > 0;

    return query
    select i.place, i.turn_id = any (v_turn_id), exists (
        select from turns t cross join lateral (
            select m.status from messages m
            where m.conversation_id = t.conversation_id and m.direction = 'inbound' and m.turn_id is null
            offset 0 -- for the reason given in begin_turns
        ) m where t.id = i.turn_id and m.status = 'received'
    )
    from unnest(p_turn_id) with ordinality as i (turn_id, place);
end $$;

-- Note what the platform reports of our messages. A status never goes back; a turn whose reply's fate was unknown is
-- decided by it, and a reply that failed after it was accepted is refunded.
create function record_receipts(
    p_type text[], p_account text[], p_platform_message_id text[], p_message_id uuid[], p_status text[], p_at timestamptz[],
    p_error jsonb[]
) returns table (place bigint, outcome text)
language plpgsql set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
    v_known uuid[];
begin
    -- Two look-ups and not one with an "or", which would walk through a whole index. Our own id goes first: the
    -- platform's may not be known yet.
    select array_agg(coalesce(own.id, named.id) order by i.place) into v_known
    from unnest(p_type, p_account, p_platform_message_id, p_message_id)
        with ordinality as i (type, account, platform_message_id, message_id, place)
    left join phone_numbers n on n.type = i.type and n.account = i.account
    left join messages own on own.id = i.message_id and own.phone_number_id = n.id and own.direction = 'outbound'
    left join messages named on named.platform_message_id = i.platform_message_id and named.phone_number_id = n.id
        and named.direction = 'outbound';

    perform from conversations
        where id in (select conversation_id from messages where id = any (v_known)) order by phone_number_id, customer_id, id for no key update;
    perform from credit_accounts
        where user_id in (select user_id from messages where id = any (v_known)) order by user_id for no key update;

    return query
    with item as (
        select * from unnest(v_known, p_platform_message_id, p_status, p_at, p_error)
            with ordinality as i (message_id, platform_message_id, status, at, error, place)
    ), furthest as (
        select distinct on (message_id) item.* from item join messages m on m.id = item.message_id
        where item.platform_message_id <> all (coalesce(m.former_platform_message_ids, '{}'))
        order by message_id, outbound_rank(item.status) desc, place
    ), forward as (
        update messages m set status = f.status, status_at = now(), error = coalesce(f.error, m.error),
            platform_message_id = coalesce(m.platform_message_id, f.platform_message_id)
        from furthest f
        where m.id = f.message_id and outbound_rank(f.status) > outbound_rank(m.status)
        returning m.turn_id, f.status, f.error, f.place
    ), ending as (
        select t.id, t.status as status_before, forward.status as reported, forward.error
        from forward join turns t on t.id = forward.turn_id
        where t.status = 'undecided' or t.status = 'answered' and forward.status = 'failed'
    ), ended as (
        update turns t set status = case when e.reported = 'failed' then 'failed' else 'answered' end,
            reason = case when e.reported = 'failed' then 'send_failed' end, error = e.error
        from ending e where t.id = e.id
        returning t.id, e.status_before, e.reported
    ), questions as (
        update messages m set status = case when ended.reported = 'failed' then 'unanswerable' else 'answered' end,
            reason = case when ended.reported = 'failed' then 'send_failed' end, status_at = now()
        from ended where m.turn_id = ended.id and m.direction = 'inbound'
    ), moved as (
        select move_credits(
            array_agg(ended.id),
            array_agg(case
                when reported <> 'failed' then 'capture'
                when status_before = 'undecided' then 'release'
                else 'refund'
            end)
        ) from ended having count(*) > 0
    )
    select item.place, case
        when item.message_id is null then 'unknown' when forward.place is null then 'old' else 'recorded'
    end
    from item left join forward on forward.place = item.place
    where (select count(*) from moved) >= 0;
end $$;

-- migrate:down

drop function record_receipts;
drop function settle_turns;
drop function move_credits;
drop function outbound_rank;
drop function attach_model_conversations;
drop function mark_reply;
drop function record_replies;
drop function begin_turns;
drop function accept_messages;
