-- When a day of the books is closed: asked here alone, by the seals and by the programme's accounts. A
-- day is that of posted_at, in Asia/Tashkent. posted_at is the start of a posting's transaction, so a
-- day may still grow after midnight, until the last transaction that began in it has ended.

create function ledger.day_start(p_day date) returns timestamptz
language sql immutable as $$
    select p_day::timestamp at time zone 'Asia/Tashkent'
$$;

-- How many transactions may still post with a posted_at before this moment. Never too few:
--   whoever is in one holds its virtual id, which everybody may see; when it began, a role may not see
--     of others, and then it counts;
--   a prepared one does not tell when it began, so it counts as long as it is there;
--   our own counts, and its beginning we know. What it saw of the others before is forgotten first:
--     asked again, look again.
create function ledger.unfinished_before(p_moment timestamptz) returns integer
language plpgsql security definer set search_path = ledger, pg_temp as $$
begin
    perform pg_stat_clear_snapshot();
    return (now() < p_moment)::integer
         + (select count(*) from pg_stat_activity a
             where a.datname = current_database() and a.usesysid is not null and a.pid <> pg_backend_pid()
               and (a.xact_start < p_moment
                    or a.xact_start is null and exists (
                        select from pg_locks l where l.pid = a.pid and l.locktype = 'virtualxid' and l.granted)))
         + (select count(*) from pg_prepared_xacts where database = current_database());
end $$;

-- How many transactions may still post on p_day; null while the day is not over by the database's own
-- clock: posted_at is. Some minutes are added, for a transaction that has begun and cannot be seen yet.
create function ledger.unfinished_on(p_day date) returns integer
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    margin constant interval := '5 minutes';
begin
    if clock_timestamp() >= day_start(p_day + 1) + margin then
        return unfinished_before(day_start(p_day + 1));
    end if;
    return null;
end $$;

-- Is it certain that nothing more will be posted on p_day? Ask in a statement before the one that
-- reads the day, each with a snapshot of its own (read committed): then the reader sees whatever
-- ended before the answer.
create function ledger.day_is_closed(p_day date) returns boolean
language sql security definer set search_path = ledger, pg_temp as $$
    select coalesce(unfinished_on(p_day) = 0, false)
$$;
