-- How an old month leaves the journal, and how it stays provable.
--
-- A detached month is a partition of `past`, which no verb writes: it can be dumped, dropped and, from
-- the dump, brought back, and none of that touches the journal. While it is there, every law that looks
-- at single postings reads it too; what it carried stays in the books for good (months.sql).

create table ledger.past (like ledger.posting including defaults including constraints, primary key (subscriber_id, occurred_on, source, ref))
    partition by range (occurred_on);
create index past_posted_at on ledger.past using brin (posted_at) with (pages_per_range = 32);
create trigger past_immutable before update or delete on ledger.past
    for each row execute function ledger.refuse();
create trigger past_not_truncated before truncate on ledger.past
    for each statement execute function ledger.refuse();

-- Every posting that can still be looked at. Its columns in the table's own order, whatever that is.
create view ledger.every_posting as
    select * from ledger.posting union all select * from ledger.past;

-- The detached months that somebody has dropped: what they held is not looked for.
create function ledger.absent_months() returns setof date
language plpgsql stable as $$
begin
    return query
    select m.month from ledger.detached_month m
     where not exists (select from pg_inherits i
                        where i.inhparent = 'ledger.past'::regclass
                          and i.inhrelid = to_regclass('ledger.' || ledger.month_of(m.month)));
end $$;

-- What the postings of some days did, by subscriber. One text for the day on which a month is carried
-- and for every proof of it later.
create function ledger.sums_between(p_first date, p_last date)
returns table (subscriber_id bigint, points bigint, arrears bigint, captured bigint, last_posted_at timestamptz)
language plpgsql stable as $$
begin
    return query
    select p.subscriber_id, sum(p.points)::bigint, sum(ledger.owed_by(p.kind, p.points, p.lots))::bigint,
           coalesce(-sum(p.points) filter (where p.kind = 7), 0)::bigint, max(p.posted_at)
      from ledger.every_posting p where p.occurred_on between p_first and p_last group by 1;
end $$;

do $make$
begin
    execute format($f$
create function ledger.lots_between(p_first date, p_last date)
returns table (subscriber_id bigint, expires_on date, fund integer, points bigint)
language plpgsql stable as $$
begin
    return query
    select m.subscriber_id, m.expires_on, m.fund, sum(m.points)::bigint
      from (%s) m group by 1, 2, 3;
end $$
$f$, ledger.posted_movements('(select * from ledger.every_posting v where v.occurred_on between p_first and p_last)'));
end $make$;

create function ledger.totals_between(p_first date, p_last date)
returns table (
    day date, contra smallint, fund integer, source smallint, kind smallint,
    points numeric, cancelled numeric, postings bigint)
language plpgsql stable as $$
begin
    return query
    select (l.posted_at at time zone 'Asia/Tashkent')::date, l.contra, l.fund, l.source, l.kind,
           sum(l.points), sum(l.cancelled)::numeric, sum(l.postings)::bigint
      from ledger.programme_leg l where l.occurred_on between p_first and p_last group by 1, 2, 3, 4, 5;
end $$;

-- Detaches the oldest month. Late events of that one month wait while it is summed; the journal itself is
-- locked for an instant at the end, and rather gives up than let its writers wait long. Plain DETACH:
-- CONCURRENTLY runs in no transaction, and not on a distributed database.
create function ledger.detach_month(p_month date, p_today date) returns bigint
language plpgsql security definer set search_path = ledger, pg_temp set lock_timeout = '3s' as $$
declare
    months_kept_min constant integer := 13;       -- a year's earnings decide the levels
    last    constant date := (p_month + interval '1 month')::date - 1;
    name    constant text := month_of(p_month);
    sealed  constant date := (select max(day) from seal);
    counted constant date := coalesce((select max(day) from programme_day), '-infinity');
    n       bigint;
begin
    if p_month <> date_trunc('month', p_month) or to_regclass('ledger.' || name) is null or is_detached(p_month) then
        raise exception 'the books have no month %', to_char(p_month, 'YYYY-MM') using errcode = 'LG424', detail = jsonb_build_object('day', p_month);
    elsif last >= p_today - make_interval(months => months_kept_min) then
        raise exception 'the last % months stay in the books', months_kept_min using errcode = 'LG422';
    elsif exists (select from pg_inherits i join pg_class c on c.oid = i.inhrelid
                   where i.inhparent = 'ledger.posting'::regclass and c.relname < name) then
        raise exception 'only the oldest month is detached' using errcode = 'LG422';
    elsif (sealed >= last) is not true then
        raise exception 'the month is not sealed yet' using errcode = 'LG422';
    elsif exists (select from pending where state = 1 and occurred_on between p_month and last) then
        raise exception 'points of this month are still promised' using errcode = 'LG422';
    end if;

    execute format('lock table ledger.%I in share mode', name);
    if exists (select from posting where occurred_on between p_month and last and posted_at >= day_start(sealed + 1)) then
        raise exception 'something of this month was posted after the last seal' using errcode = 'LG422';
    elsif exists (select from posting where occurred_on between p_month and last and posted_at >= day_start(counted + 1)) then
        raise exception 'something of this month was posted on a day that is not counted yet' using errcode = 'LG422';
    end if;
    insert into carried (subscriber_id, month, points, arrears, captured, last_posted_at)
    select s.subscriber_id, p_month, s.points, s.arrears, s.captured, s.last_posted_at from sums_between(p_month, last) s;
    insert into carried_lot (subscriber_id, month, expires_on, fund, points)
    select l.subscriber_id, p_month, l.expires_on, l.fund, l.points from lots_between(p_month, last) l where l.points <> 0;
    insert into carried_total (month, day, contra, fund, source, kind, points, cancelled, postings)
    select p_month, t.* from totals_between(p_month, last) t;
    insert into detached_month (month, postings, points)
    select p_month, count(*), coalesce(sum(points), 0) from posting where occurred_on between p_month and last
    returning postings into n;
    execute format('alter table ledger.posting detach partition ledger.%I', name);
    return n;
end $$;

-- Puts a detached month's table under `past`: after detaching it, or after it came back from a dump.
-- Apart from detaching, because it reads the table through, and here that keeps nobody waiting. False
-- when it is there already, or nowhere.
create function ledger.attach_past(p_month date) returns boolean
language plpgsql security definer set search_path = ledger, pg_temp set lock_timeout = '3s' as $$
begin
    if not is_detached(p_month) or to_regclass('ledger.' || month_of(p_month)) is null
       or not exists (select from absent_months() m where m = p_month) then
        return false;
    end if;
    execute format('alter table ledger.past attach partition ledger.%I for values from (%L) to (%L)',
                   month_of(p_month), p_month, (p_month + interval '1 month')::date);
    return true;
end $$;
