-- migrate:up

-- A message is as old as its number, and that it gets under the lock of its conversation. When its transaction began says
-- nothing: who began first may have waited, and lists, which are sorted by time, would show the numbers out of order.
-- Its first status is no older than itself.
alter table messages
alter column created_at set default clock_timestamp(),
alter column status_at set default clock_timestamp();

-- migrate:down

alter table messages
alter column created_at set default now(),
alter column status_at set default now();
