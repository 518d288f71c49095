-- migrate:up

-- squawk-ignore-file adding-required-field, constraint-missing-not-valid, disallowed-unique-constraint, require-concurrent-index-creation, adding-field-with-default, require-concurrent-index-deletion
-- phone_numbers holds a row for each connected channel: few enough that rewriting and scanning it blocks nobody.

-- A phone number that does not answer says why: `status_detail` holds the platform's code, never its free text.
alter table phone_numbers drop constraint phone_numbers_status_check;
alter table phone_numbers add constraint phone_numbers_status_check check (status in ('active', 'unauthorized', 'parked')) not valid;
alter table phone_numbers validate constraint phone_numbers_status_check;
alter table phone_numbers add column status_detail jsonb;
-- What of domain.channels.ChannelSettings differs from the default.
alter table phone_numbers add column settings jsonb not null default '{}';
alter table phone_numbers add column token_expires_at timestamptz;
-- The account above the number, learnt from deliveries: some notices name nothing else.
alter table phone_numbers add column business text;
-- A web chat is known by its own id.
alter table phone_numbers drop column account;
alter table phone_numbers add column account text generated always as (coalesce(meta_phone_number_id, instagram_account_id, id::text)) stored;
alter table phone_numbers add constraint phone_numbers_account_is_taken_once unique (type, account);
create index phone_numbers_of_business on phone_numbers (type, business) where business is not null;

-- What a platform calls a customer, now or before: a telephone number, a user id. One person, however they come.
alter table customers add column username text;
create table customer_aliases (
    user_id uuid not null references users on delete cascade,
    type text not null check (type in ('whatsapp', 'instagram', 'webchat')),
    value text not null check (length(value) between 1 and 200),
    customer_id uuid not null references customers on delete cascade,
    created_at timestamptz not null default now(),
    primary key (user_id, type, value)
);
create index customer_aliases_of_customer on customer_aliases (customer_id);
insert into customer_aliases (user_id, type, value, customer_id) select user_id, type, address, id from customers;

-- While it is paused the agent is silent; 'infinity' is until somebody resumes it.
alter table conversations add column paused_until timestamptz;
alter table conversations add column paused_reason text check (paused_reason in ('by_hand', 'human_replied', 'auto_replier'));

alter table messages add column content jsonb;
-- The platform's word on what it charges for a message of ours.
alter table messages add column pricing jsonb;
-- When each status was reached: {"sent": "2026-11-22T10:00:00Z", ...}.
alter table messages add column status_times jsonb not null default '{}';

-- STOP and START on record: the newest of a customer on a phone number counts.
create table consents (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    phone_number_id uuid not null references phone_numbers on delete cascade,
    customer_id uuid not null references customers on delete cascade,
    kind text not null check (kind in ('stop', 'start')),
    message_id uuid not null references messages on delete cascade,
    created_at timestamptz not null default now()
);
create index consents_of_customer on consents (phone_number_id, customer_id, created_at desc);
create index consents_of_user on consents (user_id);

-- Files that came with messages. What is kept lies in the content store under `storage_key`.
create table media (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    message_id uuid not null references messages on delete cascade,
    place integer not null check (place >= 0),
    kind text not null check (kind in ('image', 'video', 'audio', 'voice', 'document', 'sticker')),
    platform_id text,
    url text,
    mime_type text,
    sha256 text,
    filename text,
    status text not null default 'pending' check (status in ('pending', 'kept', 'missing')),
    reason text,
    bytes bigint check (bytes >= 0),
    storage_key text,
    attempts integer not null default 0,
    created_at timestamptz not null default now(),
    fetched_at timestamptz,
    unique (message_id, place),
    check ((status = 'kept') = (storage_key is not null)),
    check ((status = 'missing') <= (reason is not null))
);
create index media_of_user on media (user_id, created_at, id);
create index media_pending on media (created_at) where status = 'pending';

-- What the platform told of accounts and threads: the channel's health.
create table channel_notices (
    id uuid primary key,
    type text not null check (type in ('whatsapp', 'instagram', 'webchat')),
    account text,
    business text,
    field text not null check (length(field) between 1 and 100),
    content jsonb not null,
    occurred_at timestamptz not null,
    received_at timestamptz not null default now(),
    -- The same notice comes more than once.
    digest bytea not null unique check (octet_length(digest) = 16)
);
create index channel_notices_of_account on channel_notices (type, account, received_at) where account is not null;
create index channel_notices_of_business on channel_notices (type, business, received_at) where business is not null;

-- What the platform reported before we knew the message it is about.
create table early_receipts (
    type text not null,
    account text not null,
    platform_message_id text not null,
    status text not null,
    at timestamptz not null,
    error jsonb,
    pricing jsonb,
    received_at timestamptz not null default now(),
    primary key (type, account, platform_message_id, status)
);
create index early_receipts_by_age on early_receipts (received_at);

-- What was written to a number nobody has registered keeps all that came with it.
alter table unclaimed_messages add column aliases text[] not null default '{}';
alter table unclaimed_messages add column username text;
alter table unclaimed_messages add column content jsonb;
alter table unclaimed_messages add column media jsonb not null default '[]';
alter table unclaimed_messages add column business text;
alter table unclaimed_messages add column is_standby boolean not null default false;

-- migrate:down

alter table unclaimed_messages drop column is_standby, drop column business, drop column media, drop column content,
    drop column username, drop column aliases;
drop table early_receipts;
drop table channel_notices;
drop table media;
drop table consents;
alter table messages drop column status_times, drop column pricing, drop column content;
alter table conversations drop column paused_reason, drop column paused_until;
drop table customer_aliases;
alter table customers drop column username;
drop index phone_numbers_of_business;
alter table phone_numbers drop constraint phone_numbers_account_is_taken_once;
alter table phone_numbers drop column account;
alter table phone_numbers add column account text generated always as (coalesce(meta_phone_number_id, instagram_account_id)) stored;
alter table phone_numbers add constraint phone_numbers_account_is_taken_once unique (type, account);
alter table phone_numbers drop column business, drop column token_expires_at, drop column settings, drop column status_detail;
update phone_numbers set status = 'active';
alter table phone_numbers drop constraint phone_numbers_status_check;
alter table phone_numbers add constraint phone_numbers_status_check check (status in ('active'));
