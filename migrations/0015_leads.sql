-- migrate:up

-- squawk-ignore-file require-concurrent-index-creation
-- Indexes on tables of before are on columns that are added here and null in every row.

-- Since when there is something new to read: set by the first customer's message after the last look, a lower bound of
-- when the conversation went quiet. Whoever looks moves it on to the last activity, or takes it away. So a message costs
-- the conversation's row no index but once, however long somebody writes.
alter table conversations add column news_at timestamptz;
alter table conversations alter column news_at set default now();
-- Up to which message the last run that was opened reads.
alter table conversations add column extracted_through bigint not null default 0;
create index conversations_with_news on conversations (news_at) where news_at is not null;

create function note_news() returns trigger
language plpgsql as $$
begin
    update conversations set news_at = now() where id = new.conversation_id and news_at is null;
    return null;
end $$;
create trigger messages_are_news after insert or update of conversation_id on messages
for each row when (new.author = 'customer') execute function note_news();

create table extractions (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    conversation_id uuid not null references conversations on delete cascade,
    agent_id uuid references agents on delete set null,
    origin text not null check (origin in ('quiet', 'request')),
    through_sequence_number bigint not null check (through_sequence_number >= 1),
    status text not null default 'pending' check (status in ('pending', 'running', 'completed', 'failed')),
    attempt integer not null default 0 check (attempt >= 0),
    fence bigint not null default 0,
    -- When a worker may take it: after a pause while it waits, when the lease has run out while it is worked on.
    due_at timestamptz default now(),
    price bigint not null default 0 check (price >= 0),
    data jsonb,
    evidence jsonb,
    dropped jsonb,
    errors jsonb not null default '[]',
    form_digest text,
    prompt_version integer,
    model text,
    input_tokens bigint not null default 0 check (input_tokens >= 0),
    output_tokens bigint not null default 0 check (output_tokens >= 0),
    created_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    check ((status in ('completed', 'failed')) = (ended_at is not null)),
    check ((ended_at is null) = (due_at is not null)),
    check ((status = 'completed') = (data is not null))
);
-- Each quiet period with news is read by one run, whatever schedulers believe.
create unique index extractions_once_per_quiet_period on extractions (conversation_id, through_sequence_number)
    where origin = 'quiet';
create index extractions_due on extractions (due_at) where due_at is not null;
create index extractions_of_user on extractions (user_id, created_at, id);
create index extractions_of_conversation on extractions (conversation_id, created_at, id);
create index extractions_of_agent on extractions (agent_id, created_at, id);
create index extractions_failed on extractions (user_id, ended_at) where status = 'failed';
create index extractions_completed on extractions (user_id, ended_at) where status = 'completed';

-- fields: name -> values, the one that counts first, each with its proof.
create table leads (
    customer_id uuid primary key references customers on delete cascade,
    user_id uuid not null references users on delete cascade,
    fields jsonb not null,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp()
);
create index leads_of_user on leads (user_id, created_at, customer_id);

call keep_apart('extractions');
call keep_apart('leads');

-- The values of both in the order in which they count: newest proof first, then the latest reading; each value once.
create function merge_lead_fields(p_known jsonb, p_found jsonb) returns jsonb
language sql immutable as $$
    select coalesce(jsonb_object_agg(name, candidates), '{}') from (
        select name, jsonb_agg(candidate order by place) as candidates from (
            select name, candidate, row_number() over (partition by name order by proven_at desc, read_at desc) as place
            from (
                select distinct on (field.key, candidate -> 'value') field.key as name, candidate,
                    (candidate ->> 'proven_at')::timestamptz as proven_at, (candidate ->> 'read_at')::timestamptz as read_at
                from (select * from jsonb_each(p_known) union all select * from jsonb_each(p_found)) field
                cross join lateral jsonb_array_elements(field.value) candidate
                order by field.key, candidate -> 'value', (candidate ->> 'proven_at')::timestamptz desc,
                    (candidate ->> 'read_at')::timestamptz desc
            ) each_once
        ) placed where place <= 20 group by name
    ) merged
$$;

-- Two customers were found to be one: so are their leads.
create function move_lead() returns trigger
language plpgsql as $$
begin
    with gone as (
        delete from leads where customer_id = old.customer_id returning *
    )
    insert into leads as kept (customer_id, user_id, fields, created_at, updated_at)
    select new.customer_id, user_id, fields, created_at, updated_at from gone
    on conflict (customer_id) do update set fields = merge_lead_fields(kept.fields, excluded.fields),
        created_at = least(kept.created_at, excluded.created_at), updated_at = clock_timestamp();
    return null;
end $$;
create trigger leads_follow_customers after update of customer_id on conversations
for each row when (old.customer_id <> new.customer_id) execute function move_lead();

-- A line of the ledger is about a turn or about a run. Not validated: what is there fits, by the constraint of before.
alter table credit_entries add column extraction_id uuid;
alter table credit_entries drop constraint credit_entries_check;
alter table credit_entries add constraint credit_entries_about_one_thing
    check (num_nonnulls(turn_id, extraction_id) = case kind when 'add' then 0 else 1 end) not valid;
create unique index credit_entries_once_per_extraction on credit_entries (extraction_id, kind)
    where extraction_id is not null;
create unique index credit_entries_hold_of_extraction_ends_once on credit_entries (extraction_id)
    where kind in ('capture', 'release');

-- Hold the price of runs that were just opened, in the order given, as far as their owners' credits go; the others fail.
-- Returns how many did.
create function hold_extractions(p_id uuid[]) returns bigint
language plpgsql as $$
declare
    v_failed bigint;
begin
    perform from credit_accounts
    where user_id in (select user_id from extractions where id = any (p_id) and price > 0)
    order by user_id for no key update;

    with priced as (
        select e.id, e.user_id, e.price, sum(e.price) over (partition by e.user_id order by e.created_at, e.id) as needed
        from extractions e where e.id = any (p_id) and e.price > 0
    ), paid as (
        select priced.* from priced join credit_accounts a on a.user_id = priced.user_id
        where priced.needed <= a.balance - a.held
    ), account as (
        update credit_accounts a set held = held + total.price
        from (select user_id, sum(price) as price from paid group by user_id) total where a.user_id = total.user_id
    ), entry as (
        insert into credit_entries (user_id, kind, amount, balance_change, held_change, extraction_id)
        select user_id, 'hold', price, 0, price, id from paid order by id
    ), unpaid as (
        update extractions set status = 'failed', due_at = null, ended_at = clock_timestamp(), price = 0,
            errors = '[{"attempt": 0, "code": "insufficient_credits", "detail": "There were not enough credits left."}]'
        where id in (select id from priced) and id not in (select id from paid)
        returning id
    )
    select count(*) into v_failed from unpaid;
    return v_failed;
end $$;

-- Capture or release what a run holds, once.
create function end_hold_of_extraction(p_id uuid, p_kind text) returns void
language plpgsql as $$
declare
    v_run extractions;
begin
    select * into v_run from extractions where id = p_id;
    if v_run.price = 0 then
        return;
    end if;
    perform from credit_accounts where user_id = v_run.user_id for no key update;
    -- Where it was spent stands in the line itself, as with turns: the report does not depend on what may be erased.
    insert into credit_entries
        (user_id, kind, amount, balance_change, held_change, extraction_id, agent_id, phone_number_id)
    select v_run.user_id, p_kind, v_run.price, case p_kind when 'capture' then -v_run.price else 0 end, -v_run.price, p_id,
        v_run.agent_id, phone_number_id
    from conversations where id = v_run.conversation_id;
    update credit_accounts set held = held - v_run.price,
        balance = balance - case p_kind when 'capture' then v_run.price else 0 end
    where user_id = v_run.user_id;
end $$;

-- Before conversations are deleted: their runs go with them, and what those held would be held for ever. The
-- conversations are locked, so that no other run is opened in them meanwhile.
create function release_extractions(p_conversation_id uuid[]) returns void
language plpgsql as $$
declare
    v_id uuid;
begin
    perform from conversations where id = any (p_conversation_id) order by id for update;
    for v_id in
        select id from extractions where conversation_id = any (p_conversation_id) and ended_at is null and price > 0
        order by id for update
    loop
        perform end_hold_of_extraction(v_id, 'release');
        update extractions set price = 0 where id = v_id;
    end loop;
end $$;

-- Look at the conversations with news that wait longest: who is quiet and has something new gets a run, who is not is
-- looked at again later. Conversations that somebody holds are left for the next look. Returns how many were opened.
create function open_extractions(p_idle_seconds double precision, p_price bigint, p_limit integer) returns bigint
language plpgsql as $$
declare
    -- Once, and not in each row: an index is searched only for what does not change meanwhile.
    v_quiet_since timestamptz := clock_timestamp() - p_idle_seconds * interval '1 second';
    v_conversation_id uuid[];
    v_opened uuid[];
begin
    select array_agg(id) into v_conversation_id from (
        select id from conversations where news_at <= v_quiet_since
        order by news_at limit p_limit for no key update skip locked
    ) ripe;
    if v_conversation_id is null then
        return 0;
    end if;

    -- They are locked: what this statement sees in them is all there is.
    with judged as (
        select c.id, c.user_id, c.agent_id, c.last_sequence_number, c.last_activity_at,
            c.last_activity_at > v_quiet_since as is_busy,
            exists (
                select from messages m where m.conversation_id = c.id and m.author = 'customer'
                    and m.sequence_number > c.extracted_through
            ) as has_news
        from conversations c where c.id = any (v_conversation_id)
    ), looked_at as (
        update conversations c set news_at = case when j.is_busy then j.last_activity_at end,
            extracted_through = case when j.is_busy or not j.has_news then c.extracted_through else j.last_sequence_number end
        from judged j where c.id = j.id
    ), opened as (
        insert into extractions (id, user_id, conversation_id, agent_id, origin, through_sequence_number, price)
        select gen_random_uuid(), user_id, id, agent_id, 'quiet', last_sequence_number, p_price
        from judged where has_news and not is_busy
        on conflict (conversation_id, through_sequence_number) where origin = 'quiet' do nothing
        returning id
    )
    select array_agg(id) into v_opened from opened;
    if p_price > 0 and v_opened is not null then
        perform hold_extractions(v_opened);
    end if;
    return coalesce(cardinality(v_opened), 0);
end $$;

-- Keep what a run found and merge it into the lead of whoever the customer is by now. False: somebody else has the run.
create function complete_extraction(
    p_id uuid, p_fence bigint, p_data jsonb, p_evidence jsonb, p_dropped jsonb, p_fields jsonb, p_form_digest text,
    p_prompt_version integer, p_model text, p_input_tokens bigint, p_output_tokens bigint
) returns boolean
language plpgsql as $$
declare
    v_customer_id uuid;
begin
    -- The customer is locked before anything of theirs; one who was merged into another meanwhile is looked for again.
    loop
        select c.customer_id into v_customer_id
        from extractions e join conversations c on c.id = e.conversation_id where e.id = p_id;
        if not found then
            return false;
        end if;
        perform from customers where id = v_customer_id for key share;
        exit when found;
    end loop;

    update extractions set status = 'completed', due_at = null, ended_at = clock_timestamp(), data = p_data,
        evidence = p_evidence, dropped = p_dropped, form_digest = p_form_digest, prompt_version = p_prompt_version,
        model = p_model, input_tokens = input_tokens + p_input_tokens, output_tokens = output_tokens + p_output_tokens
    where id = p_id and fence = p_fence and status = 'running';
    if not found then
        return false;
    end if;
    if p_fields <> '{}' then
        insert into leads as known (customer_id, user_id, fields)
        select v_customer_id, user_id, p_fields from extractions where id = p_id
        on conflict (customer_id) do update
        set fields = merge_lead_fields(known.fields, excluded.fields), updated_at = clock_timestamp();
    end if;
    perform end_hold_of_extraction(p_id, 'capture');
    return true;
end $$;

-- migrate:down

-- The owner sees no row of a table that binds it too.
alter table extractions no force row level security;
alter table conversations no force row level security;
alter table credit_entries no force row level security;
alter table credit_accounts no force row level security;
-- Whoever waits is owed what was held.
select release_extractions(array(select conversation_id from extractions where ended_at is null and price > 0));
drop trigger leads_follow_customers on conversations;
drop trigger messages_are_news on messages;
drop function complete_extraction;
drop function open_extractions;
drop function release_extractions;
drop function end_hold_of_extraction;
drop function hold_extractions;
drop table leads;
drop table extractions;
drop function move_lead;
drop function note_news;
drop function merge_lead_fields;
alter table credit_entries drop constraint credit_entries_about_one_thing;
-- Accounts stay the sums of their lines.
update credit_entries set turn_id = extraction_id where extraction_id is not null;
alter table conversations force row level security;
alter table credit_entries force row level security;
alter table credit_accounts force row level security;
-- Its indexes go with the column.
alter table credit_entries drop column extraction_id;
alter table credit_entries add constraint credit_entries_check check ((kind = 'add') = (turn_id is null)) not valid;
alter table conversations drop column extracted_through;
alter table conversations drop column news_at;
