-- migrate:up

-- squawk-ignore-file adding-required-field, adding-field-with-default
-- phone_numbers holds a row for each connected channel: few enough that rewriting it blocks nobody.

-- Another one after every change of the token, whoever makes it: what is cached of another version is not used.
alter table phone_numbers add column token_version uuid not null default gen_random_uuid();
-- Since when we have the token. Of those that are here already only the earliest possible time is known.
alter table phone_numbers add column token_set_at timestamptz not null default now();
update phone_numbers set token_set_at = created_at;
-- When a refresh was begun last: of several schedulers one does it.
alter table phone_numbers add column token_tried_at timestamptz;

create function name_new_token() returns trigger language plpgsql as $$
begin
    new.token_version := gen_random_uuid();
    new.token_set_at := now();
    new.token_tried_at := null;
    return new;
end $$;
create trigger name_new_token before update of access_token on phone_numbers
for each row when (new.access_token is distinct from old.access_token) execute function name_new_token();

-- migrate:down

drop trigger name_new_token on phone_numbers;
drop function name_new_token();
alter table phone_numbers drop column token_tried_at, drop column token_set_at, drop column token_version;
