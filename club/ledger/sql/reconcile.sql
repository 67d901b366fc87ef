-- The balances against what stands behind them, of everybody: one pass over accounts and open holds, and
-- not a look into the journal. Cheap enough for every night; the whole proof is prove.sql.
create function ledger.reconcile()
returns table (law text, subscriber_id bigint, place text, expected bigint, found bigint)
language plpgsql stable set search_path = ledger, pg_temp as $$
begin
    return query
    with open as (
        select h.subscriber_id, sum(h.points)::bigint as points from hold h where h.closed_at is null group by 1),
    broken as (
        select coalesce(a.subscriber_id, o.subscriber_id) as subscriber_id, coalesce(a.posted, 0) as posted,
               coalesce(a.held, 0) as held, coalesce(a.arrears, 0) as arrears, coalesce(o.points, 0) as open,
               coalesce(a.free, 0) as free, coalesce(a.least, 0) as least
          from (select b.subscriber_id, b.posted, b.held, b.arrears, l.free, l.least
                  from account b,
                       lateral (select coalesce(sum(n), 0)::bigint as free, min(n) as least from unnest(b.lot_points) n) l) a
          full join open o on o.subscriber_id = a.subscriber_id
         where a.posted is distinct from a.free + a.held - a.arrears
            or a.held is distinct from coalesce(o.points, 0)
            or a.held < 0 or a.arrears < 0 or a.least < 0)
    select v.law, b.subscriber_id, 'account', v.expected, v.found
      from broken b,
           lateral (values
               ('the balance is lots + held - arrears', b.free + b.held - b.arrears, b.posted),
               ('held is the sum of the open holds', b.open, b.held),
               ('nothing held or owed is below zero', 0::bigint, least(b.held, b.arrears, 0)),
               ('no lot is below zero', 0::bigint, least(b.least, 0))) v (law, expected, found)
     where v.expected <> v.found;
end $$;
