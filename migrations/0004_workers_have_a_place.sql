-- migrate:up

-- Which process a worker is, so that whoever supervises its host knows it for dead when that process is gone: ids of
-- processes are used again, so the moment it started tells it from another. Null: nobody said, and the lease decides.
alter table workers
    add column host text,
    add column process_id integer,
    add column started_at timestamptz;

-- migrate:down

alter table workers
    drop column host,
    drop column process_id,
    drop column started_at;
