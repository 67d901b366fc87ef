-- Holds: points set aside for an order whose outcome is not known yet. Placing one takes the lots at
-- once, so that neither expiry nor a clawback can eat what was promised to the order; capturing it
-- is then a posting only. The state decides, not the clock: a hold nobody swept is still good.

create function ledger.hold_points(
    p_subscriber bigint, p_hold uuid, p_day date, p_points bigint, p_fund integer, p_until timestamptz, p_fingerprint bytea,
    out is_fresh boolean, out available_points bigint)
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    owed   bigint;                                -- null: the balance is too low, nothing was set aside
    taken  jsonb;
    before bytea;
begin
    if is_sound(p_points, 'hold', p_fingerprint) is not true then
        perform refuse_unsound(p_points, 'hold', p_fingerprint);
    end if;

    update account set held = held + p_points, version = version + 1, active_on = greatest(active_on, p_day)
     where subscriber_id = p_subscriber and posted - held >= p_points
    returning arrears into owed;
    if owed is not null then
        select d.taken, d.available_points into taken, available_points
          from draw(p_subscriber, p_points, p_day, p_fund, owed) d;
    end if;
    is_fresh := false;
    if taken is not null then
        insert into hold (subscriber_id, hold_id, points, expires_at, fingerprint, lots)
        values (p_subscriber, p_hold, p_points, p_until, p_fingerprint, taken)
            on conflict do nothing;
        is_fresh := found;
    end if;

    if not is_fresh then                          -- a replay, or refused
        select fingerprint into before from hold where subscriber_id = p_subscriber and hold_id = p_hold;
        if not found then
            perform refuse_short(p_subscriber, p_day, p_points, p_fund);
        elsif before <> p_fingerprint then
            raise exception 'the hold % was placed with other content', p_hold
                using errcode = 'LG409', detail = jsonb_build_object('key', p_hold);
        end if;
        if taken is not null then
            perform put_lots(p_subscriber, taken);
        end if;
        if owed is not null then
            update account set held = held - p_points, version = version - 1 where subscriber_id = p_subscriber;
        end if;
        available_points := spendable(p_subscriber, p_day);
    end if;
end $$;

-- Closes a hold: p_points of it are spent (null = all, 0 = none), the rest goes back to its buckets.
create function ledger.close_hold(
    p_subscriber bigint, p_hold uuid, p_day date, p_points bigint, p_grace date,
    out is_fresh boolean, out available_points bigint)
language plpgsql as $$
declare
    owed  bigint;
    h     record;
    spent bigint;
    back  jsonb;
begin
    select arrears into owed from ledger.account where subscriber_id = p_subscriber for update;
    select points, captured, state, fingerprint, lots into h from ledger.hold
     where subscriber_id = p_subscriber and hold_id = p_hold;
    if not found then
        raise exception 'there is no hold %', p_hold using errcode = 'LG405', detail = jsonb_build_object('hold_id', p_hold);
    end if;
    spent := coalesce(p_points, h.points);
    if spent not between 0 and h.points then
        raise exception 'the hold % has % points, not %', p_hold, h.points, spent
            using errcode = 'LG426', detail = jsonb_build_object('left_points', h.points, 'asked_points', spent);
    end if;
    is_fresh := h.state = 1;
    if not is_fresh then
        if h.captured <> spent then
            raise exception 'the hold % is closed, % points of it captured', p_hold, h.captured
                using errcode = 'LG410', detail = jsonb_build_object('hold_id', p_hold, 'captured_points', h.captured);
        end if;
        available_points := ledger.spendable(p_subscriber, p_day);
        return;
    end if;

    if spent < h.points then
        back := ledger.give_back(p_subscriber, ledger.cut_lots(h.lots, spent, h.points), p_day, p_grace);
    end if;
    update ledger.hold
       set state = case when spent > 0 then 2 else 3 end, captured = spent, given_back = back, closed_at = now()
     where subscriber_id = p_subscriber and hold_id = p_hold;
    if spent > 0 then
        insert into ledger.posting (subscriber_id, points, occurred_on, source, kind, contra, ref, fingerprint, lots)
        values (p_subscriber, -spent, p_day, 0, 7, 20, 'hold:' || p_hold, h.fingerprint,
                case when spent = h.points then h.lots else ledger.cut_lots(h.lots, 0, spent) end);
    end if;
    update ledger.account set posted = posted - spent, held = held - h.points, version = version + 1
     where subscriber_id = p_subscriber;
    if owed > 0 and back is not null then
        perform ledger.settle(p_subscriber, p_day, back);
    end if;
    available_points := ledger.spendable(p_subscriber, p_day);
end $$;

create function ledger.capture(
    p_subscriber bigint, p_hold uuid, p_day date, p_points bigint default null, p_grace date default null,
    out is_fresh boolean, out available_points bigint)
language plpgsql security definer set search_path = ledger, pg_temp as $$
begin
    if p_points < 1 then
        raise exception 'a capture takes at least one point; release gives all back' using errcode = 'LG423';
    end if;
    select c.is_fresh, c.available_points into is_fresh, available_points
      from close_hold(p_subscriber, p_hold, p_day, p_points, p_grace) c;
end $$;

create function ledger.release(
    p_subscriber bigint, p_hold uuid, p_day date, p_grace date default null,
    out is_fresh boolean, out available_points bigint)
language plpgsql security definer set search_path = ledger, pg_temp as $$
begin
    select c.is_fresh, c.available_points into is_fresh, available_points
      from close_hold(p_subscriber, p_hold, p_day, 0, p_grace) c;
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

-- The backstop: releases up to p_limit holds whose time is up, in the order of the locks. A hold
-- that was closed or extended meanwhile is found so under its lock, and left alone.
create function ledger.release_expired_holds(p_now timestamptz, p_day date, p_limit integer) returns integer
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    due record;
    n   integer := 0;
begin
    for due in
        select d.subscriber_id, d.hold_id
          from (select subscriber_id, hold_id from hold
                 where state = 1 and expires_at <= p_now order by expires_at limit p_limit) d
         order by d.subscriber_id, d.hold_id
    loop
        perform from account where subscriber_id = due.subscriber_id for update;
        perform from hold
         where subscriber_id = due.subscriber_id and hold_id = due.hold_id and state = 1 and expires_at <= p_now;
        if found then
            perform close_hold(due.subscriber_id, due.hold_id, p_day, 0, null);
            n := n + 1;
        end if;
    end loop;
    return n;
end $$;
