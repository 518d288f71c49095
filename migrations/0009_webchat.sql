-- migrate:up

-- squawk-ignore-file require-concurrent-index-creation, require-concurrent-index-deletion
-- phone_numbers holds a row for each connected channel: few enough that an index on it is built at once.

-- What signs the visitors of a web chat for whom its owner vouches; sealed as access tokens are.
alter table phone_numbers add column identity_secret bytea;
-- A preflight names the page it comes from and not the web chat it is for.
create index phone_numbers_by_origin on phone_numbers using gin (allowed_origins) where type = 'webchat';

-- migrate:down

drop index phone_numbers_by_origin;
alter table phone_numbers drop column identity_secret;
