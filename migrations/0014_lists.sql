-- migrate:up

-- squawk-ignore-file require-concurrent-index-creation, require-concurrent-index-deletion
-- No deployment is older than these tables, so that building their indexes at once holds nobody up.

-- A filter by status is answered from an index, however few of a million rows have it: any status may be the rare one.
-- So the first takes the place of an index of some of them.
create index messages_of_status on messages (user_id, status, created_at, id);
drop index messages_unusual;
create index conversations_of_status on conversations (user_id, status, created_at, id);

-- migrate:down

drop index conversations_of_status;
drop index messages_of_status;
create index messages_unusual on messages (user_id, status, created_at, id)
    where status not in ('answered', 'sent', 'delivered', 'read');
