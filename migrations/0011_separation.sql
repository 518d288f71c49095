-- migrate:up

-- squawk-ignore-file adding-not-nullable-field, adding-field-with-default, adding-foreign-key-constraint, require-concurrent-index-creation
-- prompt_versions holds what people wrote by hand: few enough rows that filling and checking a column blocks nobody.

-- Whoever works here says in each transaction for whom: as frontdesk_tenant for one user, named in frontdesk.user_id,
-- or as frontdesk_house for all of them. The login role is neither, and sees no row: frontdesk_scopes stands between,
-- which inherits nothing, so that both must be chosen. Roles belong to the whole server, where another database's
-- migration may be making them right now.
do $$
declare
    v_role text;
begin
    foreach v_role in array array['frontdesk_tenant', 'frontdesk_house', 'frontdesk_scopes'] loop
        if not exists (select from pg_roles where rolname = v_role) then
            begin
                execute format('create role %I nologin noinherit', v_role);
            exception
                when duplicate_object or unique_violation then
                    null;
                when insufficient_privilege then
                    raise exception 'the role % may not create roles; let an administrator run: create role frontdesk_tenant nologin; create role frontdesk_house nologin; create role frontdesk_scopes nologin noinherit; grant frontdesk_tenant, frontdesk_house to frontdesk_scopes; grant frontdesk_scopes to % with admin option;', current_user, current_user;
            end;
        end if;
        if exists (select from pg_roles where rolname = v_role and (rolsuper or rolbypassrls)) then
            raise exception 'the role % is not bound by policies; let an administrator run: alter role % nosuperuser nobypassrls;', v_role, v_role;
        end if;
    end loop;
    if not (pg_has_role('frontdesk_scopes', 'frontdesk_tenant', 'member') and pg_has_role('frontdesk_scopes', 'frontdesk_house', 'member')) then
        begin
            grant frontdesk_tenant, frontdesk_house to frontdesk_scopes;
        exception
            when unique_violation then
                null;
            when insufficient_privilege then
                raise exception 'the role % may not grant roles; let an administrator run: grant frontdesk_tenant, frontdesk_house to frontdesk_scopes; grant frontdesk_scopes to % with admin option;', current_user, current_user;
        end;
    end if;
    execute format('grant usage on schema %I to frontdesk_tenant, frontdesk_house', current_schema());
    execute format('grant select, insert, update, delete on all tables in schema %I to frontdesk_tenant, frontdesk_house', current_schema());
    execute format('grant usage on all sequences in schema %I to frontdesk_tenant, frontdesk_house', current_schema());
    execute format('grant execute on all routines in schema %I to frontdesk_tenant, frontdesk_house', current_schema());
    execute format('alter default privileges in schema %I grant select, insert, update, delete on tables to frontdesk_tenant, frontdesk_house', current_schema());
    execute format('alter default privileges in schema %I grant usage on sequences to frontdesk_tenant, frontdesk_house', current_schema());
    execute format('alter default privileges in schema %I grant execute on routines to frontdesk_tenant, frontdesk_house', current_schema());
end $$;
-- Which files were applied is for the owner alone to say.
revoke insert, update, delete on schema_migrations from frontdesk_tenant, frontdesk_house;

-- The user of the transaction; null where none was named. What was set for a transaction is '' behind it, not gone.
create function user_in_scope() returns uuid
language sql stable as $$
    select nullif(current_setting('frontdesk.user_id', true), '')::uuid
$$;

-- A table whose rows are nobody's in particular: only the house sees it. The owner is bound as everyone is.
create procedure keep_for_house(p_table regclass)
language plpgsql as $$
begin
    execute format('alter table %s enable row level security', p_table);
    execute format('alter table %s force row level security', p_table);
    execute format('create policy of_the_house on %s to frontdesk_house using (true) with check (true)', p_table);
end $$;

-- A table whose rows are users' own, by the column that names the user. Asked for once in a statement, not in each row.
create procedure keep_apart(p_table regclass, p_column name default 'user_id')
language plpgsql as $$
begin
    call keep_for_house(p_table);
    execute format(
        'create policy of_the_user on %s to frontdesk_tenant using (%I = (select user_in_scope())) with check (%I = (select user_in_scope()))',
        p_table, p_column, p_column
    );
end $$;

-- A version says itself whose it is: a look at its prompt would not see one that the same statement adds.
alter table prompt_versions add column user_id uuid default user_in_scope() references users on delete cascade;
update prompt_versions v set user_id = p.user_id from prompts p where p.id = v.prompt_id;
alter table prompt_versions alter column user_id set not null;
create index prompt_versions_of_user on prompt_versions (user_id);

-- Rows also go by cascade, on behalf of whoever that runs as, who may note a key and need not see the others.
create or replace function note_media_to_delete() returns trigger
language plpgsql as $$
begin
    insert into media_to_delete (storage_key, due_at)
    select coalesce(storage_key, user_id || '/' || id),
        case when storage_key is null then now() + interval '5 minutes' else now() end
    from gone where storage_key is not null or attempts > 0
    on conflict do nothing;
    return null;
end $$;

call keep_apart('users', 'id');
call keep_apart('api_keys');
call keep_apart('phone_numbers');
call keep_apart('prompts');
call keep_apart('prompt_versions');
call keep_apart('agents');
call keep_apart('customers');
call keep_apart('customer_aliases');
call keep_apart('conversations');
call keep_apart('turns');
call keep_apart('messages');
call keep_apart('consents');
call keep_apart('media');
call keep_apart('credit_accounts');
call keep_apart('credit_entries');
call keep_apart('idempotent_answers');
call keep_apart('alerts');

call keep_for_house('workers');
call keep_for_house('unclaimed_messages');
call keep_for_house('early_receipts');
call keep_for_house('early_changes');
call keep_for_house('unsent_rests');
call keep_for_house('media_to_delete');
create policy noted_by_anybody on media_to_delete for insert with check (true);

-- A notice names an account. Whose phone numbers are connected to it may read it.
call keep_for_house('channel_notices');
create policy of_the_user on channel_notices for select to frontdesk_tenant using (
    exists (
        select from phone_numbers n
        where n.user_id = (select user_in_scope()) and n.type = channel_notices.type and (
            n.account = channel_notices.account
            or channel_notices.account is null and n.business = channel_notices.business
        )
    )
);

-- migrate:down

-- The roles stay: other databases of the server may be using them.
do $$
declare
    v_table regclass;
    v_policy name;
begin
    for v_table, v_policy in
        select polrelid::regclass, polname from pg_policy join pg_class c on c.oid = polrelid
        where c.relnamespace = current_schema()::regnamespace
    loop
        execute format('drop policy %I on %s', v_policy, v_table);
        execute format('alter table %s no force row level security, disable row level security', v_table);
    end loop;
    execute format('revoke all on all tables in schema %I from frontdesk_tenant, frontdesk_house', current_schema());
    execute format('revoke all on all sequences in schema %I from frontdesk_tenant, frontdesk_house', current_schema());
    execute format('revoke all on all routines in schema %I from frontdesk_tenant, frontdesk_house', current_schema());
    execute format('alter default privileges in schema %I revoke all on tables from frontdesk_tenant, frontdesk_house', current_schema());
    execute format('alter default privileges in schema %I revoke all on sequences from frontdesk_tenant, frontdesk_house', current_schema());
    execute format('alter default privileges in schema %I revoke all on routines from frontdesk_tenant, frontdesk_house', current_schema());
    execute format('revoke all on schema %I from frontdesk_tenant, frontdesk_house', current_schema());
end $$;

create or replace function note_media_to_delete() returns trigger
language plpgsql as $$
begin
    insert into media_to_delete (storage_key, due_at)
    select coalesce(storage_key, user_id || '/' || id),
        case when storage_key is null then now() + interval '5 minutes' else now() end
    from gone where storage_key is not null or attempts > 0
    on conflict (storage_key) do nothing;
    return null;
end $$;

alter table prompt_versions drop column user_id;
drop procedure keep_apart;
drop procedure keep_for_house;
drop function user_in_scope;
