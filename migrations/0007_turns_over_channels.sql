-- migrate:up

-- A reply may be several messages, a phone number may be parked, a conversation paused. The functions of before stay
-- beside these under their old arguments as long as a rolling deploy takes: workers of before write replies of one
-- message, which mean the same to both.

-- Undecided turns with parts that wait for the decision: a handful among all turns.
create table unsent_rests (
    turn_id uuid primary key references turns on delete cascade,
    conversation_id uuid not null references conversations on delete cascade
);
create index unsent_rests_of_conversation on unsent_rests (conversation_id);

-- A moment as status_times holds it.
create function moment(p_at timestamptz) returns text
language sql stable as $$
    select to_char(p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- Open undecided turns again whose last send has been decided as taken, one in each conversation, the oldest first; none
-- where another turn is open. The caller has locked the conversations.
create function reopen_turns(p_conversation_id uuid[]) returns void
language plpgsql as $$
begin
    with decided as (
        select distinct on (u.conversation_id) u.turn_id
        from unsent_rests u join turns t on t.id = u.turn_id
        where u.conversation_id = any (p_conversation_id)
            and not exists (select from turns o where o.conversation_id = u.conversation_id and o.status = 'open')
            and not exists (
                select from messages m where m.turn_id = u.turn_id and m.direction = 'outbound' and m.status in ('unknown', 'sending')
            )
        order by u.conversation_id, t.begun_at, t.id
    ), gone as (
        delete from unsent_rests where turn_id in (select turn_id from decided)
    )
    update turns t set status = 'open', ended_at = null, reason = null, error = null
    from decided where t.id = decided.turn_id and t.status = 'undecided';
end $$;

-- Take the turns of conversations into one worker's hands, holding a credit for each new one.
-- state: begun | resumed (another worker left it) | busy (a live worker has it, or in a lane of the whole phone number
-- another conversation goes first, or it is put off) | quiet (the customer may still be writing) | blocked (no credit)
-- | parked (the platform takes nothing from the phone number) | paused (the agent is silent there) | nothing
-- Only begun and resumed come with a turn, only quiet with seconds to wait: until nothing came for p_quiet_seconds, but
-- no longer than five times that since the first message. p_at_once does not wait. A pause holds back new turns only.
-- A worker that begins something lives: its lease is renewed when a heartbeat was missed, or what it takes would be free
-- for others from the start. lately is what was said in the last p_busy_seconds, and only told of a conversation with
-- at least p_busy_turns turns in that time.
create function begin_turns(
    p_conversation_id uuid[], p_turn_id uuid[], p_at_once boolean[], p_worker_id uuid, p_price bigint,
    p_quiet_seconds double precision, p_one_per_phone_number boolean, p_lease_seconds double precision, p_crashes_max integer,
    p_busy_turns integer, p_busy_seconds double precision
)
returns table (
    place bigint, state text, turn_id uuid, fence bigint, user_id uuid, phone_number_id uuid, agent_id uuid, address text,
    openai_conversation_id text, last_item_id text, questions jsonb, replies jsonb, attempts integer, crashes integer,
    quiet_seconds double precision, heard jsonb, lately jsonb
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

    -- What stands behind a send that has been decided meanwhile is sent before anything newer is answered.
    if exists (select from unsent_rests u where u.conversation_id = any (p_conversation_id)) then
        perform reopen_turns(p_conversation_id);
    end if;

    return query
    with item as (
        select * from unnest(p_conversation_id, p_turn_id, p_at_once)
            with ordinality as i (conversation_id, new_turn_id, at_once, place)
    ), open_turn as (
        -- A turn that still bears its worker's name was in hand when that one died; one that was handed back does not.
        select t.id, t.conversation_id, t.crashes + (t.worker_id is not null)::integer as crashes, exists (
            select from workers w where w.id = t.worker_id and w.lease_until > clock_timestamp()
        ) as alive, exists (
            select from phone_numbers n where n.id = t.phone_number_id and n.status <> 'active'
        ) as parked
        from turns t where t.status = 'open' and t.conversation_id = any (p_conversation_id)
    ), suspect as (
        -- One more death and it is set aside: a worker has only one such turn in hand, so that those that merely were
        -- there when another one killed their worker are told apart from it. The rest is swept to whoever has none.
        select o.id, row_number() over (order by o.id) as place from open_turn o
        where not o.alive and not o.parked and o.crashes = p_crashes_max - 1
    ), put_off as (
        select id from suspect where place > 1 or exists (
            select from turns t
            where t.status = 'open' and t.worker_id = p_worker_id and t.crashes = p_crashes_max - 1
        )
    ), resumed as (
        update turns t set worker_id = p_worker_id, fence = t.fence + 1, attempts = t.attempts + 1, crashes = o.crashes
        from open_turn o where t.id = o.id and not o.alive and not o.parked and o.id not in (select id from put_off)
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
        end as quiet_seconds, case
            when n.status <> 'active' then 'parked' when c.paused_until > clock_timestamp() then 'paused'
        end as gate
        from item join conversations c on c.id = item.conversation_id
        join phone_numbers n on n.id = c.phone_number_id
        join (
            select conversation_id, min(created_at) as first, max(created_at) as last from unanswered group by 1
        ) m on m.conversation_id = c.id
        where c.status = 'active' and c.agent_id is not null
            and not exists (select from open_turn o where o.conversation_id = c.id)
    ), ready as (
        select *, row_number() over (partition by phone_number_id order by place) as place_on_number
        from due where quiet_seconds <= 0 and gate is null
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
        select turn_id, id, sequence_number, platform_message_id, text, type, content from joined
        union all
        select m.turn_id, m.id, m.sequence_number, m.platform_message_id, m.text, m.type, m.content
        from messages m join resumed on resumed.id = m.turn_id where m.direction = 'inbound'
        union all
        -- A part that is sent again after another one of its reply finds the questions gone with that: it is told what the
        -- customer had said last.
        select resumed.id, said.id, said.sequence_number, said.platform_message_id, said.text, said.type, said.content
        from resumed cross join lateral (
            select m.* from messages m
            where m.conversation_id = resumed.conversation_id and m.direction = 'inbound' and m.sequence_number < (
                select min(o.sequence_number) from messages o where o.turn_id = resumed.id and o.direction = 'outbound'
            )
            order by m.sequence_number desc limit 1
        ) said
        where not exists (select from messages m where m.turn_id = resumed.id and m.direction = 'inbound')
    )
    select item.place,
        case
            when taken.id is not null then taken.state
            when exists (
                select from open_turn o where o.conversation_id = item.conversation_id and o.parked and not o.alive
            ) then 'parked'
            when exists (select from open_turn o where o.conversation_id = item.conversation_id) then 'busy'
            when due.gate is not null then due.gate
            when exists (select from waiting w where w.place = item.place) then 'blocked'
            when due.quiet_seconds > 0 then 'quiet'
            when due.place is not null then 'busy'
            else 'nothing'
        end,
        taken.id, taken.fence, taken.user_id, taken.phone_number_id, taken.agent_id, customer.address,
        c.openai_conversation_id, c.openai_last_item_id,
        (
            select jsonb_agg(
                jsonb_build_array(q.id, q.sequence_number, q.platform_message_id, q.text, q.type, q.content)
                order by q.sequence_number
            )
            from question q where q.turn_id = taken.id
        ),
        (
            select jsonb_agg(jsonb_build_array(m.id, m.text, m.status, m.type) order by m.sequence_number)
            from messages m where taken.state = 'resumed' and m.turn_id = taken.id and m.direction = 'outbound'
        ),
        taken.attempts, taken.crashes, due.quiet_seconds,
        (
            -- The newest thing the customer sent: the window for free text is counted from there. Platforms deliver again
            -- for a week; a time before that is nobody's.
            select jsonb_build_array(
                m.sequence_number, extract(epoch from case
                    when m.written_at > m.created_at - interval '8 days' then least(m.written_at, m.created_at)
                    else m.created_at
                end),
                coalesce(m.content #>> '{referral,source_type}' = 'ad', false)
            )
            from messages m where m.conversation_id = taken.conversation_id and m.direction = 'inbound'
            order by m.sequence_number desc limit 1
        ),
        (
            -- Texts are told by their digests: it only matters whether they are the same.
            select jsonb_agg(jsonb_build_array(m.direction, md5(m.text), extract(epoch from m.created_at)) order by m.sequence_number)
            from (
                select m.direction, m.text, m.created_at, m.sequence_number from messages m
                where taken.state = 'begun' and m.conversation_id = taken.conversation_id
                    and p_busy_turns <= (
                        select count(*) from (
                            select from turns t
                            where t.conversation_id = taken.conversation_id
                                and t.begun_at > clock_timestamp() - p_busy_seconds * interval '1 second'
                            limit p_busy_turns
                        ) recent
                    )
                order by m.sequence_number desc limit 300
            ) m where m.created_at > clock_timestamp() - p_busy_seconds * interval '1 second'
        )
    from item
    left join due on due.place = item.place
    left join conversations c on c.id = item.conversation_id
    left join customers customer on customer.id = c.customer_id
    left join taken on taken.conversation_id = item.conversation_id;
end $$;

-- Write down replies before they are sent, the attempt to send the first part included; the parts of one turn stand
-- together, in order, under the number of its place. Old fences are refused (recorded = false). is_asked_again tells that
-- the customer wrote again after the last question.
create function record_replies(
    p_turn_id uuid[], p_fence bigint[], p_prompt_id text[], p_prompt_version integer[], p_model text[], p_response_id text[],
    p_last_item_id text[], p_input_tokens bigint[], p_output_tokens bigint[], p_last_question bigint[],
    p_part_of bigint[], p_message_id uuid[], p_text text[], p_type text[]
) returns table (place bigint, recorded boolean, is_asked_again boolean)
language plpgsql set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
begin
    perform from conversations
        where id in (select conversation_id from turns where id = any (p_turn_id)) order by phone_number_id, customer_id, id for no key update;

    return query
    with item as (
        select * from unnest(p_turn_id, p_fence, p_prompt_id, p_prompt_version, p_model, p_response_id, p_last_item_id,
                p_input_tokens, p_output_tokens, p_last_question)
            with ordinality as i (turn_id, fence, prompt_id, prompt_version, model, response_id, last_item_id,
                input_tokens, output_tokens, last_question, place)
    ), part as (
        select *, row_number() over (partition by part_of order by place) as place_in_reply, count(*) over (partition by part_of) as parts
        from unnest(p_part_of, p_message_id, p_text, p_type) with ordinality as i (part_of, message_id, text, type, place)
    ), held as (
        update turns t set prompt_id = item.prompt_id, prompt_version = item.prompt_version, model = item.model,
            response_id = item.response_id, input_tokens = item.input_tokens, output_tokens = item.output_tokens
        from item where t.id = item.turn_id and t.fence = item.fence and t.status = 'open'
        returning t.id as turn_id, t.user_id, t.conversation_id, t.phone_number_id, item.place, item.last_item_id, item.last_question
    ), advanced as (
        update conversations c set last_sequence_number = c.last_sequence_number + part.parts, last_activity_at = now(),
            openai_last_item_id = coalesce(held.last_item_id, c.openai_last_item_id)
        from held join part on part.part_of = held.place and part.place_in_reply = 1
        where c.id = held.conversation_id
        returning c.id, c.last_sequence_number - part.parts as number_before
    ), stored as (
        insert into messages (id, user_id, conversation_id, phone_number_id, sequence_number, direction, author,
            type, text, status, turn_id, status_times)
        select part.message_id, held.user_id, held.conversation_id, held.phone_number_id, advanced.number_before + part.place_in_reply,
            'outbound', 'agent', part.type, part.text, case when part.place_in_reply = 1 then 'sending' else 'pending' end,
            held.turn_id,
            jsonb_build_object(case when part.place_in_reply = 1 then 'sending' else 'pending' end, moment(clock_timestamp()))
        from held join advanced on advanced.id = held.conversation_id join part on part.part_of = held.place
        order by part.place
    )
    select item.place, held.place is not null, advanced.number_before > held.last_question and exists (
        select from messages m
        where m.conversation_id = held.conversation_id and m.sequence_number > held.last_question and m.direction = 'inbound'
    )
    from item left join held on held.place = item.place left join advanced on advanced.id = held.conversation_id;
end $$;

-- Note that a part of the reply waits, or is about to be sent. False, and nothing changed, when the fence is old or the
-- platform has reported on the part meanwhile. The conversation is locked before the turn is looked at: otherwise one
-- worker could mark a reply as being sent while another takes the turn over and reads that it is still to be sent.
create function mark_reply(p_turn_id uuid, p_fence bigint, p_message_id uuid, p_status text) returns boolean
language plpgsql set plan_cache_mode = force_custom_plan as $$
begin
    perform from conversations where id = (select conversation_id from turns where id = p_turn_id) for no key update;
    update messages m set status = p_status, status_at = now(),
        status_times = jsonb_build_object(p_status, moment(clock_timestamp())) || m.status_times
    from turns t
    where t.id = p_turn_id and t.fence = p_fence and t.status = 'open'
        and m.id = p_message_id and m.turn_id = t.id and m.direction = 'outbound' and m.status in ('pending', 'sending');
    return found;
end $$;

-- Note that the platform took a part, and that the next one is about to be sent.
-- outcome: passed | failed (the platform has reported meanwhile that a part will not be delivered: the next one waits for
-- its end) | lost (an old fence, and nothing changed)
create function pass_on_reply(p_turn_id uuid, p_fence bigint, p_message_id uuid, p_platform_message_id text, p_next_message_id uuid)
returns text
language plpgsql set plan_cache_mode = force_custom_plan as $$
begin
    perform from conversations where id = (select conversation_id from turns where id = p_turn_id) for no key update;
    if not exists (select from turns where id = p_turn_id and fence = p_fence and status = 'open') then
        return 'lost';
    end if;
    perform from credit_accounts where user_id = (select user_id from turns where id = p_turn_id) for no key update;
    update messages m set status = case when outbound_rank('sent') > outbound_rank(m.status) then 'sent' else m.status end,
        platform_message_id = coalesce(m.platform_message_id, p_platform_message_id), status_at = now(),
        status_times = jsonb_build_object('sent', moment(clock_timestamp())) || m.status_times
    where m.id = p_message_id and m.turn_id = p_turn_id and m.direction = 'outbound';
    perform merge_early_receipts(array[p_message_id]);
    if exists (
        select from messages m join messages following on following.id = p_next_message_id
        where m.turn_id = p_turn_id and m.direction = 'outbound' and m.status = 'failed'
            and m.sequence_number < following.sequence_number
    ) then
        return 'failed';
    end if;
    update messages m set status = 'sending', status_at = now(),
        status_times = jsonb_build_object('sending', moment(clock_timestamp())) || m.status_times
    where m.id = p_next_message_id and m.turn_id = p_turn_id and m.status in ('pending', 'sending');
    return case when found then 'passed' else 'lost' end;
end $$;

-- Put a template in the place of a reply that the window for free text has closed on, about to be sent; what was to follow
-- has failed. False, and nothing changed, when the fence is old or a part was taken already.
create function replace_reply(p_turn_id uuid, p_fence bigint, p_message_id uuid, p_text text) returns boolean
language plpgsql set plan_cache_mode = force_custom_plan as $$
begin
    perform from conversations where id = (select conversation_id from turns where id = p_turn_id) for no key update;
    update messages m set type = 'template', text = p_text, status = 'sending', status_at = now(),
        status_times = jsonb_build_object('sending', moment(clock_timestamp())) || m.status_times
    from turns t
    where t.id = p_turn_id and t.fence = p_fence and t.status = 'open'
        and m.id = p_message_id and m.turn_id = t.id and m.direction = 'outbound' and m.status in ('pending', 'sending');
    if not found then
        return false;
    end if;
    update messages m set status = 'failed', status_at = now(),
        error = '{"detail": "The window for free text had closed: a template was sent instead."}',
        status_times = jsonb_build_object('failed', moment(clock_timestamp())) || m.status_times
    where m.turn_id = p_turn_id and m.direction = 'outbound' and m.status = 'pending' and m.id <> p_message_id;
    return true;
end $$;

-- Hand a turn back because the platform takes nothing from its phone number: open, nobody's, its credit still held, the
-- reply pending. The phone number says why, unless it does already, or has got another token since: then it goes on.
-- Returns its status; null, and nothing changed, when the fence is old.
create function park_turn(
    p_turn_id uuid, p_fence bigint, p_message_id uuid, p_status text, p_detail jsonb, p_token_version uuid
) returns text
language plpgsql set plan_cache_mode = force_custom_plan as $$
begin
    perform from phone_numbers where id = (select phone_number_id from turns where id = p_turn_id) for no key update;
    perform from conversations where id = (select conversation_id from turns where id = p_turn_id) for no key update;
    update turns set worker_id = null where id = p_turn_id and fence = p_fence and status = 'open';
    if not found then
        return null;
    end if;
    update messages m set status = 'pending', status_at = now(),
        status_times = jsonb_build_object('pending', moment(clock_timestamp())) || m.status_times
    where m.id = p_message_id and m.turn_id = p_turn_id and m.direction = 'outbound' and m.status in ('pending', 'sending');
    update phone_numbers set status = p_status, status_detail = p_detail || jsonb_build_object('at', moment(clock_timestamp()))
    where id = (select phone_number_id from turns where id = p_turn_id) and status = 'active'
        and (p_token_version is null or token_version = p_token_version);
    return (select status from phone_numbers where id = (select phone_number_id from turns where id = p_turn_id));
end $$;

-- End turns: reply, questions, ledger and turn in one go. Old fences are refused (settled = false). p_message_id is the
-- part of the reply that the end is about; without one, the first that is not decided. A turn that fails takes the parts
-- with it that were not sent. more says that there is something to do at once: the customer wrote again, or the
-- platform's word has come meanwhile and the next part can be sent.
create function settle_turns(
    p_turn_id uuid[], p_fence bigint[], p_status text[], p_inbound_status text[], p_reason text[], p_outbound_status text[],
    p_platform_message_id text[], p_entry text[], p_error jsonb[], p_last_item_id text[], p_message_id uuid[]
) returns table (place bigint, settled boolean, more boolean)
language plpgsql set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
    v_turn_id uuid[];
    v_entry text[];
    v_message_id uuid[];
begin
    perform from conversations
        where id in (select conversation_id from turns where id = any (p_turn_id)) order by phone_number_id, customer_id, id for no key update;
    perform from credit_accounts
        where user_id in (select user_id from turns where id = any (p_turn_id)) order by user_id for no key update;

    with item as (
        select * from unnest(p_turn_id, p_fence, p_status, p_inbound_status, p_reason, p_outbound_status,
                p_platform_message_id, p_entry, p_error, p_last_item_id, p_message_id)
            as i (turn_id, fence, status, inbound_status, reason, outbound_status, platform_message_id, entry, error,
                last_item_id, message_id)
    ), spoken as (
        -- The platform's word may have come before ours: a reply it reported as failed is not charged, one it
        -- reported as sent is not undecided any more.
        select item.*, hand.id as hand, case
            when parts.failed then 'failed'
            when item.status = 'undecided' and parts.arrived and parts.waiting then 'open'
            when item.status = 'undecided' and parts.arrived then 'answered'
            else item.status
        end as decided, coalesce(item.status = 'undecided' and parts.waiting, false) as is_waiting
        from item
        left join lateral (
            select m.id, m.sequence_number from messages m
            where m.turn_id = item.turn_id and m.direction = 'outbound' and (item.message_id is null or m.id = item.message_id)
            order by outbound_rank(m.status) >= outbound_rank('sent'), m.sequence_number limit 1
        ) hand on true
        left join lateral (
            select bool_or(m.status = 'failed' and m.sequence_number <= hand.sequence_number) as failed,
                bool_or(m.id = hand.id and outbound_rank(m.status) >= outbound_rank('sent')) as arrived,
                bool_or(m.id <> hand.id and m.status = 'pending') as waiting
            from messages m where m.turn_id = item.turn_id and m.direction = 'outbound'
        ) parts on true
    ), decided as (
        select s.turn_id, s.fence, s.hand, s.outbound_status, s.platform_message_id, s.last_item_id, s.decided as status,
            s.is_waiting and s.decided = 'undecided' as leaves_rest,
            case
                when s.decided = s.status then s.inbound_status
                when s.decided = 'failed' then 'unanswerable'
                when s.decided = 'answered' then 'answered'
            end as inbound_status,
            case when s.decided = s.status and s.decided <> 'failed' then s.reason when s.decided = 'failed' then coalesce(s.reason, 'send_failed') end as reason,
            case
                when s.decided = s.status then s.entry
                when s.decided = 'failed' then 'release'
                when s.decided = 'answered' then 'capture'
            end as entry,
            case when s.decided = s.status then s.error end as error
        from spoken s
    ), ended as (
        update turns t set status = d.status, reason = d.reason, error = d.error, worker_id = null,
            ended_at = case when d.status <> 'open' then now() end
        from decided d where t.id = d.turn_id and t.fence = d.fence and t.status = 'open'
        returning t.id, t.conversation_id, d.status, d.inbound_status, d.outbound_status, d.reason, d.platform_message_id, d.entry,
            d.error, d.last_item_id, d.hand, d.leaves_rest
    ), questions as (
        update messages m set status = ended.inbound_status, reason = ended.reason, error = ended.error, status_at = now()
        from ended where m.turn_id = ended.id and m.direction = 'inbound' and ended.inbound_status is not null
    ), remembered as (
        -- Whoever answers by itself is answered no more until somebody resumes the conversation.
        update conversations c set openai_last_item_id = coalesce(ended.last_item_id, c.openai_last_item_id),
            paused_until = case when ended.reason = 'auto_replier' then 'infinity' else c.paused_until end,
            paused_reason = case when ended.reason = 'auto_replier' then 'auto_replier' else c.paused_reason end
        from ended where c.id = ended.conversation_id and (ended.last_item_id is not null or ended.reason = 'auto_replier')
    ), rests as (
        insert into unsent_rests (turn_id, conversation_id) select id, conversation_id from ended where leaves_rest
        on conflict do nothing
    ), next_status as (
        select m.id, ended.id as turn_id, case
            when m.id = ended.hand and outbound_rank(ended.outbound_status) > outbound_rank(m.status) then ended.outbound_status
            when m.id <> ended.hand and m.status in ('pending', 'sending') and ended.status in ('failed', 'unanswerable') then 'failed'
            else m.status
        end as status, case when m.id = ended.hand then ended.platform_message_id end as platform_message_id, ended.error
        from ended join messages m on m.turn_id = ended.id and m.direction = 'outbound'
        where ended.outbound_status is not null
    ), replies as (
        update messages m set status = n.status, platform_message_id = coalesce(m.platform_message_id, n.platform_message_id),
            error = coalesce(n.error, m.error), status_at = now(),
            status_times = jsonb_build_object(n.status, moment(clock_timestamp())) || m.status_times
        from next_status n
        where m.id = n.id and (n.status <> m.status or n.platform_message_id is not null)
    )
    select array_agg(id), array_agg(entry), array_agg(hand) filter (where platform_message_id is not null)
    into v_turn_id, v_entry, v_message_id from ended;

    perform move_credits(
        array_agg(turn_id), array_agg(entry)
    ) from unnest(v_turn_id, v_entry) as e (turn_id, entry) where entry is not null having count(*) > 0;
    if v_message_id is not null then
        perform merge_early_receipts(v_message_id);
    end if;

    return query
    select i.place, i.turn_id = any (v_turn_id), exists (
        select from turns t cross join lateral (
            select m.status from messages m
            where m.conversation_id = t.conversation_id and m.direction = 'inbound' and m.turn_id is null
            offset 0 -- for the reason given in begin_turns
        ) m where t.id = i.turn_id and m.status = 'received'
    ) or exists (select from turns t where t.id = i.turn_id and t.status = 'open')
    from unnest(p_turn_id) with ordinality as i (turn_id, place);
end $$;

-- Note what the platform reports of our messages. A status never goes back, and whatever is reported keeps its time. A
-- turn whose reply's fate was unknown is decided by it; a reply of which a part failed after it was accepted is refunded.
-- What is reported of a message that we do not know yet is kept until we do.
create function record_receipts(
    p_type text[], p_account text[], p_platform_message_id text[], p_message_id uuid[], p_status text[], p_at timestamptz[],
    p_error jsonb[], p_pricing jsonb[]
) returns table (place bigint, outcome text)
language plpgsql set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
    v_known uuid[];
    v_forward bigint[];
    v_turn_id uuid[];
    v_failed boolean[];
    v_error jsonb[];
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

    insert into early_receipts (type, account, platform_message_id, status, at, error, pricing)
    select i.type, i.account, i.platform_message_id, i.status, i.at, i.error, i.pricing
    from unnest(p_type, p_account, p_platform_message_id, p_status, p_at, p_error, p_pricing, v_known)
        as i (type, account, platform_message_id, status, at, error, pricing, known)
    join phone_numbers n on n.type = i.type and n.account = i.account
    where i.known is null order by 1, 2, 3, 4
    on conflict do nothing;

    with item as (
        select i.*, m.status as status_before from unnest(v_known, p_platform_message_id, p_status, p_at, p_error, p_pricing)
            with ordinality as i (message_id, platform_message_id, status, at, error, pricing, place)
        join messages m on m.id = i.message_id
        where i.platform_message_id <> all (coalesce(m.former_platform_message_ids, '{}'))
    ), furthest as (
        select distinct on (message_id) * from item order by message_id, outbound_rank(status) desc, place
    ), forward as (
        select * from furthest where outbound_rank(status) > outbound_rank(status_before)
    ), told as (
        select message_id, jsonb_object_agg(status, moment(at) order by at desc) as times,
            (array_agg(error order by outbound_rank(status) desc) filter (where error is not null))[1] as error,
            (array_agg(pricing order by place desc) filter (where pricing is not null))[1] as pricing
        from item group by message_id
    ), written as (
        update messages m set status = coalesce(f.status, m.status), error = coalesce(told.error, m.error),
            status_at = case when f.place is null then m.status_at else now() end,
            platform_message_id = coalesce(m.platform_message_id, f.platform_message_id),
            status_times = told.times || m.status_times, pricing = coalesce(told.pricing, m.pricing)
        from told left join forward f on f.message_id = told.message_id
        where m.id = told.message_id and (
            f.place is not null or not m.status_times @> (told.times || m.status_times)
            or coalesce(told.pricing, m.pricing) is distinct from m.pricing
        )
        returning m.turn_id, f.status, f.error, f.place
    )
    select array_agg(turn_id), array_agg(status = 'failed'), array_agg(error), array_agg(place)
    into v_turn_id, v_failed, v_error, v_forward from written where place is not null;

    if v_turn_id is not null then
        perform decide_turns(v_turn_id, v_failed, v_error);
    end if;

    return query
    select i.place, case when message_id is null then 'unknown' when i.place = any (v_forward) then 'recorded' else 'old' end
    from unnest(v_known) with ordinality as i (message_id, place);
end $$;

-- Decide turns by what the platform has just reported of their replies: one failed part fails the whole turn, and one
-- whose last part has arrived is answered. Between the two it stays undecided, and what is left is sent by reopen_turns.
-- The caller has locked conversations and accounts.
create function decide_turns(p_turn_id uuid[], p_failed boolean[], p_error jsonb[]) returns void
language plpgsql set plan_cache_mode = force_custom_plan as $$
declare
    v_moved bigint;
begin
    with reported as (
        select turn_id, bool_or(failed) as failed, (array_agg(error) filter (where failed))[1] as error
        from unnest(p_turn_id, p_failed, p_error) as i (turn_id, failed, error) where turn_id is not null group by turn_id
    ), ending as (
        select t.id, t.status as status_before, r.failed, r.error
        from reported r join turns t on t.id = r.turn_id
        where r.failed and t.status in ('undecided', 'answered') or t.status = 'undecided' and not exists (
            select from messages m
            where m.turn_id = t.id and m.direction = 'outbound' and m.status in ('pending', 'sending', 'unknown')
        )
    ), ended as (
        update turns t set status = case when e.failed then 'failed' else 'answered' end,
            reason = case when e.failed then 'send_failed' end, error = e.error
        from ending e where t.id = e.id
        returning t.id, e.status_before, e.failed
    ), questions as (
        update messages m set status = case when ended.failed then 'unanswerable' else 'answered' end,
            reason = case when ended.failed then 'send_failed' end, status_at = now()
        from ended where m.turn_id = ended.id and m.direction = 'inbound'
    ), rest as (
        update messages m set status = 'failed', status_at = now(),
            status_times = jsonb_build_object('failed', moment(clock_timestamp())) || m.status_times
        from ended where m.turn_id = ended.id and ended.failed and m.direction = 'outbound' and m.status = 'pending'
    ), gone as (
        delete from unsent_rests where turn_id in (select id from ended)
    ), moved as (
        select move_credits(
            array_agg(ended.id),
            array_agg(case
                when not failed then 'capture'
                when status_before = 'undecided' then 'release'
                else 'refund'
            end)
        ) from ended having count(*) > 0
    )
    select count(*) into v_moved from moved;
end $$;

-- Heed what was reported of messages before their platform ids were known. The caller has locked conversations and accounts.
create function merge_early_receipts(p_message_id uuid[]) returns bigint
language plpgsql set plan_cache_mode = force_custom_plan as $$
declare
    v_merged bigint;
begin
    with known as (
        delete from early_receipts e using messages m, phone_numbers n
        where m.id = any (p_message_id) and n.id = m.phone_number_id
            and e.type = n.type and e.account = n.account and e.platform_message_id = m.platform_message_id
        returning e.*, m.id as message_id
    ), all_of_them as (
        select array_agg(type) as types, array_agg(account) as accounts, array_agg(platform_message_id) as names,
            array_agg(message_id) as message_ids, array_agg(status) as statuses, array_agg(at) as moments,
            array_agg(error) as errors, array_agg(pricing) as pricings
        from known having count(*) > 0
    )
    select count(*) into v_merged
    from all_of_them a, record_receipts(a.types, a.accounts, a.names, a.message_ids, a.statuses, a.moments, a.errors, a.pricings);
    return v_merged;
end $$;

-- What doors of before report goes the same way.
create or replace function record_receipts(
    p_type text[], p_account text[], p_platform_message_id text[], p_message_id uuid[], p_status text[], p_at timestamptz[],
    p_error jsonb[]
) returns table (place bigint, outcome text)
language sql as $$
    select place, outcome from record_receipts(
        p_type, p_account, p_platform_message_id, p_message_id, p_status, p_at, p_error, null::jsonb[]
    )
$$;

-- Send a failed reply again, with the parts behind it that failed too: a new open turn takes over what the failed one was
-- to answer, and the reply goes back to pending. Who claims the conversation next finds a turn that nobody holds and only
-- delivers it.
-- outcome: retried | unknown | not_failed | agent_gone | turn_under_way | insufficient_credits
create or replace function retry_message(p_user_id uuid, p_message_id uuid, p_turn_id uuid) returns text
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
    select m.direction, m.status as message_status, m.sequence_number, m.type, t.id, t.conversation_id, t.phone_number_id, t.agent_id, t.price,
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
    update messages set turn_id = p_turn_id, status = 'pending', error = null, status_at = now(), pricing = null,
        former_platform_message_ids = array_remove(former_platform_message_ids || platform_message_id, null),
        platform_message_id = null, status_times = jsonb_build_object('pending', moment(clock_timestamp()))
    where id = p_message_id or turn_id = v_failed.id and direction = 'outbound' and status = 'failed'
        and sequence_number > v_failed.sequence_number and type = v_failed.type;
    return 'retried';
end $$;

-- migrate:down

create or replace function retry_message(p_user_id uuid, p_message_id uuid, p_turn_id uuid) returns text
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

drop function merge_early_receipts;
create or replace function record_receipts(
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

drop function record_receipts(text[], text[], text[], uuid[], text[], timestamptz[], jsonb[], jsonb[]);
drop function decide_turns;
drop function settle_turns(uuid[], bigint[], text[], text[], text[], text[], text[], text[], jsonb[], text[], uuid[]);
drop function park_turn;
drop function replace_reply;
drop function pass_on_reply;
drop function mark_reply(uuid, bigint, uuid, text);
drop function record_replies(
    uuid[], bigint[], text[], integer[], text[], text[], text[], bigint[], bigint[], bigint[], bigint[], uuid[], text[], text[]
);
drop function begin_turns(
    uuid[], uuid[], boolean[], uuid, bigint, double precision, boolean, double precision, integer, integer, double precision
);
drop function reopen_turns;
drop function moment;
drop table unsent_rests;
