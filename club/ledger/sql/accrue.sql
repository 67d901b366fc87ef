-- Earning, one at a time: the hottest verb, two statements by key and no look beforehand (a third one
-- for a bucket that is new). The posting's insert is the gate and comes last: a replay finds the key
-- taken and takes back exactly what it wrote a moment ago (nobody saw it: the account is locked). A
-- look beforehand would cost more than all, because a cached plan locks every partition and an
-- insert locks one.
--
-- A conflict (the key stands for other content) is answered, not raised: a batch reports it too.
create function ledger.accrue(
    p_subscriber bigint, p_source smallint, p_ref text, p_day date, p_points bigint, p_expires date,
    p_fund integer, p_fingerprint bytea,
    out is_fresh boolean, out is_conflict boolean)
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    key constant bigint := lot_key(p_expires, p_fund);
    owed   bigint;
    before bytea;
begin
    if is_sound(p_points, p_ref, p_fingerprint) is not true then
        perform refuse_unsound(p_points, p_ref, p_fingerprint);
    elsif is_bucket(p_expires, p_fund) is not true then
        perform refuse_bucket(p_expires, p_fund);
    end if;

    -- Nearly always the bucket is there, and one element changes: a sixth of an accrual less to do.
    update account
       set posted = posted + p_points, version = version + 1, active_on = greatest(active_on, p_day),
           lot_points[width_bucket(key, lot_keys)] = lot_points[width_bucket(key, lot_keys)] + p_points
     where subscriber_id = p_subscriber and lot_keys[width_bucket(key, lot_keys)] = key
    returning arrears into owed;
    if not found then
        update account
           set posted = posted + p_points, version = version + 1, active_on = greatest(active_on, p_day),
               lot_keys = keys_with(lot_keys, key), lot_points = points_with(lot_keys, lot_points, key, p_points)
         where subscriber_id = p_subscriber
        returning arrears into owed;
    end if;
    if not found then
        insert into account as a (subscriber_id, lot_keys, lot_points, posted, version, active_on)
        values (p_subscriber, array[key], array[p_points], p_points, 1, p_day)
            on conflict (subscriber_id) do update
               set posted = a.posted + p_points, version = a.version + 1, active_on = greatest(a.active_on, p_day),
                   lot_keys = keys_with(a.lot_keys, key), lot_points = points_with(a.lot_keys, a.lot_points, key, p_points)
        returning arrears into owed;
    end if;

    insert into posting (subscriber_id, points, occurred_on, expires_on, fund, source, kind, contra, ref, fingerprint)
    values (p_subscriber, p_points, p_day, p_expires, p_fund, p_source, 1, 10, p_ref, p_fingerprint)
        on conflict do nothing;
    is_fresh := found;
    is_conflict := false;

    if not is_fresh then
        select fingerprint into before from posting
         where subscriber_id = p_subscriber and occurred_on = p_day and source = p_source and ref = p_ref;
        is_conflict := before <> p_fingerprint;
        perform take_these(p_subscriber, jsonb_build_array(jsonb_build_array(p_expires, p_fund, p_points)));
        update account set posted = posted - p_points, version = version - 1 where subscriber_id = p_subscriber;
    elsif owed > 0 then
        perform settle(p_subscriber, p_day, jsonb_build_array(jsonb_build_array(p_expires, p_fund, p_points)));
    end if;
end $$;
