-- migrate:up

-- Who is still to be told that an alert opened or ended. What is told stands in the alert, so that nobody who is gone
-- is spoken of any more.
create table alert_deliveries (
    alert_id uuid not null references alerts on delete cascade,
    event text not null check (event in ('opened', 'resolved')),
    destination text not null check (destination in ('webhook', 'email')),
    attempts integer not null default 0 check (attempts >= 0),
    noted_at timestamptz not null default clock_timestamp(),
    due_at timestamptz not null default clock_timestamp(),
    primary key (alert_id, event, destination)
);
create index alert_deliveries_by_time on alert_deliveries (destination, due_at);
call keep_for_house('alert_deliveries');
-- A user's own top-up ends an alert of theirs, and notes that somebody is to be told.
create policy noted_by_anybody on alert_deliveries for insert with check (true);

-- However an alert opens or ends, it is noted by the same transaction. Destinations that nobody has set up are dropped
-- by whoever would send to them: what is set up is a matter of the processes and not of the store.
create function note_alert_deliveries() returns trigger
language plpgsql as $$
begin
    insert into alert_deliveries (alert_id, event, destination)
    select new.id, case when new.resolved_at is null then 'opened' else 'resolved' end, destination
    from unnest(array['webhook', 'email']) as destination;
    return null;
end $$;
create trigger who_opens_is_told_of after insert on alerts
    for each row execute function note_alert_deliveries();
create trigger who_ends_is_told_of after update of resolved_at on alerts
    for each row when (old.resolved_at is null and new.resolved_at is not null) execute function note_alert_deliveries();

-- Looked at every second, among everything that platforms ever told. A few a year for each account: built in a moment.
-- squawk-ignore require-concurrent-index-creation
create index channel_notices_of_restrictions on channel_notices (type, business)
    where field in ('account_update', 'phone_number_quality_update');

-- migrate:down

-- squawk-ignore require-concurrent-index-deletion
drop index channel_notices_of_restrictions;
drop trigger who_ends_is_told_of on alerts;
drop trigger who_opens_is_told_of on alerts;
drop function note_alert_deliveries;
drop table alert_deliveries;
