-- The journal is append-only and partitioned by month. Triggers refuse every change, to the owner
-- too; grants (privileges.sql) refuse it to the application before that.

create function ledger.refuse() returns trigger
language plpgsql as $$
begin
    raise exception 'the journal is append-only: reverse the posting instead' using errcode = 'LG422';
end $$;

create trigger posting_immutable before update or delete on ledger.posting
    for each row execute function ledger.refuse();
create trigger posting_not_truncated before truncate on ledger.posting
    for each statement execute function ledger.refuse();

-- The name of the partition that takes a day.
create function ledger.month_of(p_day date) returns text
language sql immutable as $$
    select 'posting_' || to_char(p_day, 'YYYYMM')
$$;

-- Makes the missing partitions of p_months months from that of p_first on; answers how many. There
-- is no default partition: it would have to be searched at every later one. A month that was detached
-- is never made again, or a repeated event would find its key free.
-- Made apart and then attached, because CREATE ... PARTITION OF would lock every reader and writer
-- out of the journal while it waits. Row triggers come down from the parent; the one against
-- truncate does not, so each partition gets its own.
create function ledger.make_months(p_first date, p_months integer) returns integer
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    first date;
    made  integer := 0;
begin
    if p_months not between 1 and 240 then
        raise exception 'between 1 and 240 months' using errcode = 'LG422';
    end if;
    lock table ledger.posting in share update exclusive mode;     -- one maker at a time
    for i in 0 .. p_months - 1 loop
        first := date_trunc('month', p_first + make_interval(months => i));
        if to_regclass('ledger.' || month_of(first)) is null and not is_detached(first) then
            execute format('create table ledger.%I (like ledger.posting including defaults including constraints)',
                           month_of(first));
            execute format('create trigger not_truncated before truncate on ledger.%I'
                           ' for each statement execute function ledger.refuse()', month_of(first));
            execute format('alter table ledger.posting attach partition ledger.%I for values from (%L) to (%L)',
                           month_of(first), first, (first + interval '1 month')::date);
            made := made + 1;
        end if;
    end loop;
    -- The autovacuum looks at single months and never at the journal as a whole; a statement over
    -- everybody is planned by how many subscribers that has. A sample: 0.2 s at ten million postings.
    execute 'analyze ' || case when current_setting('server_version_num')::integer >= 180000 then 'only ' else '' end
            || 'ledger.posting (subscriber_id)';
    return made;
end $$;

-- Two years back for late and imported events, a year ahead; a daily job keeps it ahead. No more than
-- that: every plan that reads the journal has each month in it.
select ledger.make_months((current_date - interval '24 months')::date, 38);
