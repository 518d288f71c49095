-- migrate:up

-- squawk-ignore-file adding-field-with-default, require-concurrent-index-creation, require-concurrent-index-deletion
-- squawk-ignore-file ban-drop-column
-- No deployment is older than these tables, so that writing one anew and building indexes at once hold nobody up.

-- Conversations that were active since a moment are listed by when they began, and one order cannot serve both: so they
-- stand in order by the day, and a page is merged of the days. A day and not the moment itself, which every message
-- moves: as long as what is indexed stays the same, Postgres writes no index anew.
alter table conversations add column active_on date
    generated always as ((last_activity_at at time zone 'UTC')::date) stored;
create index conversations_of_day on conversations (user_id, active_on, created_at, id);

-- What hardly any of a list has is found as quickly as the rest. Neither table is written with every message.
create index customers_of_type on customers (user_id, type, created_at, id);
create index extractions_of_status on extractions (user_id, status, created_at, id);

-- migrate:down

drop index extractions_of_status;
drop index customers_of_type;
drop index conversations_of_day;
alter table conversations drop column active_on;
