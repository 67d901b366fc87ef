-- Points that were about to expire live longer: their lots are moved to a later date, by a posting of
-- no points that says which were taken and where they went (kind 11).

create function ledger.refuse_extension(p_day date, p_from date, p_until date, p_to date) returns void
language plpgsql as $$
begin
    if (p_day <= p_until and p_from <= p_until and p_until < p_to) is not true then
        raise exception 'lots that are still good are moved to a later day' using errcode = 'LG422';
    end if;
end $$;

-- One subscriber's lots that are good and end between two days, of one fund or of all (null). Where
-- there are none, nothing is posted and the key stays free.
create function ledger.extend_lots(
    p_subscriber bigint, p_source smallint, p_ref text, p_day date, p_from date, p_until date, p_to date, p_fund integer,
    p_fingerprint bytea, p_reason text, p_actor text,
    out is_fresh boolean, out extended_points bigint)
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    taken jsonb;
    given jsonb;
begin
    if is_sound(1, p_ref, p_fingerprint) is not true then
        perform refuse_unsound(1, p_ref, p_fingerprint);
    end if;
    perform refuse_extension(p_day, p_from, p_until, p_to);
    perform from account where subscriber_id = p_subscriber for update;
    is_fresh := not seen(p_subscriber, p_source, p_ref, p_day, p_fingerprint);
    if not is_fresh then
        select lots_total(lots) into extended_points from posting
         where subscriber_id = p_subscriber and occurred_on = p_day and source = p_source and ref = p_ref;
        return;
    end if;
    select jsonb_agg(jsonb_build_array(expires_on, fund, points) order by expires_on, fund),
           jsonb_agg(jsonb_build_array(p_to, fund, points) order by expires_on, fund), coalesce(sum(points), 0)
      into taken, given, extended_points
      from lot
     where subscriber_id = p_subscriber and expires_on between greatest(p_from, p_day) and p_until
       and (p_fund is null or fund = p_fund);
    is_fresh := extended_points > 0;
    if is_fresh then
        perform take_these(p_subscriber, taken);
        perform put_lots(p_subscriber, given);
        insert into posting (subscriber_id, points, occurred_on, expires_on, source, kind, contra, ref, fingerprint,
                             lots, given, reason, actor)
        values (p_subscriber, 0, p_day, p_to, p_source, 11, 0, p_ref, p_fingerprint, taken, given, p_reason, p_actor);
        update account set version = version + 1 where subscriber_id = p_subscriber;
    end if;
end $$;

-- All lots that end on one day, of up to p_limit owners after the subscriber p_after (null: from the
-- first one on). Answers how many owners, and the last one it looked at, null when there is none
-- left: go on after that one, one transaction a call. What was moved is not there any more, so a run may
-- begin again from the first. The account's version makes each ref new, for what comes into the
-- bucket later.
create function ledger.extend_many(
    p_source smallint, p_ref text, p_day date, p_expires date, p_to date, p_fund integer, p_reason text, p_actor text,
    p_limit integer, p_after bigint default null, out owners integer, out last_subscriber bigint)
language plpgsql security definer set search_path = ledger, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
    first constant bigint := lot_key(p_expires, coalesce(p_fund, 0));
    last  constant bigint := lot_key(p_expires, coalesce(p_fund, 2147483647));
    due   bigint[];
begin
    if octet_length(p_ref) between 1 and 150 is not true then
        raise exception 'a ref for many has 1 to 150 bytes' using errcode = 'LG422';
    end if;
    perform refuse_extension(p_day, p_expires, p_expires, p_to);
    due := array(select subscriber_id from account
                  where subscriber_id > coalesce(p_after, -9223372036854775808)
                    and width_bucket(last, lot_keys) > width_bucket(first - 1, lot_keys)
                  order by subscriber_id limit p_limit);
    last_subscriber := due[cardinality(due)];
    perform lock_accounts(due);

    insert into posting (subscriber_id, points, occurred_on, expires_on, source, kind, contra, ref, fingerprint,
                         lots, given, reason, actor)
    select l.subscriber_id, 0, p_day, p_to, p_source, 11, 0, format('%s:%s', p_ref, a.version), sha256('extension'),
           jsonb_agg(jsonb_build_array(l.expires_on, l.fund, l.points) order by l.fund),
           jsonb_agg(jsonb_build_array(p_to, l.fund, l.points) order by l.fund), p_reason, p_actor
      from lot l join account a on a.subscriber_id = l.subscriber_id
     where l.subscriber_id = any (due) and l.expires_on = p_expires and (p_fund is null or l.fund = p_fund)
     group by l.subscriber_id, a.version
     order by l.subscriber_id;
    get diagnostics owners = row_count;

    update account a set lot_keys = g.keys, lot_points = g.points, version = a.version + 1
      from (select m.subscriber_id, array_agg(m.key order by m.key) as keys, array_agg(m.points order by m.key) as points
              from (select b.subscriber_id, sum(l.points)::bigint as points,
                           case when l.key between first and last then lot_key(p_to, lot_fund(l.key)) else l.key end as key
                      from account b, unnest(b.lot_keys, b.lot_points) as l (key, points)
                     where b.subscriber_id = any (due)
                     group by 1, 3) m
             group by m.subscriber_id) g
     where a.subscriber_id = g.subscriber_id and a.subscriber_id = any (due)
       and width_bucket(last, a.lot_keys) > width_bucket(first - 1, a.lot_keys);
end $$;
