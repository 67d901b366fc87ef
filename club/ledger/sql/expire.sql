-- Expires what was good until before p_day, of up to p_limit owners after the subscriber p_after (null:
-- from the first one on). Answers how many lots, and the last owner it looked at, null when there is
-- none left: go on after that one, one transaction a call, so that no lock lasts. What was done stays
-- done, so a run may begin again from the first.
--
-- The first key of an account is the bucket that ends first: one comparison tells whether anything
-- of it is due, and walking the accounts by their key locks nobody.
create function ledger.expire_due(
    p_day date, p_limit integer, p_after bigint default null, out lots integer, out last_subscriber bigint)
language plpgsql security definer set search_path = ledger, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
    over constant bigint := lot_key(p_day, 0) - 1;        -- the last key that is over
    due  bigint[];
begin
    due := array(select subscriber_id from account
                  where subscriber_id > coalesce(p_after, -9223372036854775808) and lot_keys[1] <= over
                  order by subscriber_id limit p_limit);
    last_subscriber := due[cardinality(due)];
    perform lock_accounts(due);
    lots := expire_lots(due, p_day, null, over, 'expiry', null);
end $$;

-- Expires the buckets of these accounts from key p_first (null: from the first one) to key p_last;
-- answers how many. Under their locks. The account's version makes each ref new: a bucket may come
-- back and expire again.
create function ledger.expire_lots(
    p_subscribers bigint[], p_day date, p_first bigint, p_last bigint, p_word text, p_reason text) returns integer
language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
    content constant bytea := sha256(p_word::bytea);
    n integer;
begin
    insert into ledger.posting (subscriber_id, points, occurred_on, expires_on, fund, source, kind, contra, ref, fingerprint, reason)
    select a.subscriber_id, -l.points, p_day, ledger.lot_day(l.key), ledger.lot_fund(l.key), 0, 3, 30,
           format('%s:%s:%s:%s', p_word, ledger.lot_day(l.key), ledger.lot_fund(l.key), a.version), content, p_reason
      from ledger.account a, unnest(a.lot_keys, a.lot_points) as l (key, points)
     where a.subscriber_id = any (p_subscribers) and l.key <= p_last and (p_first is null or l.key >= p_first)
     order by a.subscriber_id;
    get diagnostics n = row_count;

    update ledger.account a
       set lot_keys = a.lot_keys[:g.before] || a.lot_keys[g.until + 1:],
           lot_points = a.lot_points[:g.before] || a.lot_points[g.until + 1:],
           posted = a.posted - (select sum(x) from unnest(a.lot_points[g.before + 1:g.until]) x),
           version = a.version + 1
      from (select b.subscriber_id, width_bucket(p_last, b.lot_keys) as until,
                   case when p_first is null then 0 else width_bucket(p_first - 1, b.lot_keys) end as before
              from ledger.account b where b.subscriber_id = any (p_subscribers)) g
     where a.subscriber_id = g.subscriber_id and g.until > g.before;
    return n;
end $$;
