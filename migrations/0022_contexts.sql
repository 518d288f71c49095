-- migrate:up

-- The name of everything that a turn must know of an agent on a phone number: another one whenever any of it changes,
-- whoever changes it, and the same one as long as it says the same. What was read under one name may be kept and used for as
-- long as that is the name. A version of a prompt never changes, so its number and its time stand for its text; a token is
-- named by its version.
create function name_of_context(p_number phone_numbers, p_agent agents, p_voice prompt_versions) returns uuid
language sql stable as $$
    select md5(row(
        p_number.id, p_number.type, p_number.account, p_number.settings, p_number.token_version, p_number.access_token is not null,
        p_agent.id, p_agent.prompt_id, p_voice.version, extract(epoch from p_voice.created_at)
    )::text)::uuid
$$;

-- The names as they are at this very moment, in the order asked; null where agent or phone number is gone. Volatile: what was
-- committed while the statement that asks waited for a lock must be seen. For many at once: to begin a query costs more than
-- what it then looks up.
create function context_versions(p_agent_id uuid[], p_phone_number_id uuid[]) returns uuid[]
language sql volatile as $$
    select array_agg(case when a.id is not null and n.id is not null then name_of_context(n, a, v) end order by asked.place)
    from unnest(p_agent_id, p_phone_number_id) with ordinality as asked (agent_id, phone_number_id, place)
    left join agents a on a.id = asked.agent_id
    left join phone_numbers n on n.id = asked.phone_number_id
    left join prompts p on p.id = a.prompt_id
    left join prompt_versions v on v.prompt_id = p.id and v.version = coalesce(a.prompt_version, p.latest_version)
$$;

-- What the name leaves out may not change.
create function refuse_another_text() returns trigger language plpgsql as $$
begin
    raise exception 'version % of the prompt % may not change: add another version', old.version, old.prompt_id;
end $$;
create trigger prompt_versions_stay_as_they_are
before update of prompt_id, version, instructions, model, temperature, max_output_tokens, created_at on prompt_versions
for each row execute function refuse_another_text();

-- migrate:down

drop trigger prompt_versions_stay_as_they_are on prompt_versions;
drop function refuse_another_text();
drop function context_versions(uuid[], uuid[]);
drop function name_of_context(phone_numbers, agents, prompt_versions);
