-- migrate:up

-- squawk-ignore-file require-concurrent-index-creation, require-concurrent-index-deletion
-- No release is out yet: no ledger is so long that building the index at once holds anybody up.

-- The report of usage tells replies from readings, and is answered from this index alone.
create index credit_entries_used on credit_entries (user_id, created_at)
    include (kind, amount, agent_id, phone_number_id, extraction_id) where kind in ('capture', 'refund');
drop index credit_entries_spent;

-- Tells as well whether it ended an alert, so that this is a line in the log like every other end.
drop function add_credits(uuid, bigint, text, double precision);
create function add_credits(p_user_id uuid, p_amount bigint, p_note text, p_blocked_hours_max double precision)
returns table (balance bigint, held bigint, id bigint, created_at timestamptz, resumes boolean, ends_alert boolean)
language plpgsql as $$
#variable_conflict use_column
begin
    update credit_accounts set balance = balance + p_amount where user_id = p_user_id returning balance, held into balance, held;
    if not found then
        return;
    end if;
    insert into credit_entries (user_id, kind, amount, balance_change, held_change, note)
    values (p_user_id, 'add', p_amount, p_amount, 0, p_note) returning id, created_at into id, created_at;
    update messages set status_at = now(),
        status = case when created_at <= now() - p_blocked_hours_max * interval '1 hour' then 'unanswerable' else 'received' end,
        reason = case when created_at <= now() - p_blocked_hours_max * interval '1 hour' then 'waited_too_long' end
    where user_id = p_user_id and status = 'blocked';
    resumes := found;
    update alerts set resolved_at = clock_timestamp()
    where kind = 'credits_exhausted' and subject = p_user_id::text and resolved_at is null;
    ends_alert := found;
    return next;
end $$;

-- migrate:down

drop function add_credits(uuid, bigint, text, double precision);
create function add_credits(p_user_id uuid, p_amount bigint, p_note text, p_blocked_hours_max double precision)
returns table (balance bigint, held bigint, id bigint, created_at timestamptz, resumes boolean)
language plpgsql as $$
#variable_conflict use_column
begin
    update credit_accounts set balance = balance + p_amount where user_id = p_user_id returning balance, held into balance, held;
    if not found then
        return;
    end if;
    insert into credit_entries (user_id, kind, amount, balance_change, held_change, note)
    values (p_user_id, 'add', p_amount, p_amount, 0, p_note) returning id, created_at into id, created_at;
    update messages set status_at = now(),
        status = case when created_at <= now() - p_blocked_hours_max * interval '1 hour' then 'unanswerable' else 'received' end,
        reason = case when created_at <= now() - p_blocked_hours_max * interval '1 hour' then 'waited_too_long' end
    where user_id = p_user_id and status = 'blocked';
    resumes := found;
    update alerts set resolved_at = clock_timestamp()
    where kind = 'credits_exhausted' and subject = p_user_id::text and resolved_at is null;
    return next;
end $$;
create index credit_entries_spent on credit_entries (user_id, created_at)
    include (kind, amount, agent_id, phone_number_id) where kind in ('capture', 'refund');
drop index credit_entries_used;
