-- migrate:up

create table users (
    id uuid primary key,
    name text not null check (length(name) between 1 and 200),
    created_at timestamptz not null default now()
);
create index users_in_order on users (created_at, id);

-- Only a keyed hash of a key is kept; hash_key names the key that made it, so that keys of the house can rotate.
create table api_keys (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    name text not null check (length(name) between 1 and 200),
    digest bytea not null check (octet_length(digest) = 32),
    hash_key text not null,
    created_at timestamptz not null default now(),
    last_used_at timestamptz
);
create index api_keys_of_user on api_keys (user_id, created_at, id);

create table phone_numbers (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    type text not null check (type in ('whatsapp', 'instagram', 'webchat')),
    display_name text check (length(display_name) between 1 and 200),
    number text check (length(number) between 1 and 40),
    meta_phone_number_id text,
    instagram_account_id text,
    access_token bytea,
    allowed_origins text[] not null default '{}',
    status text not null default 'active' check (status in ('active')),
    created_at timestamptz not null default now(),
    -- What the platform calls the account a message was written to, whichever platform it is.
    account text generated always as (coalesce(meta_phone_number_id, instagram_account_id)) stored,
    check ((type = 'whatsapp') = (meta_phone_number_id is not null)),
    check ((type = 'instagram') = (instagram_account_id is not null)),
    constraint phone_numbers_account_is_taken_once unique (type, account)
);
create index phone_numbers_of_user on phone_numbers (user_id, created_at, id);

create table prompts (
    id text primary key check (id ~ '^prm_[0-9a-f]{32}$'),
    user_id uuid not null references users on delete cascade,
    name text not null check (length(name) between 1 and 200),
    latest_version integer not null default 1 check (latest_version >= 1),
    created_at timestamptz not null default now()
);
create index prompts_of_user on prompts (user_id, created_at, id);

create table prompt_versions (
    prompt_id text not null references prompts on delete cascade,
    version integer not null check (version >= 1),
    instructions text not null,
    model text not null check (length(model) between 1 and 200),
    temperature double precision check (temperature between 0 and 2),
    max_output_tokens integer check (max_output_tokens >= 16),
    created_at timestamptz not null default now(),
    primary key (prompt_id, version)
);

create table agents (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    name text not null check (length(name) between 1 and 200),
    prompt_id text not null check (prompt_id ~ '^(prm|pmpt)_'),
    phone_number_id uuid references phone_numbers on delete set null,
    lead_form jsonb,
    created_at timestamptz not null default now(),
    -- A prompt of our own must exist; a dashboard id (pmpt_) is OpenAI's to know.
    own_prompt_id text generated always as (case when prompt_id like 'prm\_%' then prompt_id end) stored references prompts,
    constraint agents_one_per_phone_number unique (phone_number_id)
);
create index agents_of_user on agents (user_id, created_at, id);
create index agents_of_prompt on agents (own_prompt_id);

create table customers (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    type text not null check (type in ('whatsapp', 'instagram', 'webchat')),
    address text not null check (length(address) between 1 and 200),
    name text,
    created_at timestamptz not null default now(),
    unique (user_id, type, address)
);

create table conversations (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    phone_number_id uuid not null references phone_numbers on delete cascade,
    agent_id uuid references agents on delete set null,
    customer_id uuid not null references customers on delete cascade,
    status text not null default 'active' check (status in ('active', 'archived')),
    openai_conversation_id text,
    -- The last item there that belongs to a turn that has ended: what stands behind it is of the turn under way.
    openai_last_item_id text,
    last_sequence_number bigint not null default 0 check (last_sequence_number >= 0),
    last_activity_at timestamptz not null default now(),
    created_at timestamptz not null default now()
);
create unique index conversations_one_active on conversations (phone_number_id, customer_id) where status = 'active';
create index conversations_of_user on conversations (user_id, created_at, id);
create index conversations_of_phone_number on conversations (phone_number_id, created_at, id);
create index conversations_of_agent on conversations (agent_id, created_at, id);
create index conversations_active_of_agent on conversations (agent_id) where status = 'active';
create index conversations_of_customer on conversations (customer_id);

-- Who is at work. A worker that has been silent past lease_until (the database's clock) holds nothing any more.
create table workers (
    id uuid primary key,
    lease_until timestamptz not null
);

create table turns (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    conversation_id uuid not null references conversations on delete cascade,
    phone_number_id uuid not null,
    agent_id uuid not null,
    status text not null default 'open' check (status in ('open', 'answered', 'unanswerable', 'undecided', 'failed')),
    -- No foreign key: a worker's row goes when the worker does, and a holder without a row holds nothing.
    worker_id uuid,
    fence bigint not null default 1 check (fence >= 1),
    attempts integer not null default 1 check (attempts >= 1),
    -- How many workers ended with it in hand.
    crashes integer not null default 0 check (crashes >= 0),
    price bigint not null check (price >= 0),
    reason text,
    error jsonb,
    prompt_id text,
    prompt_version integer,
    model text,
    response_id text,
    input_tokens bigint check (input_tokens >= 0),
    output_tokens bigint check (output_tokens >= 0),
    begun_at timestamptz not null default now(),
    ended_at timestamptz,
    check ((status = 'open') = (ended_at is null)),
    check (status = 'open' or worker_id is null)
);
-- One turn at a time in a conversation: whatever workers believe, the second one cannot be written.
create unique index turns_one_open on turns (conversation_id) where status = 'open';
create index turns_open_on_number on turns (phone_number_id) where status = 'open';
create index turns_of_conversation on turns (conversation_id, begun_at);
create index turns_of_user on turns (user_id);
-- The sweeper looks every second: what it looks at must not grow with all that was ever answered.
create index turns_undecided on turns (ended_at) where status = 'undecided';

create table messages (
    id uuid primary key,
    user_id uuid not null references users on delete cascade,
    conversation_id uuid not null references conversations on delete cascade,
    phone_number_id uuid not null,
    sequence_number bigint not null check (sequence_number >= 1),
    direction text not null check (direction in ('inbound', 'outbound')),
    author text not null check (author in ('customer', 'agent', 'human')),
    type text not null,
    text text,
    status text not null,
    reason text,
    platform_message_id text,
    -- What the platform called earlier tries of a reply that was retried: its news of those are not about this one.
    former_platform_message_ids text[],
    turn_id uuid references turns on delete set null,
    error jsonb,
    written_at timestamptz,
    created_at timestamptz not null default now(),
    status_at timestamptz not null default now(),
    check ((direction = 'inbound') = (author = 'customer')),
    check (
        direction = 'inbound' and status in ('received', 'answered', 'unanswerable', 'blocked')
        or direction = 'outbound' and status in ('pending', 'sending', 'unknown', 'sent', 'failed', 'delivered', 'read')
    ),
    check ((status = 'unanswerable') <= (reason is not null)),
    constraint messages_numbered_once unique (conversation_id, sequence_number),
    constraint messages_delivered_once unique (phone_number_id, platform_message_id)
);
create index messages_of_user on messages (user_id, created_at, id);
create index messages_of_phone_number on messages (phone_number_id, created_at, id);
create index messages_waiting on messages (created_at) where status = 'received' and turn_id is null;
-- A conversation's own messages without a turn, found by key however many others wait.
create index messages_to_answer on messages (conversation_id) where direction = 'inbound' and turn_id is null;
-- Nearly all messages end in one of four ways; whoever asks for the others asks for a handful among a million.
create index messages_unusual on messages (user_id, status, created_at, id)
    where status not in ('answered', 'sent', 'delivered', 'read');
create index messages_of_turn on messages (turn_id) where turn_id is not null;
-- For the sweeper: who has messages that wait for credit, and which of them have waited too long.
create index messages_blocked on messages (user_id) where status = 'blocked';
create index messages_blocked_by_age on messages (created_at) where status = 'blocked';

-- What was written to a phone number that nobody has registered. It is answered once the number is added.
create table unclaimed_messages (
    type text not null,
    account text not null,
    address text not null,
    name text,
    platform_message_id text not null,
    content_type text not null,
    text text,
    written_at timestamptz not null,
    received_at timestamptz not null default now(),
    arrival bigint generated always as identity,
    primary key (type, account, platform_message_id)
);

create table credit_accounts (
    user_id uuid primary key references users on delete cascade,
    balance bigint not null default 0,
    held bigint not null default 0,
    check (held >= 0),
    check (held <= balance)
);
-- A user without an account cannot be written: whoever finds no account has found no user.
alter table users add constraint users_have_an_account
    foreign key (id) references credit_accounts deferrable initially deferred;

-- The ledger: lines are only ever added. balance and held of the account are the sums of its lines.
create table credit_entries (
    id bigint generated always as identity primary key,
    user_id uuid not null references users on delete cascade,
    kind text not null check (kind in ('add', 'hold', 'capture', 'release', 'refund')),
    amount bigint not null check (amount > 0),
    balance_change bigint not null,
    held_change bigint not null,
    turn_id uuid,
    note text,
    created_at timestamptz not null default now(),
    check ((kind = 'add') = (turn_id is null)),
    check (
        (balance_change, held_change) = case kind
            when 'add' then (amount, 0::bigint)
            when 'hold' then (0::bigint, amount)
            when 'capture' then (-amount, -amount)
            when 'release' then (0::bigint, -amount)
            when 'refund' then (amount, 0::bigint)
        end
    ),
    constraint credit_entries_once_per_turn unique (turn_id, kind)
);
create index credit_entries_of_user on credit_entries (user_id, id);
-- A hold ends once: captured or released, never both.
create unique index credit_entries_hold_ends_once on credit_entries (turn_id) where kind in ('capture', 'release');

-- What a request with an Idempotency-Key was answered, written in the transaction of its effect.
create table idempotent_answers (
    user_id uuid not null references users on delete cascade,
    key text not null check (length(key) between 1 and 255),
    request_digest bytea not null,
    answer jsonb not null,
    created_at timestamptz not null default now(),
    primary key (user_id, key)
);

-- migrate:down

drop table idempotent_answers;
drop table credit_entries;
alter table users drop constraint users_have_an_account;
drop table credit_accounts;
drop table unclaimed_messages;
drop table messages;
drop table turns;
drop table workers;
drop table conversations;
drop table customers;
drop table agents;
drop table prompt_versions;
drop table prompts;
drop table phone_numbers;
drop table api_keys;
drop table users;
