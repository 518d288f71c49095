-- migrate:up

-- WhatsApp tells whole seconds. What a customer writes in the second in which a person replies seems older than that reply
-- and was called answered by it. As among what the platform tells, within one second what arrived first was first.
do $$
begin
    execute replace(
        pg_get_functiondef('reply_by_hand'::regproc),
        'greatest(human_replied_at, now())', 'greatest(human_replied_at, date_trunc(''second'', now()))'
    );
end $$;

-- migrate:down

do $$
begin
    execute replace(
        pg_get_functiondef('reply_by_hand'::regproc),
        'greatest(human_replied_at, date_trunc(''second'', now()))', 'greatest(human_replied_at, now())'
    );
end $$;
