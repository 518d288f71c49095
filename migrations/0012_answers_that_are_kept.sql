-- migrate:up

-- What a request with an Idempotency-Key was answered, written in the transaction of its effect. The name is the SHA-256 of
-- whose key it is (a user's id, or the word administrator), a blank, and the key. The answer is sealed with what was asked:
-- it may show an API key. It is about that user and goes with them.
create table kept_answers (
    name bytea primary key check (length(name) = 32),
    user_id uuid not null references users on delete cascade,
    answer bytea not null,
    created_at timestamptz not null default now()
);
create index kept_answers_of_user on kept_answers (user_id);
create index kept_answers_by_age on kept_answers (created_at);

-- Take a name for as long as the transaction lasts, and look for what was answered under it. Two steps, since what another
-- one has kept is seen only by who looks after that one has let the name go.
create function earlier_answer(p_name bytea) returns table (free boolean, answer bytea)
language plpgsql as $$
begin
    free := pg_try_advisory_xact_lock(('x' || encode(substring(p_name for 8), 'hex'))::bit(64)::bigint);
    if free then
        select k.answer into answer from kept_answers k where k.name = p_name;
    end if;
    return next;
end $$;

-- Keys that were used before this migration stay used: their answers were kept in another form and cannot be said again byte
-- for byte, so whoever repeats such a request is told that it has acted. Whether the user or the administrator showed the key
-- was not noted. Processes of the version before see no rows any more since 0011, so that none still writes the old table.
alter table idempotent_answers no force row level security;
insert into kept_answers (name, user_id, answer, created_at)
select sha256(convert_to(owner || ' ' || key, 'UTF8')), user_id, '', created_at
from idempotent_answers, unnest(array[user_id::text, 'administrator']) as owner
on conflict do nothing;
drop table idempotent_answers;
call keep_apart('kept_answers');

-- Add credits, and let what waited for them go on. The account is locked first: what others have blocked meanwhile is seen
-- only by who looks after that. No row when there is no such user.
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

-- Whether an account can pay; mirrors domain.credits.Account.covers. Whatever holds credits asks this, behind the lock of
-- the account.
create function covers(p_account credit_accounts, p_cost bigint) returns boolean
language sql immutable as $$ select p_cost <= p_account.balance - p_account.held $$;

do $$
declare
    v_definition text;
begin
    for v_definition in
        select pg_get_functiondef(oid) from pg_proc
        where pronamespace = current_schema()::regnamespace and proname in ('begin_turns', 'retry_message')
    loop
        v_definition := replace(v_definition, 'w.cost <= a.balance - a.held', 'covers(a, w.cost::bigint)');
        v_definition := replace(
            v_definition, '(select balance - held from credit_accounts where user_id = p_user_id) < v_failed.price',
            'not (select covers(a, v_failed.price) from credit_accounts a where user_id = p_user_id)'
        );
        execute v_definition;
    end loop;
end $$;

-- migrate:down

do $$
declare
    v_definition text;
begin
    for v_definition in
        select pg_get_functiondef(oid) from pg_proc
        where pronamespace = current_schema()::regnamespace and proname in ('begin_turns', 'retry_message')
    loop
        v_definition := replace(v_definition, 'covers(a, w.cost::bigint)', 'w.cost <= a.balance - a.held');
        v_definition := replace(
            v_definition, 'not (select covers(a, v_failed.price) from credit_accounts a where user_id = p_user_id)',
            '(select balance - held from credit_accounts where user_id = p_user_id) < v_failed.price'
        );
        execute v_definition;
    end loop;
end $$;
drop function covers;
drop function add_credits;
drop function earlier_answer;
drop table kept_answers;
create table idempotent_answers (
    user_id uuid not null references users on delete cascade,
    key text not null check (length(key) between 1 and 255),
    request_digest bytea not null,
    answer jsonb not null,
    created_at timestamptz not null default now(),
    primary key (user_id, key)
);
call keep_apart('idempotent_answers');
