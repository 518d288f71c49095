-- migrate:up

-- squawk-ignore-file require-concurrent-index-creation, require-concurrent-index-deletion
-- media came with the migration before and holds next to nothing yet: its index is built in no time.

-- Who fetches a file claims it by putting this off; until then nobody else does, and after it anybody may again.
alter table media add column fetch_after timestamptz not null default '-infinity';
drop index media_pending;
create index media_pending on media (fetch_after, created_at) where status = 'pending';

-- What lies in the content store and belongs to no row any more. The keys name no person.
create table media_to_delete (
    storage_key text primary key,
    due_at timestamptz not null
);
create index media_to_delete_by_time on media_to_delete (due_at);

-- However a row goes (a user, a phone number, a message), its file goes with it. One that was never kept may be on its
-- way into the store right now: it is looked for when that must have ended.
create function note_media_to_delete() returns trigger
language plpgsql as $$
begin
    insert into media_to_delete (storage_key, due_at)
    select coalesce(storage_key, user_id || '/' || id),
        case when storage_key is null then now() + interval '5 minutes' else now() end
    from gone where storage_key is not null or attempts > 0
    on conflict (storage_key) do nothing;
    return null;
end $$;
create trigger media_are_deleted after delete on media
    referencing old table as gone for each statement execute function note_media_to_delete();

-- migrate:down

drop trigger media_are_deleted on media;
drop function note_media_to_delete;
drop table media_to_delete;
drop index media_pending;
alter table media drop column fetch_after;
create index media_pending on media (created_at) where status = 'pending';
