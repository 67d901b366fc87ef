-- Undoing is arithmetic, not an edit: a posting that names the one it reverses, wholly or in part, as
-- often as it takes until nothing is left of it.
--   a debit (spend, capture, expiry): the points go back to the very buckets they came from, last
--     taken first, as if less had been spent
--   a credit (accrual, adjustment): clawed back from its own bucket, then the others, first to expire
--     first; what is missing becomes arrears. What an open hold has set aside is not touched.
-- The programme account is the original's, so its total nets out. A reversal is not reversed.
create function ledger.reverse_posting(
    p_subscriber bigint, p_source smallint, p_ref text, p_day date,
    p_of_source smallint, p_of_ref text, p_of_day date, p_points bigint, p_fingerprint bytea,
    p_grace date default null,
    out is_fresh boolean, out available_points bigint)
language plpgsql security definer set search_path = ledger, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
    owed  bigint;
    o     record;                                 -- the original
    gone  bigint;                                 -- what of it is reversed already
    n     bigint;
    own   bigint := 0;
    short bigint := 0;
    moved jsonb;
begin
    if is_sound(coalesce(p_points, 1), p_ref, p_fingerprint) is not true then
        perform refuse_unsound(coalesce(p_points, 1), p_ref, p_fingerprint);
    elsif p_day < p_of_day then
        raise exception 'a reversal is not dated before its original' using errcode = 'LG422';
    end if;
    select arrears into owed from account where subscriber_id = p_subscriber for update;
    is_fresh := not seen(p_subscriber, p_source, p_ref, p_day, p_fingerprint);
    if not is_fresh then
        available_points := spendable(p_subscriber, p_day);
        return;
    end if;
    select points, kind, contra, expires_on, fund, lots into o from posting
     where subscriber_id = p_subscriber and occurred_on = p_of_day and source = p_of_source and ref = p_of_ref;
    if not found then                             -- it came before its original
        raise exception 'there is nothing to reverse: %/%/%', p_of_source, p_of_ref, p_of_day
            using errcode = 'LG404', detail = jsonb_build_object('key', p_of_ref);
    elsif o.kind in (4, 5, 8, 9, 10, 11) then     -- a transfer has two legs: reverse_transfer
        raise exception 'a posting of kind % is not reversed', o.kind
            using errcode = 'LG425', detail = jsonb_build_object('kind', o.kind);
    end if;
    -- No index for this: the subscriber's own postings since then, by the key's first columns.
    select coalesce(sum(abs(points)), 0) into gone from posting
     where subscriber_id = p_subscriber and occurred_on >= p_of_day
       and reverses_ref = p_of_ref and reverses_source = p_of_source and reverses_on = p_of_day;
    n := coalesce(p_points, abs(o.points) - gone);
    if n < 1 or gone + n > abs(o.points) then
        raise exception '% of % points are left to reverse', abs(o.points) - gone, abs(o.points)
            using errcode = 'LG426', detail = jsonb_build_object('left_points', abs(o.points) - gone, 'asked_points', n);
    end if;

    if o.points < 0 then
        moved := give_back(p_subscriber, cut_lots(o.lots, -o.points - gone - n, -o.points - gone), p_day, p_grace);
    else
        select least(points, n) into own from lot
         where subscriber_id = p_subscriber and expires_on = o.expires_on and fund = o.fund;
        own := coalesce(own, 0);
        update lot set points = points - own
         where subscriber_id = p_subscriber and expires_on = o.expires_on and fund = o.fund and own > 0;
        moved := cut_lots(jsonb_build_array(jsonb_build_array(o.expires_on, o.fund, own)), 0, own)
              || take_lots(p_subscriber, n - own, '-infinity');
        short := n - lots_total(moved);
    end if;

    insert into posting (subscriber_id, points, occurred_on, fund, source, kind, contra, ref, fingerprint, lots,
                         reverses_source, reverses_ref, reverses_on)
    values (p_subscriber, case when o.points < 0 then n else -n end, p_day, o.fund, p_source,
            case when o.points < 0 then 4 else 5 end, o.contra, p_ref, p_fingerprint, moved,
            p_of_source, p_of_ref, p_of_day);
    update account
       set posted = posted + case when o.points < 0 then n else -n end, arrears = arrears + short, version = version + 1
     where subscriber_id = p_subscriber;
    if o.points < 0 and owed > 0 then
        perform settle(p_subscriber, p_day);
    end if;
    available_points := spendable(p_subscriber, p_day);
end $$;
