-- Expires the buckets of up to p_limit lots' owners that were good until before p_day; answers how
-- many buckets. Call it until it answers 0, one transaction a call, so that no lock lasts. Emptied
-- buckets are deleted: lot holds only what is alive, and its index stays short.
create function ledger.expire_due(p_day date, p_limit integer) returns integer
language plpgsql security definer set search_path = ledger, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
    due bigint[];
    n   integer;
begin
    due := array(select distinct d.subscriber_id
                   from (select subscriber_id from lot where expires_on < p_day limit p_limit) d);
    perform lock_accounts(due);

    -- The account's version makes the ref new each time: a bucket may come back and expire again.
    insert into posting (subscriber_id, points, occurred_on, expires_on, fund, source, kind, contra, ref, fingerprint, lots)
    select l.subscriber_id, -l.points, p_day, l.expires_on, l.fund, 0, 3, 30,
           format('expiry:%s:%s:%s', to_char(l.expires_on, 'YYYY-MM-DD'), l.fund, a.version),
           sha256('expiry'), jsonb_build_array(jsonb_build_array(l.expires_on, l.fund, l.points))
      from lot l join account a on a.subscriber_id = l.subscriber_id
     where l.subscriber_id = any (due) and l.expires_on < p_day and l.points > 0
     order by l.subscriber_id;

    update account a set posted = a.posted - g.points, version = a.version + 1
      from (select subscriber_id, sum(points)::bigint as points from lot
             where subscriber_id = any (due) and expires_on < p_day and points > 0 group by subscriber_id) g
     where a.subscriber_id = g.subscriber_id;

    delete from lot where subscriber_id = any (due) and expires_on < p_day;
    get diagnostics n = row_count;
    return n;
end $$;
