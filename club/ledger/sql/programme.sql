-- The programme's accounts by fund and by day of posting, counted after the fact: a day once it is
-- closed, and what is younger from the journal whenever somebody asks.

-- The programme's leg of every posting, split by the funds whose points moved. A fund's account is
-- exactly what happened to its lots, so it stands at minus its lots and what of them is on hold. A
-- debt has no lots: it is the operator's (fund 0), from the clawback that did not find the points until
-- the lots that repay it. Of detached months it has what can still be looked at: all their days are
-- counted.
create view ledger.programme_leg as
    select subscriber_id, occurred_on, source, ref, posted_at, kind, contra, fund,
           -points as points, 0::bigint as cancelled, 1 as postings
      from ledger.every_posting
     where lots is null
    union all
    select p.subscriber_id, p.occurred_on, p.source, p.ref, p.posted_at, p.kind, p.contra, part.fund,
           part.points, part.cancelled, part.postings
      from ledger.every_posting p,
           lateral (values (case when p.points > 0 then -1 else 1 end,
                            case when p.kind = 11 then '[]' else p.lots end)) m (sign, lots),
           lateral (select (x ->> 1)::integer, m.sign * (x ->> 2)::bigint, 0::bigint, (i = 1)::integer
                      from jsonb_array_elements(m.lots) with ordinality e (x, i)
                    union all
                    select 0, debt.points, 0::bigint, (m.lots = '[]')::integer
                      from (values (-p.points - m.sign * ledger.lots_total(m.lots))) debt (points)
                     where debt.points <> 0 or m.lots = '[]'
                    union all
                    select p.fund, 0::bigint, -p.points, 0
                     where p.kind = 5 and p.contra <> 40) part (fund, points, cancelled, postings)
     where p.lots is not null;

-- Counts the next day that is not counted yet; null when it is not closed, or nothing was ever posted.
-- Days are counted in their order and once, so a closed period never changes. Nobody is locked but a
-- second counter.
create function ledger.count_day() returns date
language plpgsql security definer set search_path = ledger, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
    due date;
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'a day is counted in a snapshot from after its end: read committed' using errcode = 'LG422';
    end if;
    lock table programme_day in share row exclusive mode;
    due := coalesce((select max(day) + 1 from programme_day),
                    (select (min(posted_at) at time zone 'Asia/Tashkent')::date from posting));
    if due is null or not day_is_closed(due) then
        return null;
    end if;
    insert into programme_total (day, contra, fund, source, kind, points, cancelled, postings)
    select due, contra, fund, source, kind, sum(points), sum(cancelled), sum(postings)
      from programme_leg
     where posted_at >= day_start(due) and posted_at < day_start(due + 1)
     group by contra, fund, source, kind;
    insert into programme_day (day) values (due);
    return due;
end $$;

-- The accounts of the days from p_first (null: the first ever) to p_last: counted ones as they were
-- counted, later ones from the journal, whose rows of those days BRIN finds.
create function ledger.programme(p_first date, p_last date)
returns table (
    day date, contra smallint, fund integer, source smallint, kind smallint,
    points numeric, cancelled numeric, postings bigint)
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
declare
    live_from date := coalesce((select max(d.day) + 1 from ledger.programme_day d), '-infinity');
begin
    return query
    select t.day, t.contra, t.fund, t.source, t.kind, t.points, t.cancelled, t.postings
      from ledger.programme_total t
     where t.day >= coalesce(p_first, '-infinity') and t.day <= p_last;
    live_from := greatest(live_from, p_first);
    if live_from <= p_last then
        return query
        select (l.posted_at at time zone 'Asia/Tashkent')::date as on_day, l.contra, l.fund, l.source, l.kind,
               sum(l.points), sum(l.cancelled)::numeric, sum(l.postings)::bigint
          from ledger.programme_leg l
         where l.posted_at >= ledger.day_start(live_from) and l.posted_at < ledger.day_start(p_last + 1)
         group by on_day, l.contra, l.fund, l.source, l.kind;
    end if;
end $$;

-- Names every account that is not what the journal says, and every fund whose accounts are not its
-- lots and holds. Reads everything.
create function ledger.prove_totals()
returns table (law text, subscriber_id bigint, place text, expected bigint, found bigint)
language plpgsql stable as $$
declare
    last date := (select max(d.day) from ledger.programme_day d);
begin
    return query
    with journal as (
        select v.day, v.contra, v.fund, v.source, v.kind,
               sum(v.points) as points, sum(v.cancelled) as cancelled, sum(v.postings) as postings
          from (select (l.posted_at at time zone 'Asia/Tashkent')::date as day, l.contra, l.fund, l.source, l.kind,
                       l.points, l.cancelled, l.postings
                  from ledger.programme_leg l where l.posted_at < ledger.day_start(last + 1)
                union all
                select c.day, c.contra, c.fund, c.source, c.kind, c.points, c.cancelled, c.postings from ledger.carried_total c
                 where c.month in (select a.month from ledger.absent_months() a (month))) v
         group by 1, 2, 3, 4, 5),
    counted as (
        select t.day, t.contra, t.fund, t.source, t.kind, t.points, t.cancelled, t.postings from ledger.programme_total t),
    account as (
        select p.fund, -sum(p.points) as points from ledger.programme(null, 'infinity') p group by 1),
    owned as (
        select s.fund, sum(s.points) as points
          from (select l.fund, l.points from ledger.lot l
                union all
                select (x ->> 1)::integer, (x ->> 2)::bigint
                  from ledger.hold h, jsonb_array_elements(h.lots) x where h.closed_at is null
                union all
                select 0, -a.arrears from ledger.account a where a.arrears > 0) s
         group by 1)
    select 'a counted day is the sum of its postings', null::bigint,
           format('%s account %s fund %s source %s kind %s', day, contra, fund, source, kind),
           coalesce(j.points, 0)::bigint, coalesce(c.points, 0)::bigint
      from journal j full join counted c using (day, contra, fund, source, kind)
     where (j.points, j.cancelled, j.postings) is distinct from (c.points, c.cancelled, c.postings)
    union all
    select 'a fund''s accounts are its lots, holds and debts', null, format('fund %s', fund),
           coalesce(o.points, 0)::bigint, coalesce(a.points, 0)::bigint
      from account a full join owned o using (fund)
     where coalesce(a.points, 0) <> coalesce(o.points, 0);
end $$;
