-- Family pots: members pay in, the owner or all of them spend, and whoever leaves takes their part.
-- The pot's points are an account like any other, with an id below zero: its lots expire, its holds
-- are captured and released, its purchases are reversed by the same verbs.
--
-- Whose are they? Each member has a stake. Paying in adds to it; what is spent or expires shrinks all
-- stakes alike, what comes back grows them alike. Whole points, rounded down; what rounding leaves is
-- the owner's. Points on hold count as spent until they come back.
--
-- Locks: the pot first (the lowest id), then its people. Seats, stakes and the pot itself change
-- under the pot's lock alone, so whoever has it sees them standing still.

-- The pot somebody is in, or null.
create function ledger.seat_of(p_subscriber bigint) returns bigint
language plpgsql stable as $$
begin
    return (select pot_id from ledger.pot_member where subscriber_id = p_subscriber and left_at is null);
end $$;

create function ledger.members_of(p_pot bigint) returns bigint[]
language plpgsql stable as $$
begin
    return array(select subscriber_id from ledger.pot_member where pot_id = p_pot and left_at is null order by subscriber_id);
end $$;

create function ledger.refuse_outsider(p_pot bigint, p_subscriber bigint) returns void
language plpgsql as $$
begin
    raise exception '% may not do this in the pot %', p_subscriber, p_pot
        using errcode = 'LG412', detail = jsonb_build_object('pot_id', p_pot, 'subscriber_id', p_subscriber);
end $$;

create function ledger.refuse_seated(p_subscriber bigint, p_pot bigint) returns void
language plpgsql as $$
begin
    if ledger.seat_of(p_subscriber) <> p_pot then
        raise exception '% is in another pot', p_subscriber
            using errcode = 'LG420', detail = jsonb_build_object('pot_id', ledger.seat_of(p_subscriber));
    end if;
end $$;

-- Who owns the open pot, and who spends from it. Raises LG407.
create function ledger.open_pot_of(p_pot bigint, out owner_id bigint, out spent_by smallint)
language plpgsql stable as $$
begin
    select p.owner_id, p.spent_by into owner_id, spent_by from ledger.pot p where p.pot_id = p_pot and p.closed_at is null;
    if not found then
        raise exception 'there is no open pot %', p_pot using errcode = 'LG407', detail = jsonb_build_object('pot_id', p_pot);
    end if;
end $$;

-- False when it is open already. p_pot is the key: made from the client's own, never given twice.
create function ledger.open_pot(p_pot bigint, p_owner bigint, p_spent_by smallint) returns boolean
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    before record;
begin
    if p_pot >= 0 or p_owner < 1 or p_spent_by not in (1, 2) then
        raise exception 'a pot has an id below zero, an owner, and spenders' using errcode = 'LG422';
    end if;
    perform lock_accounts(array[p_pot, p_owner]);
    select owner_id, spent_by into before from pot where pot_id = p_pot;
    if found then
        if before.owner_id <> p_owner or before.spent_by <> p_spent_by then
            raise exception 'the pot % was opened with other content', p_pot
                using errcode = 'LG409', detail = jsonb_build_object('key', p_pot);
        end if;
        return false;
    end if;
    perform refuse_seated(p_owner, p_pot);
    insert into pot (pot_id, owner_id, spent_by) values (p_pot, p_owner, p_spent_by);
    insert into pot_member (subscriber_id, pot_id) values (p_owner, p_pot);
    return true;
end $$;

-- The owner's word that somebody may join until p_until; an open invitation has its seat kept.
create function ledger.invite_to_pot(
    p_pot bigint, p_by bigint, p_subscriber bigint, p_is_known boolean, p_now timestamptz, p_until timestamptz, p_members_max integer)
returns void
language plpgsql security definer set search_path = ledger, pg_temp as $$
begin
    perform lock_accounts(array[p_pot]);
    if (select o.owner_id from open_pot_of(p_pot) o) <> p_by then
        perform refuse_outsider(p_pot, p_by);
    elsif p_is_known is not true then
        raise exception 'nobody has the number %', p_subscriber
            using errcode = 'LG406', detail = jsonb_build_object('subscriber_id', p_subscriber);
    elsif seat_of(p_subscriber) = p_pot then
        return;
    end if;
    delete from pot_invitation where pot_id = p_pot and (valid_until <= p_now or subscriber_id = p_subscriber);
    if cardinality(members_of(p_pot)) + (select count(*) from pot_invitation where pot_id = p_pot) >= p_members_max then
        raise exception 'a pot has % members at most', p_members_max
            using errcode = 'LG427', detail = jsonb_build_object('limit', p_members_max);
    end if;
    insert into pot_invitation (subscriber_id, pot_id, valid_until) values (p_subscriber, p_pot, p_until);
end $$;

-- False when they are in it already.
create function ledger.join_pot(p_pot bigint, p_subscriber bigint, p_now timestamptz) returns boolean
language plpgsql security definer set search_path = ledger, pg_temp as $$
begin
    perform lock_accounts(array[p_pot, p_subscriber]);
    perform open_pot_of(p_pot);
    perform refuse_seated(p_subscriber, p_pot);
    if seat_of(p_subscriber) = p_pot then
        return false;
    end if;
    delete from pot_invitation where subscriber_id = p_subscriber and pot_id = p_pot and valid_until > p_now;
    if not found then
        perform refuse_outsider(p_pot, p_subscriber);
    end if;
    insert into pot_member (subscriber_id, pot_id) values (p_subscriber, p_pot)
        on conflict (subscriber_id, pot_id) do update set left_at = null, joined_at = now();
    return true;
end $$;

-- Makes the stakes add up to what the pot is worth on p_day.
create function ledger.value_stakes(p_pot bigint, p_day date) returns void
language plpgsql as $$
declare
    worth constant bigint := ledger.spendable(p_pot, p_day);
    whole numeric;
begin
    select coalesce(sum(stake), 0) into whole from ledger.pot_member where pot_id = p_pot and left_at is null;
    if whole <> worth then
        update ledger.pot_member set stake = case when whole = 0 then 0 else div(worth * stake::numeric, whole) end
         where pot_id = p_pot and left_at is null;
        update ledger.pot_member
           set stake = stake + worth - (select sum(stake) from ledger.pot_member where pot_id = p_pot and left_at is null)
         where pot_id = p_pot and subscriber_id = (select o.owner_id from ledger.open_pot_of(p_pot) o);
    end if;
end $$;

-- Paying in is sending: frozen members may not, and it counts against their limits.
create function ledger.pay_into_pot(
    p_pot bigint, p_subscriber bigint, p_source smallint, p_ref text, p_day date, p_now timestamptz,
    p_points bigint, p_fee bigint, p_day_points_max bigint, p_day_times_max integer, p_month_points_max bigint,
    p_month_times_max integer, p_min_age_days integer, p_fingerprint bytea,
    out is_fresh boolean, out available_points bigint)
language plpgsql security definer set search_path = ledger, pg_temp as $$
begin
    if is_sound(p_points, p_ref, p_fingerprint) is not true then
        perform refuse_unsound(p_points, p_ref, p_fingerprint);
    end if;
    perform lock_accounts(array[p_pot, p_subscriber]);
    is_fresh := not seen(p_subscriber, p_source, p_ref, p_day, p_fingerprint);
    if is_fresh then
        perform open_pot_of(p_pot);
        if seat_of(p_subscriber) is distinct from p_pot then
            perform refuse_outsider(p_pot, p_subscriber);
        end if;
        perform refuse_sending(p_subscriber, p_day, p_now, p_points, p_fee, p_day_points_max, p_day_times_max,
                               p_month_points_max, p_month_times_max, p_min_age_days);
        perform value_stakes(p_pot, p_day);
        perform move_lots(p_subscriber, p_pot, p_source, p_ref, p_day, take_lots(p_subscriber, p_points, p_day),
                          p_fingerprint, 'pot');
        update pot_member set stake = stake + p_points where subscriber_id = p_subscriber and pot_id = p_pot;
        perform charge_fee(p_subscriber, p_pot, p_source, p_ref, p_day, p_fee, p_fingerprint);
    end if;
    available_points := spendable(p_subscriber, p_day);
end $$;

-- A pot's points are the family's: whoever is frozen leaves them alone, though their own are free.
create function ledger.refuse_spender(p_pot bigint, p_by bigint, p_now timestamptz) returns void
language plpgsql as $$
declare
    p record;
begin
    select o.owner_id, o.spent_by into p from ledger.open_pot_of(p_pot) o;
    if ledger.seat_of(p_by) is distinct from p_pot or (p.spent_by = 1 and p.owner_id <> p_by) then
        perform ledger.refuse_outsider(p_pot, p_by);
    end if;
    perform ledger.refuse_frozen(p_by, p_now);
end $$;

-- As spend(), and the posting says who it was.
create function ledger.spend_from_pot(
    p_pot bigint, p_by bigint, p_source smallint, p_ref text, p_day date, p_now timestamptz, p_points bigint, p_fingerprint bytea,
    out is_fresh boolean, out available_points bigint)
language plpgsql security definer set search_path = ledger, pg_temp as $$
begin
    if is_sound(p_points, p_ref, p_fingerprint) is not true then
        perform refuse_unsound(p_points, p_ref, p_fingerprint);
    end if;
    perform lock_accounts(array[p_pot]);
    is_fresh := not seen(p_pot, p_source, p_ref, p_day, p_fingerprint);
    if is_fresh then
        perform refuse_spender(p_pot, p_by, p_now);
        if spendable(p_pot, p_day) < p_points then
            perform refuse_short(p_pot, p_day, p_points);
        end if;
        insert into posting (subscriber_id, counterparty_id, points, occurred_on, source, kind, contra, ref, fingerprint, lots)
        values (p_pot, p_by, -p_points, p_day, p_source, 2, 20, p_ref, p_fingerprint, take_lots(p_pot, p_points, p_day));
        update account set posted = posted - p_points, version = version + 1, active_on = greatest(active_on, p_day)
         where subscriber_id = p_pot;
    end if;
    available_points := spendable(p_pot, p_day);
end $$;

-- As hold_points(), which knows a replay by itself; the order behind it knows who it was.
create function ledger.hold_from_pot(
    p_pot bigint, p_by bigint, p_hold uuid, p_day date, p_now timestamptz, p_points bigint, p_until timestamptz, p_fingerprint bytea,
    out is_fresh boolean, out available_points bigint)
language plpgsql security definer set search_path = ledger, pg_temp as $$
begin
    perform lock_accounts(array[p_pot]);
    perform from hold where subscriber_id = p_pot and hold_id = p_hold;
    if not found then
        perform refuse_spender(p_pot, p_by, p_now);
    end if;
    select h.is_fresh, h.available_points into is_fresh, available_points
      from hold_points(p_pot, p_hold, p_day, p_points, null, p_until, p_fingerprint) h;
end $$;

-- p_part of p_whole of these lots: of each bucket alike, so that nobody is left with the dates that
-- end soonest; rounded down once, over all of them together. Pure.
create function ledger.share_lots(p_lots jsonb, p_part bigint, p_whole numeric) returns jsonb
language sql immutable as $$
    select coalesce(jsonb_agg(jsonb_build_array(x -> 0, x -> 1, n) order by i) filter (where n > 0), '[]')
      from (select x, i, div(upto * p_part, nullif(p_whole, 0)) - div((upto - (x ->> 2)::numeric) * p_part, nullif(p_whole, 0)) as n
              from (select x, i, sum((x ->> 2)::numeric) over (order by i) as upto
                      from jsonb_array_elements(p_lots) with ordinality as e (x, i)) s) t
$$;

-- Ends a seat: the member's part of what is free in the pot goes home.
create function ledger.give_share(p_pot bigint, p_subscriber bigint, p_day date) returns void
language plpgsql as $$
declare
    whole numeric;
    part  bigint;
    free  jsonb;
    share jsonb;
begin
    perform ledger.value_stakes(p_pot, p_day);
    select sum(stake), sum(stake) filter (where subscriber_id = p_subscriber) into whole, part
      from ledger.pot_member where pot_id = p_pot and left_at is null;
    select coalesce(jsonb_agg(jsonb_build_array(expires_on, fund, points) order by expires_on, fund), '[]') into free
      from ledger.lot where subscriber_id = p_pot and expires_on >= p_day;
    share := ledger.share_lots(ledger.cut_lots(free, 0, ledger.spendable(p_pot, p_day)), part, whole);
    if share <> '[]' then
        share := ledger.take_these(p_pot, share);
        perform ledger.move_lots(p_pot, p_subscriber, 0::smallint, format('pot:%s:%s', p_pot, a.version), p_day, share,
                                 sha256('pot_share'), 'pot_share')
           from ledger.account a where a.subscriber_id = p_pot;
    end if;
    update ledger.pot_member set stake = 0, left_at = now() where subscriber_id = p_subscriber and pot_id = p_pot;
end $$;

-- Everybody's part goes home and the rest is the owner's, as is what may still come back later.
-- Under the locks of the pot and all its members.
create function ledger.shut_pot(p_pot bigint, p_owner bigint, p_day date) returns void
language plpgsql as $$
declare
    on_hold bigint;
begin
    select held into on_hold from ledger.account where subscriber_id = p_pot and held > 0;
    if found then                                 -- or the owner could keep it from the others
        raise exception '% points of the pot are on hold', on_hold
            using errcode = 'LG418', detail = jsonb_build_object('held_points', on_hold);
    end if;
    perform ledger.give_share(p_pot, m, p_day) from unnest(ledger.members_of(p_pot)) m where m <> p_owner;
    perform ledger.move_all(p_pot, p_owner, 0::smallint, format('pot:%s:%s', p_pot, a.version), p_day,
                            sha256('pot_share'), 'pot_share', null)
       from ledger.account a where a.subscriber_id = p_pot;
    update ledger.pot_member set stake = 0, left_at = now() where pot_id = p_pot and subscriber_id = p_owner;
    delete from ledger.pot_invitation where pot_id = p_pot;
    update ledger.pot set closed_at = now() where pot_id = p_pot;
    insert into ledger.successor (subscriber_id, successor_id) values (p_pot, p_owner);
end $$;

-- False when it was closed before.
create function ledger.close_pot(p_pot bigint, p_by bigint, p_day date) returns boolean
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    p record;
begin
    perform lock_accounts(array[p_pot]);
    select owner_id, closed_at into p from pot where pot_id = p_pot;
    if not found then
        raise exception 'there is no pot %', p_pot using errcode = 'LG407', detail = jsonb_build_object('pot_id', p_pot);
    elsif p.owner_id <> p_by then
        perform refuse_outsider(p_pot, p_by);
    elsif p.closed_at is null then
        perform lock_accounts(members_of(p_pot));
        perform shut_pot(p_pot, p_by, p_day);
    end if;
    return p.closed_at is null;
end $$;

-- By the member, or by the owner who sends them away. An owner who leaves closes the pot.
create function ledger.leave_pot(
    p_pot bigint, p_subscriber bigint, p_by bigint, p_day date, out is_fresh boolean, out available_points bigint)
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    owner bigint;
begin
    perform lock_accounts(array[p_pot]);
    select owner_id into owner from pot where pot_id = p_pot;
    if not found then
        raise exception 'there is no pot %', p_pot using errcode = 'LG407', detail = jsonb_build_object('pot_id', p_pot);
    elsif p_by not in (p_subscriber, owner) then
        perform refuse_outsider(p_pot, p_by);
    elsif p_subscriber = owner then
        is_fresh := close_pot(p_pot, owner, p_day);
    else
        perform lock_accounts(array[p_subscriber]);
        perform from pot_member where subscriber_id = p_subscriber and pot_id = p_pot;
        if not found then
            perform refuse_outsider(p_pot, p_subscriber);
        end if;
        is_fresh := seat_of(p_subscriber) is not distinct from p_pot;
        if is_fresh then
            perform give_share(p_pot, p_subscriber, p_day);
        end if;
    end if;
    available_points := spendable(p_subscriber, p_day);
end $$;

-- The seat of a number that changed goes to the new one; where that sits elsewhere, the share comes
-- out. Under the locks of both, their pots and the pot's members.
create function ledger.change_seat(p_from bigint, p_to bigint, p_seat bigint, p_seat_kept bigint, p_day date) returns void
language plpgsql as $$
declare
    owner constant bigint := (select owner_id from ledger.pot where pot_id = p_seat);
begin
    if p_seat is null then
        return;
    elsif p_seat_kept is null or p_seat_kept = p_seat then
        insert into ledger.pot_member as m (subscriber_id, pot_id, stake)
        select p_to, p_seat, stake from ledger.pot_member where subscriber_id = p_from and pot_id = p_seat
            on conflict (subscriber_id, pot_id) do update set stake = m.stake + excluded.stake, left_at = null;
        update ledger.pot_member set stake = 0, left_at = now() where subscriber_id = p_from and pot_id = p_seat;
        update ledger.pot set owner_id = p_to where pot_id = p_seat and owner_id = p_from;
    elsif owner = p_from then
        perform ledger.shut_pot(p_seat, p_from, p_day);
    else
        perform ledger.give_share(p_seat, p_from, p_day);
    end if;
end $$;
