-- Names every row that breaks a law of the books; no rows = proven. The balances are computed
-- again from the journal, and so is every bucket from all its movements: whoever changes one row
-- has to change all of them alike. One snapshot for all laws: the whole is one query.
create function ledger.prove()
returns table (law text, subscriber_id bigint, place text, expected bigint, found bigint)
language plpgsql stable as $$
begin
    return query
    with journal as (
        select p.subscriber_id, sum(p.points)::bigint as points,
               -- Clawbacks that found no lots, less the lots that repaid them; and debts that a merge moved.
               sum(case when p.kind = 5 then -p.points - ledger.lots_total(p.lots)
                        when p.kind = 8 then -ledger.lots_total(p.lots)
                        when p.kind in (9, 10) and p.lots = '[]' then -p.points else 0 end)::bigint as arrears
          from ledger.posting p group by 1),
    free as (
        select l.subscriber_id, sum(l.points)::bigint as points from ledger.lot l group by 1),
    open as (
        select h.subscriber_id, sum(h.points)::bigint as points from ledger.hold h where h.state = 1 group by 1),
    moved as (
        select p.subscriber_id, p.lots, case when p.points > 0 then 1 else -1 end as sign
          from ledger.posting p where p.kind <> 7 and p.lots is not null
        union all
        select p.subscriber_id, p.given, 1 from ledger.posting p where p.given is not null
        union all
        select p.subscriber_id, jsonb_build_array(jsonb_build_array(p.expires_on, p.fund, p.points)), 1
          from ledger.posting p where p.lots is null
        union all
        select h.subscriber_id, h.lots, -1 from ledger.hold h
        union all
        select h.subscriber_id, h.given_back, 1 from ledger.hold h where h.given_back is not null),
    rebuilt as (
        select m.subscriber_id, (x ->> 0)::date as expires_on, (x ->> 1)::integer as fund,
               sum(m.sign * (x ->> 2)::bigint)::bigint as points
          from moved m, jsonb_array_elements(m.lots) x group by 1, 2, 3),
    reversed as (
        select q.subscriber_id, q.reverses_source as source, q.reverses_ref as ref, q.reverses_on as occurred_on,
               sum(q.points)::bigint as points
          from ledger.posting q where q.reverses_ref is not null group by 1, 2, 3, 4)

    select 'the balance is the sum of the journal', coalesce(a.subscriber_id, j.subscriber_id), 'account',
           coalesce(j.points, 0), a.posted
      from ledger.account a full join journal j on j.subscriber_id = a.subscriber_id
     where a.posted is distinct from coalesce(j.points, 0)
    union all
    select 'the balance is lots + held - arrears', a.subscriber_id, 'account', coalesce(f.points, 0) + a.held - a.arrears, a.posted
      from ledger.account a left join free f on f.subscriber_id = a.subscriber_id
     where a.posted <> coalesce(f.points, 0) + a.held - a.arrears
    union all
    select 'held is the sum of the open holds', coalesce(a.subscriber_id, o.subscriber_id), 'account', coalesce(o.points, 0), a.held
      from ledger.account a full join open o on o.subscriber_id = a.subscriber_id
     where a.held is distinct from coalesce(o.points, 0)
    union all
    select 'arrears are clawbacks less repayments', a.subscriber_id, 'account', coalesce(j.arrears, 0), a.arrears
      from ledger.account a left join journal j on j.subscriber_id = a.subscriber_id
     where a.arrears <> coalesce(j.arrears, 0)
    union all
    select 'a lot is the sum of its movements', coalesce(l.subscriber_id, r.subscriber_id),
           format('lot %s fund %s', coalesce(l.expires_on, r.expires_on), coalesce(l.fund, r.fund)),
           coalesce(r.points, 0), coalesce(l.points, 0)
      from ledger.lot l full join rebuilt r
        on r.subscriber_id = l.subscriber_id and r.expires_on = l.expires_on and r.fund = l.fund
     where coalesce(l.points, 0) <> coalesce(r.points, 0)
    union all
    select 'the lots are sorted and none is empty', a.subscriber_id, 'account',
           (select count(distinct k) from unnest(a.lot_keys, a.lot_points) u (k, n) where n > 0), cardinality(a.lot_keys)
      from ledger.account a
     where a.lot_keys <> array(select distinct k from unnest(a.lot_keys, a.lot_points) u (k, n) where n > 0 order by k)
        or cardinality(a.lot_keys) <> cardinality(a.lot_points)
    union all
    select 'a posting of no points moves lots', p.subscriber_id, format('posting %s/%s/%s', p.source, p.ref, p.occurred_on), 1, 0
      from ledger.posting p where p.points = 0 and (p.kind not in (8, 11) or p.lots is null)
    union all
    select 'a debit takes lots of its amount', p.subscriber_id, format('posting %s/%s/%s', p.source, p.ref, p.occurred_on),
           -p.points, ledger.lots_total(p.lots)
      from ledger.posting p
     where p.points < 0 and p.kind <> 5 and not (p.kind = 10 and p.lots = '[]') and -p.points is distinct from ledger.lots_total(p.lots)
    union all
    select 'a return gives lots of its amount', p.subscriber_id, format('posting %s/%s/%s', p.source, p.ref, p.occurred_on),
           p.points, ledger.lots_total(p.lots)
      from ledger.posting p
     where p.points > 0 and p.lots is not null and not (p.kind = 9 and p.lots = '[]') and p.points <> ledger.lots_total(p.lots)
    union all
    select 'a transfer has both its legs', coalesce(o.sender, i.sender, i.receiver), format('posting 0/%s/%s of %s', coalesce(o.ref, i.ref),
           coalesce(o.occurred_on, i.occurred_on), coalesce(o.receiver, i.receiver)), -coalesce(o.points, 0), coalesce(i.points, 0)
      from (select p.subscriber_id as sender, p.counterparty_id as receiver, p.occurred_on, p.points, p.lots,
                   ledger.leg_ref(p.subscriber_id, p.source, p.ref) as ref from ledger.posting p where p.kind = 9) o
      full join (select p.counterparty_id as sender, p.subscriber_id as receiver, p.occurred_on, p.points, p.lots,
                        p.ref from ledger.posting p where p.kind = 10) i
        on i.receiver = o.receiver and i.occurred_on = o.occurred_on and i.ref = o.ref
     where (o.sender, -o.points, o.lots) is distinct from (i.sender, i.points, i.lots)
    union all
    select 'a reversal has an original, and never more than it', r.subscriber_id,
           format('posting %s/%s/%s', r.source, r.ref, r.occurred_on), coalesce(p.points, 0), -r.points
      from reversed r left join ledger.posting p
        on p.subscriber_id = r.subscriber_id and p.occurred_on = r.occurred_on and p.source = r.source and p.ref = r.ref
     where p.points is null or sign(p.points) = sign(r.points) or abs(r.points) > abs(p.points)
    union all
    select 'a hold is open, or closed with a part of it captured', h.subscriber_id, format('hold %s', h.hold_id), h.points, h.captured
      from ledger.hold h
     where h.points < 1 or h.captured not between 0 and h.points or (h.state = 1) <> (h.closed_at is null)
        or (h.state = 2) <> (h.captured > 0)
    union all
    select 'a captured hold has its posting', h.subscriber_id, format('hold %s', h.hold_id), -h.captured, coalesce(p.points, 0)
      from ledger.hold h left join ledger.posting p
        on p.subscriber_id = h.subscriber_id and p.source = 0 and p.kind = 7 and p.ref = 'hold:' || h.hold_id
     where coalesce(p.points, 0) <> -h.captured
    union all
    select 'a kept promise has its posting', g.subscriber_id, format('pending %s/%s/%s', g.source, g.ref, g.occurred_on),
           g.points, coalesce(p.points, 0)
      from ledger.pending g left join ledger.posting p
        on p.subscriber_id = g.subscriber_id and p.occurred_on = g.occurred_on and p.source = g.source and p.ref = g.ref
     where g.state = 2 and g.points <> coalesce(p.points, 0);
end $$;
