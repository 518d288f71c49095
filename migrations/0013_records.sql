-- migrate:up

-- squawk-ignore-file adding-field-with-default, adding-foreign-key-constraint, constraint-missing-not-valid, require-concurrent-index-creation, require-concurrent-index-deletion, ban-drop-column
-- Keys, users and agents are few. The ledger is filled in here as a whole, in one transaction with its index; what it and
-- the customers hold before the first release is soon done.

-- What a key may do with its user's things; those from before may do everything, as they always could.
alter table api_keys add column scopes text[] not null default '{read,write,admin}';
alter table api_keys add constraint api_keys_scopes_are_known
    check (cardinality(scopes) between 1 and 3 and scopes <@ array['read', 'write', 'admin']);

-- An agent that is pinned speaks from that version; one that is not follows the latest.
alter table agents add column prompt_version integer;
alter table agents add constraint agents_pin_prompts_of_their_own check (prompt_version is null or own_prompt_id is not null);
alter table agents add constraint agents_prompt_version_exists
    foreign key (own_prompt_id, prompt_version) references prompt_versions (prompt_id, version);

-- Below so many available credits somebody is told; null is nobody.
alter table users add column low_balance_threshold bigint check (low_balance_threshold between 1 and 1000000000);
create index users_with_a_threshold on users (id) where low_balance_threshold is not null;

-- A customer's consents, read and deleted with them; and those of a message that goes.
create index consents_by_customer on consents (customer_id, created_at, id);
create index consents_of_message on consents (message_id);
create index customers_of_user on customers (user_id, created_at, id);

-- What an answer cost tells where it was given, so that the report does not depend on turns that may be erased.
alter table credit_entries add column agent_id uuid;
alter table credit_entries add column phone_number_id uuid;
-- The owner sees no row of a table that binds it too.
alter table credit_entries no force row level security;
alter table turns no force row level security;
update credit_entries e set agent_id = t.agent_id, phone_number_id = t.phone_number_id
from turns t where t.id = e.turn_id and e.kind in ('capture', 'refund');
alter table turns force row level security;
alter table credit_entries force row level security;
create index credit_entries_spent on credit_entries (user_id, created_at)
    include (kind, amount, agent_id, phone_number_id) where kind in ('capture', 'refund');

create or replace function move_credits(p_turn_id uuid[], p_kind text[]) returns void
language sql as $$
    with movement as (
        select t.user_id, t.id as turn_id, m.kind, t.price as amount, t.agent_id, t.phone_number_id,
            case m.kind when 'capture' then -t.price when 'refund' then t.price else 0 end as balance_change,
            case m.kind when 'capture' then -t.price when 'release' then -t.price else 0 end as held_change
        from unnest(p_turn_id, p_kind) as m (turn_id, kind) join turns t on t.id = m.turn_id
        where t.price > 0
    ), entries as (
        insert into credit_entries
            (user_id, kind, amount, balance_change, held_change, turn_id, agent_id, phone_number_id)
        select user_id, kind, amount, balance_change, held_change, turn_id, agent_id, phone_number_id from movement
    )
    update credit_accounts a set balance = a.balance + s.balance_change, held = a.held + s.held_change
    from (
        select user_id, sum(balance_change) as balance_change, sum(held_change) as held_change from movement group by 1
    ) s where a.user_id = s.user_id
$$;

-- What the model's provider still keeps of people and businesses that are gone here. The ids name no person.
create table erasures (
    kind text not null check (kind in ('conversation', 'response')),
    openai_id text not null,
    attempts integer not null default 0 check (attempts >= 0),
    due_at timestamptz not null,
    primary key (kind, openai_id)
);
create index erasures_by_time on erasures (due_at);
call keep_for_house('erasures');
-- Rows also go by cascade, on behalf of whoever that runs as, who may note an id and need not see the others.
create policy noted_by_anybody on erasures for insert with check (true);

-- However a row goes (a user, a phone number, a customer), what the provider keeps of it goes with it, and so does a
-- conversation there that was replaced by another one. A call to it may be under way for a while yet, and its answer
-- would fall into what was erased before it: so each is erased only when that must have ended.
create function note_erasures(p_kind text, p_openai_id text[]) returns void
language sql as $$
    insert into erasures (kind, openai_id, due_at)
    select p_kind, id, now() + interval '5 minutes' from unnest(p_openai_id) as id where id is not null
    on conflict do nothing
$$;
create function note_erased_conversations() returns trigger language plpgsql as $$
begin
    perform note_erasures('conversation', array_agg(openai_conversation_id)) from gone;
    return null;
end $$;
create trigger model_conversations_are_erased after delete on conversations
    referencing old table as gone for each statement execute function note_erased_conversations();
create function note_erased_responses() returns trigger language plpgsql as $$
begin
    perform note_erasures('response', array_agg(response_id)) from gone;
    return null;
end $$;
create trigger model_responses_are_erased after delete on turns
    referencing old table as gone for each statement execute function note_erased_responses();
create function note_replaced_conversation() returns trigger language plpgsql as $$
begin
    perform note_erasures('conversation', array[old.openai_conversation_id]);
    return null;
end $$;
create trigger replaced_model_conversations_are_erased after update of openai_conversation_id on conversations
    for each row when (old.openai_conversation_id is distinct from new.openai_conversation_id)
    execute function note_replaced_conversation();

-- migrate:down

drop trigger replaced_model_conversations_are_erased on conversations;
drop trigger model_responses_are_erased on turns;
drop trigger model_conversations_are_erased on conversations;
drop function note_replaced_conversation();
drop function note_erased_responses();
drop function note_erased_conversations();
drop function note_erasures(text, text[]);
drop table erasures;

create or replace function move_credits(p_turn_id uuid[], p_kind text[]) returns void
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
drop index credit_entries_spent;
alter table credit_entries drop column phone_number_id, drop column agent_id;
drop index customers_of_user;
drop index consents_of_message;
drop index consents_by_customer;
drop index users_with_a_threshold;
alter table users drop column low_balance_threshold;
alter table agents drop constraint agents_prompt_version_exists;
alter table agents drop constraint agents_pin_prompts_of_their_own;
alter table agents drop column prompt_version;
alter table api_keys drop constraint api_keys_scopes_are_known;
alter table api_keys drop column scopes;
