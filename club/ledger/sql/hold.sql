-- Holds: points set aside for an order whose outcome is not known yet. Placing one takes the lots at
-- once, so that neither expiry nor a clawback can eat what was promised to the order; capturing it
-- is then a posting only. The state decides, not the clock: a hold nobody swept is still good.

create function ledger.hold_points(
    p_subscriber bigint, p_hold uuid, p_day date, p_points bigint, p_fund integer, p_until timestamptz, p_fingerprint bytea,
    out is_fresh boolean, out available_points bigint)
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    a      record;
    d      record;
    before bytea;
begin
    if is_sound(p_points, 'hold', p_fingerprint) is not true then
        perform refuse_unsound(p_points, 'hold', p_fingerprint);
    end if;

    select lot_keys, lot_points, posted, held into a from account where subscriber_id = p_subscriber for update;
    if not found then
        perform refuse_short(p_subscriber, p_day, p_points, p_fund);
    end if;
    d := case when p_fund is null then draw(a.lot_keys, a.lot_points, p_points, p_day)
         else draw_of_fund(a.lot_keys, a.lot_points, p_points, p_day, p_fund) end;
    available_points := a.posted - a.held - over_points(a.lot_keys, a.lot_points, p_day) - p_points;
    is_fresh := false;
    if d.drawn_points = p_points and available_points >= 0 then
        insert into hold (subscriber_id, hold_id, points, expires_at, fingerprint, lots)
        values (p_subscriber, p_hold, p_points, p_until, p_fingerprint, d.taken)
            on conflict do nothing;
        is_fresh := found;
    end if;

    if is_fresh then
        update account
           set lot_keys = d.keys, lot_points = d.points,
               held = held + p_points, version = version + 1, active_on = greatest(active_on, p_day)
         where subscriber_id = p_subscriber;
        return;
    end if;
    select fingerprint into before from hold where subscriber_id = p_subscriber and hold_id = p_hold;
    if not found then
        perform refuse_short(p_subscriber, p_day, p_points, p_fund);
    elsif before <> p_fingerprint then
        raise exception 'the hold % was placed with other content', p_hold
            using errcode = 'LG409', detail = jsonb_build_object('key', p_hold);
    end if;
    available_points := spendable(p_subscriber, p_day);
end $$;

-- Closes a hold: captures p_points of it (null = all), or releases it (0); the rest goes back to its
-- buckets. What a hold has set aside never changes, so it is read before the account is locked, and
-- the account is written by the statement that locks it. Whether the hold is still open shows after
-- that: if not, what was written a moment ago is taken back, and nobody saw it.
create function ledger.close_hold(
    p_subscriber bigint, p_hold uuid, p_day date, p_points bigint default null, p_grace date default null,
    out is_fresh boolean, out available_points bigint)
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    a     record;
    h     record;
    spent bigint;
    back  jsonb;
begin
    select points, captured, state, fingerprint, lots into h from hold where subscriber_id = p_subscriber and hold_id = p_hold;
    if not found then
        raise exception 'there is no hold %', p_hold using errcode = 'LG405', detail = jsonb_build_object('hold_id', p_hold);
    end if;
    spent := coalesce(p_points, h.points);
    if spent not between 0 and h.points then
        raise exception 'the hold % has % points, not %', p_hold, h.points, spent
            using errcode = 'LG426', detail = jsonb_build_object('left_points', h.points, 'asked_points', spent);
    end if;
    if spent < h.points then
        back := returned_lots(cut_lots(h.lots, spent, h.points), p_day, p_grace);
    end if;

    is_fresh := false;
    if h.state = 1 then
        update account set posted = posted - spent, held = held - h.points, version = version + 1
         where subscriber_id = p_subscriber and held >= h.points
        returning posted, held, arrears, lot_keys, lot_points into a;
        if found then
            update hold
               set state = case when spent > 0 then 2 else 3 end, captured = spent, given_back = back, closed_at = now()
             where subscriber_id = p_subscriber and hold_id = p_hold and state = 1;
            is_fresh := found;
            if not is_fresh then
                update account set posted = posted + spent, held = held + h.points, version = version - 1
                 where subscriber_id = p_subscriber;
            end if;
        end if;
    end if;
    if not is_fresh then
        perform refuse_closed_otherwise(p_subscriber, p_hold, spent);
        available_points := spendable(p_subscriber, p_day);
        return;
    end if;

    if spent > 0 then
        insert into posting (subscriber_id, points, occurred_on, source, kind, contra, ref, fingerprint, lots)
        values (p_subscriber, -spent, p_day, 0, 7, 20, 'hold:' || p_hold, h.fingerprint,
                case when back is null then h.lots else cut_lots(h.lots, 0, spent) end);
    end if;
    if back is null then
        available_points := greatest(a.posted - a.held - over_points(a.lot_keys, a.lot_points, p_day), 0);
        return;
    end if;
    perform put_lots(p_subscriber, back);
    if a.arrears > 0 then
        perform settle(p_subscriber, p_day, back);
    end if;
    available_points := spendable(p_subscriber, p_day);
end $$;

-- A hold that is closed may be closed again in the same way, which changes nothing.
create function ledger.refuse_closed_otherwise(p_subscriber bigint, p_hold uuid, p_spent bigint) returns void
language plpgsql as $$
declare
    before bigint;
begin
    select captured into before from ledger.hold where subscriber_id = p_subscriber and hold_id = p_hold;
    if before <> p_spent then
        raise exception 'the hold % is closed, % points of it captured', p_hold, before
            using errcode = 'LG410', detail = jsonb_build_object('hold_id', p_hold, 'captured_points', before);
    end if;
end $$;

-- An order whose outcome is unknown keeps its points: it extends its hold before the sweep below
-- would release it. Never shortens, so a pinned one stays pinned; false when the hold is not open.
create function ledger.extend_hold(p_subscriber bigint, p_hold uuid, p_until timestamptz) returns boolean
language plpgsql security definer set search_path = ledger, pg_temp as $$
begin
    perform from account where subscriber_id = p_subscriber for update;
    update hold set expires_at = case when expires_at is not null then greatest(expires_at, p_until) end
     where subscriber_id = p_subscriber and hold_id = p_hold and state = 1;
    return found;
end $$;

-- The backstop: releases up to p_limit holds whose time is up; answers how many. What was closed or
-- extended meanwhile is found so under the locks, and left alone.
create function ledger.release_expired_holds(p_now timestamptz, p_day date, p_limit integer) returns integer
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    due  record;
    back record;
begin
    select array_agg(subscriber_id) as s, array_agg(hold_id) as h into due
      from (select subscriber_id, hold_id from hold
             where closed_at is null and expires_at <= p_now order by expires_at limit p_limit) d;
    perform lock_accounts(due.s);

    select array_agg(h.subscriber_id) as s, array_agg(h.hold_id) as h, array_agg(returned_lots(h.lots, p_day, null)) as lots,
           count(*) as n
      into due
      from unnest(due.s, due.h) v (s, h) join hold h on h.subscriber_id = v.s and h.hold_id = v.h
     where h.state = 1 and h.expires_at <= p_now;
    update hold h set state = 3, captured = 0, given_back = v.lots, closed_at = now()
      from unnest(due.s, due.h, due.lots) v (s, h, lots)
     where h.subscriber_id = v.s and h.hold_id = v.h;

    -- A statement writes a row once, so whoever gets back into several buckets has as many turns.
    for back in
        select array_agg(s) as s, array_agg(key) as keys, array_agg(n) as points
          from (select s, key, n, row_number() over (partition by s order by key) as turn
                  from (select v.s, lot_key((x ->> 0)::date, (x ->> 1)::integer) as key, sum((x ->> 2)::bigint)::bigint as n
                          from unnest(due.s, due.lots) v (s, lots), jsonb_array_elements(v.lots) x
                         group by 1, 2) k) g
         group by turn order by turn
    loop
        update account a
           set lot_keys = keys_with(a.lot_keys, v.key), lot_points = points_with(a.lot_keys, a.lot_points, v.key, v.n),
               held = a.held - v.n, version = a.version + 1
          from unnest(back.s, back.keys, back.points) v (s, key, n)
         where a.subscriber_id = v.s;
    end loop;

    perform settle(a.subscriber_id, p_day, (
                select jsonb_agg(x order by x)
                  from unnest(due.s, due.lots) v (s, lots), jsonb_array_elements(v.lots) x
                 where v.s = a.subscriber_id))
       from account a where a.subscriber_id = any (due.s) and a.arrears > 0;
    return due.n;
end $$;
