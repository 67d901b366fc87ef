-- Earning, many at once: plain separate statements, never one big WITH. At a million accounts the
-- single statement took 31 s where the same ones, one after the other, took 19 s.

-- Posts accruals that are known to be new and distinct. A key that came in by another way meanwhile
-- raises 23505.
create function ledger.post_new(
    p_subscribers bigint[], p_sources smallint[], p_refs text[], p_days date[], p_points bigint[],
    p_expires date[], p_funds integer[], p_fingerprints bytea[], p_kind smallint default 1)
returns void
language plpgsql as $$
declare
    debtors constant bigint[] := ledger.credit_lots(p_subscribers, p_days, p_points, p_expires, p_funds);
begin
    insert into ledger.posting (subscriber_id, points, occurred_on, expires_on, fund, source, kind, contra, ref, fingerprint)
    select s, n, d, e, f, src, p_kind, case p_kind when 12 then 70 else 10 end, r, h
      from unnest(p_subscribers, p_points, p_days, p_expires, p_funds, p_sources, p_refs, p_fingerprints)
           v (s, n, d, e, f, src, r, h);

    if debtors <> '{}' then
        perform ledger.settle(s, d, came)
           from (select s, max(d) as d, jsonb_agg(jsonb_build_array(e, f, n) order by e, f) as came
                   from unnest(p_subscribers, p_days, p_expires, p_funds, p_points) v (s, d, e, f, n)
                  where s = any (debtors) group by s order by s) v;
    end if;
end $$;

-- Puts what was earned into balances and lots, in ascending order of the accounts; answers who of them
-- owes.
create function ledger.credit_lots(
    p_subscribers bigint[], p_days date[], p_points bigint[], p_expires date[], p_funds integer[]) returns bigint[]
language plpgsql as $$
declare
    earned  record;
    debtors bigint[] := '{}';
begin
    if ledger.is_ascending(p_subscribers) then    -- a file's chunk: everybody once, and in order
        return ledger.credit_or_make(p_subscribers, array(select ledger.lot_key(e, f) from unnest(p_expires, p_funds) v (e, f)),
                                     p_points, array_fill(1::bigint, array[cardinality(p_points)]), p_days);
    end if;
    -- A statement writes a row once, so whoever earned into several buckets has as many turns.
    for earned in
        select array_agg(s order by s) as who, array_agg(key order by s) as keys, array_agg(n order by s) as points,
               array_agg(c order by s) as times, array_agg(d order by s) as days
          from (select s, key, sum(n)::bigint as n, count(*) as c, max(d) as d,
                       row_number() over (partition by s order by key) as turn
                  from (select s, ledger.lot_key(e, f) as key, n, d
                          from unnest(p_subscribers, p_expires, p_funds, p_points, p_days) v (s, e, f, n, d)) v
                 group by s, key) g
         group by turn order by turn
    loop
        debtors := debtors || ledger.credit_or_make(earned.who, earned.keys, earned.points, earned.times, earned.days);
    end loop;
    return debtors;
end $$;

create function ledger.is_ascending(p_subscribers bigint[]) returns boolean
language sql immutable as $$
    select coalesce(bool_and(s > before), true) from (select s, lag(s) over () as before from unnest(p_subscribers) s) v
     where before is not null
$$;

-- As credit_each. Where an account is missing, what was locked is let go, and all are taken anew in their
-- order.
create function ledger.credit_or_make(p_who bigint[], p_keys bigint[], p_points bigint[], p_times bigint[], p_days date[])
returns bigint[]
language plpgsql as $$
begin
    return ledger.credit_each(p_who, p_keys, p_points, p_times, p_days);
exception when no_data_found then
    perform ledger.lock_accounts(p_who);
    return ledger.credit_each(p_who, p_keys, p_points, p_times, p_days);
end $$;

-- One bucket of each of these accounts, which come in ascending order: the join must not change it, or
-- two batches would wait for each other. Planned at every call: a plan that a session keeps from when
-- the table was nearly empty reads all of the batch again for each account (30 times slower).
-- Raises P0002 where an account is missing.
create function ledger.credit_each(p_who bigint[], p_keys bigint[], p_points bigint[], p_times bigint[], p_days date[])
returns bigint[]
language plpgsql set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_custom_plan as $$
declare
    credited record;
    found_n  integer := 0;
    debtors  bigint[] := '{}';
begin
    for credited in
        update ledger.account a
           set lot_keys = ledger.keys_with(a.lot_keys, v.key),
               lot_points = ledger.points_with(a.lot_keys, a.lot_points, v.key, v.n),
               posted = a.posted + v.n, version = a.version + v.c, active_on = greatest(a.active_on, v.d)
          from unnest(p_who, p_keys, p_points, p_times, p_days) v (s, key, n, c, d)
         where a.subscriber_id = v.s
        returning a.subscriber_id, a.arrears
    loop
        found_n := found_n + 1;
        if credited.arrears > 0 then
            debtors := debtors || credited.subscriber_id;
        end if;
    end loop;
    if found_n < cardinality(p_who) then
        raise exception 'an account is missing' using errcode = 'P0002';
    end if;
    return debtors;
end $$;

-- Looks a batch's keys up in the journal: the places of those it has not, each key once, and of those
-- that came with other content than before, or than earlier in the batch. Without a lock, which is
-- cheap for replays. Each month is asked by its own name: through the parent, one key costs four times
-- as much. A day without a month is new here, and the journal refuses it. Keys that stand in the batch
-- more than once are looked for only where p_has_twins says so: it takes a sort.
create function ledger.look_up(
    p_source smallint, p_subscribers bigint[], p_refs text[], p_days date[], p_fingerprints bytea[], p_has_twins boolean,
    out unknown integer[], out conflicts integer[])
language plpgsql stable as $$
declare
    month date;
    part  regclass;
    seen  record;
begin
    unknown := '{}';
    conflicts := '{}';
    for month in select distinct date_trunc('month', d)::date from unnest(p_days) d order by 1 loop
        part := to_regclass('ledger.' || ledger.month_of(month));
        execute format(
            'select array_agg(i) filter (where before is null and nth = 1) as unknown,'
            '       array_agg(i) filter (where coalesce(before, first) <> h) as conflicts'
            '  from (select v.*, %s as before, %s'
            '          from unnest($2, $3, $4, $5) with ordinality v (s, r, d, h, i)'
            '         where v.d >= $6 and v.d < $6 + interval ''1 month'') k',
            case when part is null then 'null::bytea' else format(
                '(select p.fingerprint from %s p where p.subscriber_id = v.s and p.occurred_on = v.d'
                '    and p.source = $1 and p.ref = v.r)', part) end,
            case when p_has_twins
                 then 'row_number() over (partition by v.s, v.d, v.r order by v.i) as nth,'
                      ' first_value(v.h) over (partition by v.s, v.d, v.r order by v.i) as first'
                 else '1 as nth, null::bytea as first' end)
           into seen using p_source, p_subscribers, p_refs, p_days, p_fingerprints, month;
        unknown := unknown || seen.unknown;
        conflicts := conflicts || seen.conflicts;
    end loop;
end $$;

-- Answers how many accruals were new, how many were replays, and the refs that came with other
-- content than before (none of those is posted). Where two calls race for one key, or one stands in the batch
-- twice, the journal refuses the second, and it looks again: the first has committed by then.
-- p_kind: 1 accrual, 12 opening balance.
create function ledger.post_many(
    p_source smallint, p_subscribers bigint[], p_refs text[], p_days date[], p_points bigint[],
    p_expires date[], p_funds integer[], p_fingerprints bytea[], p_kind smallint default 1,
    out fresh integer, out replayed integer, out conflicts text[])
language plpgsql security definer set search_path = ledger, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
    known     record;
    b         record;                             -- what of the batch is new
    tries_max constant integer := 5;
begin
    if p_kind is null or p_kind not in (1, 12) then
        raise exception 'not earned by a posting of kind %', p_kind using errcode = 'LG422';
    end if;
    perform refuse_unsound(v.n, v.r, v.h)
       from unnest(p_points, p_refs, p_fingerprints) v (n, r, h) where is_sound(v.n, v.r, v.h) is not true limit 1;
    perform refuse_bucket(v.e, v.f)
       from unnest(p_expires, p_funds) v (e, f) where is_bucket(v.e, v.f) is not true limit 1;

    for i in 1 .. tries_max loop
        known := look_up(p_source, p_subscribers, p_refs, p_days, p_fingerprints, i > 1);
        exit when known.unknown = '{}';
        if cardinality(known.unknown) = cardinality(p_subscribers) then
            select p_subscribers as s, p_refs as r, p_days as d, p_points as n, p_expires as e, p_funds as f, p_fingerprints as h
              into b;
        else
            select array_agg(v.s) as s, array_agg(v.r) as r, array_agg(v.d) as d, array_agg(v.n) as n,
                   array_agg(v.e) as e, array_agg(v.f) as f, array_agg(v.h) as h
              into b
              from unnest(known.unknown) u (i)
              join unnest(p_subscribers, p_refs, p_days, p_points, p_expires, p_funds, p_fingerprints)
                   with ordinality v (s, r, d, n, e, f, h, i) on v.i = u.i;
        end if;
        begin
            perform post_new(b.s, array_fill(p_source, array[cardinality(b.s)]), b.r, b.d, b.n, b.e, b.f, b.h, p_kind);
            exit;
        exception when unique_violation then
            if i = tries_max then
                raise;
            end if;
        end;
    end loop;
    fresh := cardinality(known.unknown);
    conflicts := array(select v.r from unnest(p_refs) with ordinality v (r, i) join unnest(known.conflicts) c (i) on c.i = v.i order by v.i);
    replayed := cardinality(p_subscribers) - fresh - cardinality(conflicts);
end $$;
