-- migrate:up

-- squawk-ignore-file require-concurrent-index-creation
-- Indexes are only made on tables that are made here.

-- When the address came to be: news that come late must not take it back.
alter table customers add column address_at timestamptz;
-- Of nearly everyone there is nothing on record: who has ever said STOP is told without a look for it.
alter table customers add column has_consents boolean not null default false;
-- When a person last answered: what the customer had written before needs no other answer.
alter table conversations add column human_replied_at timestamptz;

-- What the functions of before stored while 0005 had been applied and this had not.
insert into customer_aliases (user_id, type, value, customer_id) select user_id, type, address, id from customers
on conflict do nothing;

-- Changes of messages that have not come yet; of several the one that counts. text is null for one that was taken back.
create table early_changes (
    platform_message_id text not null,
    type text not null,
    account text not null,
    text text,
    changed_at timestamptz not null,
    received_at timestamptz not null default now(),
    primary key (platform_message_id, type, account)
);
create index early_changes_by_age on early_changes (received_at);

-- Whether a change counts behind another: what was taken back stays so, and else the later one does. Those of one
-- second are told apart by their texts, so that the order in which they come does not matter.
create function is_later_change(
    p_text text, p_at timestamptz, p_text_before text, p_at_before timestamptz
) returns boolean
language sql immutable as $$
    select case
        when p_at_before is null then true
        when p_text_before is null then false
        when p_text is null then true
        else (p_at, p_text collate "C") > (p_at_before, p_text_before collate "C")
    end
$$;

-- One customer out of two, the one who was known first: what hangs on the other hangs on them. Both are locked, their
-- conversations too. Of two active conversations on one phone number the one in which less was going on is archived,
-- and what still waits there is answered in the other: numbers are given anew, so that neither has a gap.
create function merge_customers(p_kept_id uuid, p_gone_id uuid) returns void
language plpgsql as $$
#variable_conflict use_column
declare
    v_gone customers;
    v_pair record;
    v_moved bigint;
begin
    for v_pair in
        select case when (a.last_activity_at, a.id) > (b.last_activity_at, b.id) then a.id else b.id end as kept_id,
            case when (a.last_activity_at, a.id) > (b.last_activity_at, b.id) then b.id else a.id end as ended_id
        from conversations a join conversations b on b.phone_number_id = a.phone_number_id
        where a.customer_id = p_kept_id and b.customer_id = p_gone_id and a.status = 'active' and b.status = 'active'
    loop
        with waiting as (
            select m.id, c.last_sequence_number + row_number() over (order by m.sequence_number) as number
            from messages m join conversations c on c.id = v_pair.kept_id
            where m.conversation_id = v_pair.ended_id and m.turn_id is null and m.status in ('received', 'blocked')
        )
        update messages m set conversation_id = v_pair.kept_id, sequence_number = w.number
        from waiting w where m.id = w.id;
        get diagnostics v_moved = row_count;
        if v_moved > 0 then
            -- Twice, because a number may be taken until its message has gone on: first out of everyone's way.
            update messages m set sequence_number = m.sequence_number + c.last_sequence_number
            from conversations c where c.id = v_pair.ended_id and m.conversation_id = c.id;
            update messages m set sequence_number = n.number
            from (
                select id, row_number() over (order by sequence_number) as number
                from messages where conversation_id = v_pair.ended_id
            ) n where m.id = n.id;
        end if;
        update conversations c set status = 'archived', last_sequence_number = c.last_sequence_number - v_moved
        where c.id = v_pair.ended_id;
        update conversations kept set last_sequence_number = kept.last_sequence_number + v_moved,
            paused_reason = case
                when ended.paused_until > coalesce(kept.paused_until, '-infinity') then ended.paused_reason
                else kept.paused_reason
            end,
            paused_until = greatest(kept.paused_until, ended.paused_until),
            human_replied_at = greatest(kept.human_replied_at, ended.human_replied_at)
        from conversations ended where kept.id = v_pair.kept_id and ended.id = v_pair.ended_id;
    end loop;

    update conversations set customer_id = p_kept_id where customer_id = p_gone_id;
    update consents set customer_id = p_kept_id where customer_id = p_gone_id;
    update customer_aliases set customer_id = p_kept_id where customer_id = p_gone_id;
    delete from customers where id = p_gone_id returning * into v_gone;
    update customers c set
        address = case when v_gone.address_at > coalesce(c.address_at, '-infinity') then v_gone.address else c.address end,
        address_at = greatest(c.address_at, v_gone.address_at),
        name = coalesce(c.name, v_gone.name), username = coalesce(c.username, v_gone.username),
        has_consents = c.has_consents or v_gone.has_consents
    where c.id = p_kept_id;
end $$;

-- Which customers are meant, in the order of the places; null where no user is given. Whoever is known by none of their
-- identifiers is added under the id given; with p_new_customer_id null nobody is. New identifiers are kept, and
-- identifiers of two customers make them one.
create function meet_customers(
    p_user_id uuid[], p_type text[], p_address text[], p_aliases jsonb[], p_new_customer_id uuid[]
) returns uuid[]
language plpgsql set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
    v_user_id uuid[];
    v_type text[];
    v_value text[];
    v_place bigint[];
    v_kept_id uuid;
    v_gone_id uuid;
    v_customer_id uuid[];
begin
    select array_agg(user_id), array_agg(type), array_agg(value), array_agg(place)
    into v_user_id, v_type, v_value, v_place from (
        select distinct i.user_id, i.type, name.value, i.place
        from unnest(p_user_id, p_type, p_address, p_aliases) with ordinality as i (user_id, type, address, aliases, place)
        cross join lateral (
            select i.address as value union all select jsonb_array_elements_text(coalesce(i.aliases, '[]'))
        ) name
        where i.user_id is not null
    ) named;

    insert into customers (id, user_id, type, address)
    select distinct on (user_id, type, address) new_customer_id, user_id, type, address
    from unnest(p_user_id, p_type, p_address, p_new_customer_id)
        with ordinality as i (user_id, type, address, new_customer_id, place)
    where user_id is not null and new_customer_id is not null and not exists (
        select from unnest(v_user_id, v_type, v_value, v_place) as n (user_id, type, value, place)
        join customer_aliases k on k.user_id = n.user_id and k.type = n.type and k.value = n.value
        where n.place = i.place
    )
    order by user_id, type, address, place
    on conflict do nothing;

    -- An address is among its customer's identifiers, whoever wrote the row.
    insert into customer_aliases (user_id, type, value, customer_id)
    select distinct c.user_id, c.type, c.address, c.id
    from unnest(v_user_id, v_type, v_value) as n (user_id, type, value)
    join customers c on c.user_id = n.user_id and c.type = n.type and c.address = n.value
    order by 1, 2, 3
    on conflict do nothing;
    -- Somebody else was quicker: the person is known.
    delete from customers c
    where c.id = any (p_new_customer_id) and not exists (select from customer_aliases k where k.customer_id = c.id);

    insert into customer_aliases (user_id, type, value, customer_id)
    select distinct on (n.user_id, n.type, n.value) n.user_id, n.type, n.value, owner.customer_id
    from unnest(v_user_id, v_type, v_value, v_place) as n (user_id, type, value, place)
    join (
        select o.place, k.customer_id
        from unnest(v_user_id, v_type, v_value, v_place) as o (user_id, type, value, place)
        join customer_aliases k on k.user_id = o.user_id and k.type = o.type and k.value = o.value
    ) owner on owner.place = n.place
    order by n.user_id, n.type, n.value, n.place
    on conflict do nothing;

    loop
        select owners[1], owners[2] into v_kept_id, v_gone_id from (
            select array_agg(id order by created_at, id) as owners from (
                select distinct n.place, c.id, c.created_at
                from unnest(v_user_id, v_type, v_value, v_place) as n (user_id, type, value, place)
                join customer_aliases k on k.user_id = n.user_id and k.type = n.type and k.value = n.value
                join customers c on c.id = k.customer_id
            ) owner group by place having count(*) > 1 limit 1
        ) torn;
        exit when v_gone_id is null;
        -- Everyone's order, over all that this call may touch; a second round finds them locked already.
        perform from customers where id in (
            select k.customer_id
            from unnest(v_user_id, v_type, v_value) as n (user_id, type, value)
            join customer_aliases k on k.user_id = n.user_id and k.type = n.type and k.value = n.value
        ) order by user_id, type, address for update;
        perform from conversations where customer_id in (v_kept_id, v_gone_id)
            order by phone_number_id, customer_id, id for no key update;
        if (select count(*) from customers where id in (v_kept_id, v_gone_id)) = 2 then
            perform merge_customers(v_kept_id, v_gone_id);
        end if;
    end loop;

    select array_agg(k.customer_id order by i.place) into v_customer_id
    from unnest(p_user_id, p_type, p_address) with ordinality as i (user_id, type, value, place)
    left join customer_aliases k on k.user_id = i.user_id and k.type = i.type and k.value = i.value;
    return v_customer_id;
end $$;

-- Messages and changes of one phone number look for each other; without this, two that come at once would miss each other.
create function lock_of_changes(p_type text, p_account text) returns bigint
language sql immutable as $$
    select hashtextextended('early_changes ' || p_type || ' ' || p_account, 0)
$$;

-- Store customers' messages: customer and conversation found or opened, numbers without a gap, each message once.
-- outcome: accepted | duplicate | unclaimed (no such phone number: kept in unclaimed_messages)
-- waits tells what a worker should be woken for: neither without an answer from the start, nor in a paused conversation.
-- p_word is STOP or START where the text (p_said, without what does not matter) is among the words that everyone knows.
create function accept_messages(
    p_message_id uuid[], p_customer_id uuid[], p_conversation_id uuid[],
    p_type text[], p_account text[], p_address text[], p_aliases jsonb[], p_name text[], p_username text[],
    p_platform_message_id text[], p_content_type text[], p_text text[], p_content jsonb[], p_media jsonb[], p_business text[],
    p_is_standby boolean[], p_written_at timestamptz[], p_status text[], p_reason text[], p_said text[], p_word text[]
) returns table (
    place bigint, outcome text, conversation_id uuid, phone_number_id uuid, sequence_number bigint, waits boolean
)
language plpgsql set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
    v_conversation_id uuid[];
    v_phone_number_id uuid[];
    v_user_id uuid[];
    v_customer_id uuid[];
    v_locked_id uuid[];
    v_fresh boolean[];
    v_word text[];
    v_paused boolean[];
    v_human_replied_at timestamptz[];
    v_consent text[];
    v_text text[] := p_text;
    v_content jsonb[] := p_content;
    v_media jsonb[] := p_media;
    v_status text[] := p_status;
    v_reason text[] := p_reason;
    v_has_strangers boolean;
    v_has_news boolean;
    v_has_business boolean;
    v_is_complete boolean;
    v_has_consents boolean;
    v_has_changes boolean;
begin
    if cardinality(p_type) = 1 then
        perform pg_advisory_xact_lock_shared(lock_of_changes(p_type[1], p_account[1]));
    else
        perform pg_advisory_xact_lock_shared(key) from (
            select distinct lock_of_changes(type, account) as key from unnest(p_type, p_account) as i (type, account)
            order by 1
        ) keys;
    end if;

    -- Once, as a rule. Again when a customer was merged into another one while we waited for them.
    for v_round in 1..5 loop
        select array_agg(n.id order by place), array_agg(n.user_id order by place), array_agg(c.id order by place),
            array_agg(n.id is not null and not exists (
                select from messages m where m.phone_number_id = n.id and m.platform_message_id = i.platform_message_id
            ) order by place),
            array_agg(case
                when n.settings = '{}' then i.word
                when n.settings ->> 'hears_stop' = 'false' then 'unheard'
                when lower((n.settings -> 'stop_words')::text)::jsonb ? i.said then 'stop'
                when lower((n.settings -> 'start_words')::text)::jsonb ? i.said then 'start'
                else i.word
            end order by place),
            bool_or(n.id is not null and c.id is null),
            bool_or(i.name <> coalesce(c.name, '') or i.username <> coalesce(c.username, '')),
            bool_or(n.id is not null and i.business is distinct from n.business and i.business is not null),
            exists (select from early_changes where platform_message_id = any (p_platform_message_id))
        into v_phone_number_id, v_user_id, v_customer_id, v_fresh, v_word, v_has_strangers, v_has_news, v_has_business,
            v_has_changes
        from unnest(p_type, p_account, p_address, p_name, p_username, p_platform_message_id, p_business, p_said, p_word)
            with ordinality as i (type, account, address, name, username, platform_message_id, business, said, word, place)
        left join phone_numbers n on n.type = i.type and n.account = i.account
        left join customers c on c.user_id = n.user_id and c.type = i.type and c.address = i.address;

        if v_has_business then
            perform learn_businesses(v_phone_number_id, p_business);
        end if;
        if not v_has_strangers and cardinality(array_remove(p_aliases, null)) > 0 then
            select exists (
                select from unnest(v_customer_id, v_user_id, p_type, p_aliases, v_fresh)
                    as i (customer_id, user_id, type, aliases, fresh)
                cross join lateral jsonb_array_elements_text(aliases) as name (value)
                left join customer_aliases k
                    on k.user_id = i.user_id and k.type = i.type and k.value = name.value and k.customer_id = i.customer_id
                where fresh and k.customer_id is null
            ) into v_has_strangers;
        end if;
        if v_has_strangers then
            v_customer_id := meet_customers(
                (select array_agg(case when fresh then user_id end order by place)
                from unnest(v_user_id, v_fresh) with ordinality as i (user_id, fresh, place)),
                p_type, p_address, p_aliases, p_customer_id
            );
        end if;

        select array_agg(id), bool_or(has_consents) into v_locked_id, v_has_consents from (
            select c.id, c.has_consents
            from customers c join unnest(v_customer_id, v_fresh) as i (id, fresh) on fresh and i.id = c.id
            order by c.user_id, c.type, c.address for no key update of c
        ) locked;
        if v_has_strangers or v_has_news then
            perform learn_of_customers(v_locked_id, v_customer_id, v_fresh, p_address, p_name, p_username, p_written_at);
        end if;

        with item as (
            select * from unnest(v_customer_id, v_phone_number_id, v_user_id, v_fresh, p_conversation_id)
                with ordinality as i (customer_id, phone_number_id, user_id, fresh, new_conversation_id, place)
        ), conversation as (
            insert into conversations as c (id, user_id, phone_number_id, agent_id, customer_id)
            select distinct on (item.phone_number_id, item.customer_id)
                item.new_conversation_id, item.user_id, item.phone_number_id, agent.id, item.customer_id
            from item left join agents agent on agent.phone_number_id = item.phone_number_id
            where fresh and item.customer_id = any (v_locked_id)
            order by item.phone_number_id, item.customer_id, item.place
            on conflict (phone_number_id, customer_id) where status = 'active' do update set last_activity_at = now()
            returning c.id, c.phone_number_id, c.customer_id, c.paused_until > clock_timestamp() as paused, c.human_replied_at
        )
        select array_agg(conversation.id order by place), array_agg(coalesce(paused, false) order by place),
            array_agg(human_replied_at order by place), bool_and(not fresh or conversation.id is not null)
        into v_conversation_id, v_paused, v_human_replied_at, v_is_complete
        from item
        left join conversation on fresh and conversation.phone_number_id = item.phone_number_id
            and conversation.customer_id = item.customer_id;
        exit when v_is_complete;
    end loop;
    if not v_is_complete then
        raise exception 'the customers of a batch were merged again and again' using errcode = 'serialization_failure';
    end if;

    if array_position(v_phone_number_id, null) is not null then
        insert into unclaimed_messages (type, account, address, aliases, name, username, platform_message_id, content_type, text,
            content, media, business, is_standby, written_at)
        select type, account, address, array(select jsonb_array_elements_text(coalesce(aliases, '[]'))), name, username,
            platform_message_id, content_type, text, content, coalesce(media, '[]'), business, is_standby, written_at
        from unnest(p_type, p_account, p_address, p_aliases, p_name, p_username, p_platform_message_id, p_content_type, p_text,
                p_content, p_media, p_business, p_is_standby, p_written_at, v_phone_number_id)
            with ordinality as i (type, account, address, aliases, name, username, platform_message_id, content_type, text,
                content, media, business, is_standby, written_at, phone_number_id, place)
        where phone_number_id is null order by place
        on conflict do nothing;
    end if;

    -- The conversations are locked now: what another batch stored in them before us can be seen, and nothing can slip in.
    if v_has_consents or 'stop' = any (v_word) then
        select array_agg(o.status order by place), array_agg(o.reason order by place), array_agg(o.consent order by place)
        into v_status, v_reason, v_consent
        from heed_consents(v_phone_number_id, v_customer_id, p_platform_message_id, v_word, p_status, p_reason) o;
    end if;
    if v_has_changes then
        select array_agg(case when e.platform_message_id is null then i.text else e.text end order by place),
            array_agg(case
                when e.platform_message_id is null then i.content
                when e.text is null then jsonb_build_object('taken_back_at', e.changed_at)
                else coalesce(i.content, '{}') || jsonb_build_object('edited_at', e.changed_at)
            end order by place),
            array_agg(case when e.platform_message_id is null or e.text is not null then i.media end order by place),
            array_agg(case when e.platform_message_id is null or e.text is not null or i.status <> 'received'
                then i.status else 'unanswerable' end order by place),
            array_agg(case when e.platform_message_id is null or e.text is not null or i.status <> 'received'
                then i.reason else 'taken_back' end order by place)
        into v_text, v_content, v_media, v_status, v_reason
        from unnest(p_type, p_account, p_platform_message_id, p_text, p_content, p_media, v_status, v_reason, v_phone_number_id)
            with ordinality as i (type, account, platform_message_id, text, content, media, status, reason, phone_number_id,
                place)
        left join early_changes e on e.platform_message_id = i.platform_message_id and e.type = i.type
            and e.account = i.account and i.phone_number_id is not null;
        delete from early_changes e
        using unnest(p_type, p_account, p_platform_message_id, v_phone_number_id)
            as i (type, account, platform_message_id, phone_number_id)
        where e.platform_message_id = i.platform_message_id and e.type = i.type and e.account = i.account
            and i.phone_number_id is not null;
    end if;

    return query
    with item as (
        select * from unnest(p_message_id, v_conversation_id, v_phone_number_id, v_user_id, v_fresh, p_platform_message_id,
                p_content_type, v_text, v_content, p_written_at, v_status, v_reason, v_paused, v_human_replied_at)
            with ordinality as i (message_id, conversation_id, phone_number_id, user_id, fresh, platform_message_id,
                content_type, text, content, written_at, status, reason, paused, human_replied_at, place)
    ), fresh as (
        select distinct on (phone_number_id, platform_message_id) item.*,
            status = 'received' and human_replied_at is not null and written_at < human_replied_at as is_answered_by_human
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
            type, text, content, status, reason, platform_message_id, written_at)
        select message_id, user_id, conversation_id, phone_number_id, sequence_number, 'inbound', 'customer',
            content_type, text, content, case when is_answered_by_human then 'unanswerable' else status end,
            case
                when is_answered_by_human then 'human_answered'
                when status = 'received' and paused then 'conversation_paused'
                else reason
            end, platform_message_id, written_at
        from numbered order by place
    )
    select item.place,
        case when item.phone_number_id is null then 'unclaimed' when n.place is null then 'duplicate' else 'accepted' end,
        n.conversation_id, n.phone_number_id, n.sequence_number,
        coalesce(n.status = 'received' and not n.paused and not n.is_answered_by_human, false)
    from item left join numbered n on n.place = item.place;

    if cardinality(array_remove(v_media, null)) > 0 then
        insert into media (id, user_id, message_id, place, kind, platform_id, url, mime_type, sha256, filename)
        select gen_random_uuid(), m.user_id, m.id, file.place - 1, file.value ->> 'kind', file.value ->> 'platform_id',
            file.value ->> 'url', file.value ->> 'mime_type', file.value ->> 'sha256', file.value ->> 'filename'
        from unnest(p_message_id, v_media) as i (message_id, media)
        join messages m on m.id = i.message_id
        cross join lateral jsonb_array_elements(i.media) with ordinality as file (value, place);
    end if;
    if v_consent is not null then
        -- Not now(): whoever waited for the customer's row has an older one than whoever held it.
        insert into consents (id, user_id, phone_number_id, customer_id, kind, message_id, created_at)
        select gen_random_uuid(), m.user_id, m.phone_number_id, i.customer_id, i.consent, m.id,
            clock_timestamp() + i.place * interval '1 microsecond'
        from unnest(p_message_id, v_customer_id, v_consent) with ordinality as i (message_id, customer_id, consent, place)
        join messages m on m.id = i.message_id
        where consent is not null order by place;
        update customers set has_consents = true
        where id in (select customer_id from unnest(v_customer_id, v_consent) as i (customer_id, consent) where consent is not null);
        -- What waits was written before the word, and would be answered after it.
        update messages m set status = 'unanswerable', reason = 'customer_opted_out', status_at = now()
        from unnest(p_message_id, v_consent) as i (message_id, consent)
        join messages word on word.id = i.message_id
        where i.consent = 'stop' and m.conversation_id = word.conversation_id and m.sequence_number < word.sequence_number
            and m.direction = 'inbound' and m.turn_id is null and m.status in ('received', 'blocked');
    end if;
end $$;

-- What messages come to where somebody has said STOP or says it now, each seeing those before it: status, reason, and
-- what is to be put on record. The conversations are locked.
create function heed_consents(
    p_phone_number_id uuid[], p_customer_id uuid[], p_platform_message_id text[], p_word text[], p_status text[], p_reason text[]
) returns table (place bigint, status text, reason text, consent text)
language sql as $$
    with item as (
        -- A message that was there before, in the store or in the batch, says nothing anew.
        select i.*, i.word in ('stop', 'start') and not exists (
            select from messages m
            where m.phone_number_id = i.phone_number_id and m.platform_message_id = i.platform_message_id
        ) and i.place = min(i.place) over (partition by i.phone_number_id, i.platform_message_id) as speaks
        from unnest(p_phone_number_id, p_customer_id, p_platform_message_id, p_word, p_status, p_reason)
            with ordinality as i (phone_number_id, customer_id, platform_message_id, word, status, reason, place)
    ), known as (
        select item.*, coalesce(
            p_word[max(case when speaks then place end) over (
                partition by phone_number_id, customer_id order by place rows between unbounded preceding and 1 preceding
            )],
            (
                select c.kind from consents c
                where c.phone_number_id = item.phone_number_id and c.customer_id = item.customer_id
                order by c.created_at desc limit 1
            )
        ) = 'stop' and word is distinct from 'unheard' as is_stopped
        from item
    ), decided as (
        select known.*, case
            when speaks and word = 'stop' then 'stop' when speaks and word = 'start' and is_stopped then 'start'
        end as consent, word = 'stop' or is_stopped and word is distinct from 'start' as is_silent
        from known
    )
    select place, case when is_silent then 'unanswerable' else status end,
        case when is_silent then 'customer_opted_out' else reason end, consent
    from decided order by place
$$;

-- What messages tell of customers: the newest counts. One that comes late knows no better than what came before it, but
-- may fill a gap. The customers are locked.
create function learn_of_customers(
    p_locked_id uuid[], p_customer_id uuid[], p_fresh boolean[], p_address text[], p_name text[], p_username text[],
    p_written_at timestamptz[]
) returns void
language sql as $$
    with newest as (
        select customer_id, max(written_at) as written_at,
            (array_agg(address order by written_at desc, place desc))[1] as address,
            (array_agg(name order by written_at desc, place desc) filter (where name is not null))[1] as name,
            (array_agg(username order by written_at desc, place desc) filter (where username is not null))[1] as username
        from unnest(p_customer_id, p_fresh, p_address, p_name, p_username, p_written_at)
            with ordinality as i (customer_id, fresh, address, name, username, written_at, place)
        where fresh and customer_id = any (p_locked_id) group by 1
    ), told as (
        select n.*, n.written_at >= greatest(c.address_at, (
            select max(m.written_at) from conversations v join messages m on m.conversation_id = v.id
            where v.customer_id = c.id and m.direction = 'inbound'
        )) is not false as is_news
        from newest n join customers c on c.id = n.customer_id
    )
    update customers c set
        address = case when is_news then told.address else c.address end,
        address_at = case when is_news and told.address <> c.address then told.written_at else c.address_at end,
        name = case when is_news then coalesce(told.name, c.name) else coalesce(c.name, told.name) end,
        username = case when is_news then coalesce(told.username, c.username) else coalesce(c.username, told.username) end
    from told where c.id = told.customer_id
$$;

-- The account above a phone number, as the newest delivery tells it.
create function learn_businesses(p_phone_number_id uuid[], p_business text[]) returns void
language plpgsql as $$
begin
    perform from phone_numbers where id = any (p_phone_number_id) order by id for no key update;
    update phone_numbers n set business = news.business
    from (
        select distinct on (phone_number_id) phone_number_id, business
        from unnest(p_phone_number_id, p_business) with ordinality as i (phone_number_id, business, place)
        where business is not null order by phone_number_id, place desc
    ) news where n.id = news.phone_number_id and n.business is distinct from news.business;
end $$;

-- The messages of whoever is still at work with the arguments of before; goes when nobody can be.
create or replace function accept_messages(
    p_message_id uuid[], p_customer_id uuid[], p_conversation_id uuid[],
    p_type text[], p_account text[], p_address text[], p_name text[], p_platform_message_id text[],
    p_content_type text[], p_text text[], p_written_at timestamptz[], p_status text[], p_reason text[]
) returns table (place bigint, outcome text, conversation_id uuid, phone_number_id uuid, sequence_number bigint)
language sql as $$
    select a.place, a.outcome, a.conversation_id, a.phone_number_id, a.sequence_number
    from accept_messages(
        p_message_id, p_customer_id, p_conversation_id, p_type, p_account, p_address,
        array_fill(null::jsonb, array[cardinality(p_type)]), p_name, array_fill(null::text, array[cardinality(p_type)]),
        p_platform_message_id, p_content_type, p_text, array_fill(null::jsonb, array[cardinality(p_type)]),
        array_fill(null::jsonb, array[cardinality(p_type)]), array_fill(null::text, array[cardinality(p_type)]),
        array_fill(false, array[cardinality(p_type)]), p_written_at, p_status, p_reason,
        array_fill(null::text, array[cardinality(p_type)]), array_fill(null::text, array[cardinality(p_type)])
    ) a
$$;

-- Note a message of the business's own that came back. Who wrote it is read from what we sent.
-- outcome: unclaimed (no such phone number) | known | ours (message_id is ours where it was not known by this id yet) | human
create function note_echo(
    p_message_id uuid, p_customer_id uuid, p_conversation_id uuid, p_type text, p_account text, p_address text, p_aliases jsonb,
    p_platform_message_id text, p_content_type text, p_text text, p_content jsonb, p_written_at timestamptz, p_is_ours boolean
) returns table (outcome text, message_id uuid)
language plpgsql set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
    v_number phone_numbers;
    v_customer_id uuid;
    v_message_id uuid;
    v_conversation_id uuid;
begin
    select * into v_number from phone_numbers where type = p_type and account = p_account;
    if not found then
        return query select 'unclaimed', null::uuid;
        return;
    end if;
    -- Most echoes are of what we have just sent, and known: they cost this look.
    if exists (
        select from messages m where m.phone_number_id = v_number.id and m.platform_message_id = p_platform_message_id
    ) then
        return query select 'known', null::uuid;
        return;
    end if;

    for v_round in 1..5 loop
        v_customer_id := (meet_customers(
            array[v_number.user_id], array[p_type], array[p_address], array[p_aliases],
            array[case when p_is_ours then null else p_customer_id end]
        ))[1];
        perform from customers where id = v_customer_id for no key update;
        exit when found or v_customer_id is null;
    end loop;
    perform from conversations where customer_id = v_customer_id and phone_number_id = v_number.id
        order by phone_number_id, customer_id, id for no key update;
    if exists (
        select from messages m where m.phone_number_id = v_number.id and m.platform_message_id = p_platform_message_id
    ) then
        return query select 'known', null::uuid;
        return;
    end if;

    -- What was about to be sent, or may have been: the one under way before an old one that said the same.
    select m.id into v_message_id
    from messages m join conversations c on c.id = m.conversation_id
    where c.customer_id = v_customer_id and c.phone_number_id = v_number.id and m.user_id = v_number.user_id
        and m.status in ('pending', 'sending', 'unknown') and m.direction = 'outbound' and m.author = 'agent'
        and m.platform_message_id is null and p_is_ours is distinct from false and btrim(m.text) = btrim(p_text)
    order by m.status = 'sending' desc, m.created_at desc, m.sequence_number limit 1;
    if v_message_id is not null or p_is_ours then
        return query select 'ours', v_message_id;
        return;
    end if;

    insert into conversations as c (id, user_id, phone_number_id, agent_id, customer_id)
    select p_conversation_id, v_number.user_id, v_number.id,
        (select a.id from agents a where a.phone_number_id = v_number.id), v_customer_id
    on conflict (phone_number_id, customer_id) where status = 'active' do update set last_activity_at = now()
    returning c.id into v_conversation_id;
    insert into messages (id, user_id, conversation_id, phone_number_id, sequence_number, direction, author,
        type, text, content, status, platform_message_id, written_at)
    select p_message_id, c.user_id, c.id, c.phone_number_id, c.last_sequence_number + 1, 'outbound', 'human',
        p_content_type, p_text, p_content, 'sent', p_platform_message_id, p_written_at
    from conversations c where c.id = v_conversation_id;
    update conversations set last_sequence_number = last_sequence_number + 1,
        human_replied_at = greatest(human_replied_at, p_written_at)
    where id = v_conversation_id;
    update conversations set paused_reason = 'human_replied', paused_until = pause.ends_at
    from (
        select now() + minutes * interval '1 minute' as ends_at
        from (select coalesce((v_number.settings ->> 'human_pause_minutes')::integer, 720) as minutes) s where minutes > 0
    ) pause
    where id = v_conversation_id and coalesce(paused_until, '-infinity') < pause.ends_at;
    update messages set status = 'unanswerable', reason = 'human_answered', status_at = now()
    where conversation_id = v_conversation_id and direction = 'inbound' and turn_id is null
        and status in ('received', 'blocked') and written_at <= p_written_at;
    return query select 'human', p_message_id;
end $$;

-- Note that a customer changed a message or took it back. outcome: applied | old (we knew as much) | early (kept for when it
-- comes) | unknown (it is no customer's)
create function note_change(p_type text, p_account text, p_platform_message_id text, p_text text, p_at timestamptz)
returns text
language plpgsql set plan_cache_mode = force_custom_plan as $$
declare
    v_message messages;
begin
    perform pg_advisory_xact_lock(lock_of_changes(p_type, p_account));
    select m.* into v_message
    from messages m join phone_numbers n on n.id = m.phone_number_id
    where n.type = p_type and n.account = p_account and m.platform_message_id = p_platform_message_id;
    if v_message.id is null then
        -- No platform tells of a change months later; what was never followed by its message is given up here.
        delete from early_changes where received_at < now() - interval '30 days';
        insert into early_changes as e (type, account, platform_message_id, text, changed_at)
        values (p_type, p_account, p_platform_message_id, p_text, p_at)
        on conflict (platform_message_id, type, account) do update set text = excluded.text, changed_at = excluded.changed_at
        where is_later_change(excluded.text, excluded.changed_at, e.text, e.changed_at);
        return case when found then 'early' else 'old' end;
    end if;
    if v_message.direction <> 'inbound' then
        return 'unknown';
    end if;

    perform from conversations where id = v_message.conversation_id for no key update;
    select m.* into v_message from messages m where m.id = v_message.id;
    if not is_later_change(p_text, p_at, v_message.text,
        coalesce(v_message.content ->> 'taken_back_at', v_message.content ->> 'edited_at')::timestamptz) then
        return 'old';
    end if;
    if p_text is not null then
        update messages set text = p_text,
            content = coalesce(content, '{}') || jsonb_build_object('edited_at', p_at)
        where id = v_message.id;
        return 'applied';
    end if;
    update messages set text = null, content = jsonb_build_object('taken_back_at', p_at) where id = v_message.id;
    update messages set status = 'unanswerable', reason = 'taken_back', status_at = now()
    where id = v_message.id and turn_id is null and status in ('received', 'blocked');
    delete from media where message_id = v_message.id;
    return 'applied';
end $$;

-- Note that a customer is called something else from now on. outcome: moved | unknown (nobody is known by either)
create function note_move(p_type text, p_account text, p_before text, p_after text, p_at timestamptz) returns text
language plpgsql set plan_cache_mode = force_custom_plan as $$
declare
    v_customer_id uuid;
begin
    select (meet_customers(array[n.user_id], array[n.type], array[p_after], array[jsonb_build_array(p_before)], array[null::uuid]))[1]
    into v_customer_id from phone_numbers n where n.type = p_type and n.account = p_account;
    if v_customer_id is null then
        return 'unknown';
    end if;
    -- One who is written to under another identifier stays so.
    update customers set address = p_after, address_at = p_at
    where id = v_customer_id and address = p_before and coalesce(address_at, '-infinity') <= p_at;
    return 'moved';
end $$;

-- migrate:down

drop function note_move;
drop function note_change;
drop function note_echo;
drop function accept_messages(
    uuid[], uuid[], uuid[], text[], text[], text[], jsonb[], text[], text[], text[], text[], text[], jsonb[], jsonb[], text[],
    boolean[], timestamptz[], text[], text[], text[], text[]
);
create or replace function accept_messages(
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
drop function learn_businesses;
drop function learn_of_customers;
drop function heed_consents;
drop function lock_of_changes;
drop function meet_customers;
drop function merge_customers;
drop function is_later_change;
drop table early_changes;
alter table conversations drop column human_replied_at;
alter table customers drop column has_consents, drop column address_at;
