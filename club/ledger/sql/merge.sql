-- An account that gives way to another: a subscriber's number changed, or a family pot was closed.
-- Everything it has or owes goes to the successor; its history stays where it is, and whatever
-- comes to it later (a late event, a refund, the rest of a hold) follows by a job. Open holds stay
-- with their orders: nobody has to wait for one in order to change a number.

-- All lots, those that expired but are not swept yet too, or else all arrears. False when there was
-- neither. Under the locks of both.
create function ledger.move_all(
    p_from bigint, p_to bigint, p_source smallint, p_ref text, p_day date, p_fingerprint bytea, p_reason text, p_actor text)
returns boolean
language plpgsql as $$
declare
    owed bigint;
    rest jsonb;
begin
    perform ledger.settle(p_from, p_day, ledger.all_lots(p_from));   -- so that there is one or the other
    rest := ledger.all_lots(p_from);
    select arrears into owed from ledger.account where subscriber_id = p_from;
    if rest <> '[]' then
        update ledger.account set lot_keys = '{}', lot_points = '{}' where subscriber_id = p_from;
        perform ledger.move_lots(p_from, p_to, p_source, p_ref, p_day, rest, p_fingerprint, p_reason, p_actor);
    elsif owed > 0 then
        perform ledger.move_arrears(p_from, p_to, p_source, p_ref, p_day, owed, p_fingerprint, p_reason, p_actor);
    end if;
    return rest <> '[]' or owed > 0;
end $$;

-- A debt that changes its debtor: legs of the other sign, and no lots.
create function ledger.move_arrears(
    p_from bigint, p_to bigint, p_source smallint, p_ref text, p_day date, p_points bigint, p_fingerprint bytea,
    p_reason text, p_actor text)
returns void
language plpgsql as $$
begin
    perform ledger.post_legs(p_from, p_to, p_source, p_ref, p_day, -p_points, '[]', p_fingerprint, p_reason, p_actor);
    update ledger.account set posted = posted + p_points, arrears = arrears - p_points, version = version + 1
     where subscriber_id = p_from;
    update ledger.account set posted = posted - p_points, arrears = arrears + p_points, version = version + 1
     where subscriber_id = p_to;
    perform ledger.settle(p_to, p_day, ledger.all_lots(p_to));
end $$;

-- What is promised goes along, under its own key, so that it is kept once; one whose key the
-- successor has already stays, and follows when it is kept.
create function ledger.move_promises(p_from bigint, p_to bigint) returns void
language plpgsql set plan_cache_mode = force_generic_plan as $$
begin
    update ledger.pending g set state = 4, closed_at = now()
     where g.subscriber_id = p_from and g.state = 1
       and (select 1 from ledger.pending o where o.subscriber_id = p_to and o.occurred_on = g.occurred_on
               and o.source = g.source and o.ref = g.ref) is null
       and (select 1 from ledger.posting p where p.subscriber_id = p_to and p.occurred_on = g.occurred_on
               and p.source = g.source and p.ref = g.ref) is null;
    insert into ledger.pending (subscriber_id, points, promised_at, occurred_on, expires_on, fund, source, ref, fingerprint)
    select p_to, points, promised_at, occurred_on, expires_on, fund, source, ref, fingerprint
      from ledger.pending where subscriber_id = p_from and state = 4
        on conflict do nothing;
end $$;

-- Two accounts of one person become one. The seat in a family pot goes along; a survivor who has a
-- seat elsewhere keeps that one, and the former number's share of its pot comes out first.
create function ledger.merge(
    p_from bigint, p_to bigint, p_is_known boolean, p_source smallint, p_ref text, p_day date, p_fingerprint bytea, p_actor text,
    out is_fresh boolean, out available_points bigint)
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    seat      bigint := seat_of(p_from);
    seat_kept bigint := seat_of(p_to);
    before    bigint;
    has_moved boolean;
begin
    if is_sound(1, p_ref, p_fingerprint) is not true then
        perform refuse_unsound(1, p_ref, p_fingerprint);
    elsif p_from = p_to or p_from < 1 or p_to < 1 then
        raise exception 'two different subscribers are merged' using errcode = 'LG422';
    end if;
    perform lock_accounts(array_remove(array[p_from, p_to, seat, seat_kept], null) || members_of(seat));
    if seat is distinct from seat_of(p_from) or seat_kept is distinct from seat_of(p_to) then
        raise exception 'a seat in a pot changed meanwhile: try again' using errcode = '40001';
    end if;

    select successor_id into before from successor where subscriber_id = p_from;
    is_fresh := not seen(p_from, p_source, p_ref, p_day, p_fingerprint);
    if is_fresh then
        perform refuse_merged(p_to, null);
        perform refuse_merged(p_from, p_to);
        if p_is_known is not true then
            raise exception 'nobody has the number %', p_to
                using errcode = 'LG406', detail = jsonb_build_object('subscriber_id', p_to);
        end if;
        perform change_seat(p_from, p_to, seat, seat_kept, p_day);
        perform freeze_transfers(p_to, f.frozen_until, f.reason) from ledger.freeze f where f.subscriber_id = p_from;
        perform move_promises(p_from, p_to);
        -- A statement of its own: in "move_all(…) or before is null" the planner, who may know by now
        -- that nothing was before, would make "true" of it, and move nothing.
        has_moved := move_all(p_from, p_to, p_source, p_ref, p_day, p_fingerprint, 'merge', p_actor);
        is_fresh := has_moved or before is null;
        insert into successor (subscriber_id, successor_id) values (p_from, p_to) on conflict do nothing;
    end if;
    available_points := spendable(p_to, p_day);
end $$;

-- Refuses an account that gave way to another one than p_but.
create function ledger.refuse_merged(p_subscriber bigint, p_but bigint) returns void
language plpgsql as $$
declare
    other bigint;
begin
    select successor_id into other from ledger.successor
     where subscriber_id = p_subscriber and successor_id is distinct from p_but;
    if found then
        raise exception '% was merged into % before', p_subscriber, other
            using errcode = 'LG419', detail = jsonb_build_object('subscriber_id', p_subscriber, 'successor_id', other);
    end if;
end $$;

-- Sends up to p_limit accounts' late comers after them; answers how many. Call until it is 0. Only
-- what can be moved is looked for: what a hold has set aside waits for its order.
create function ledger.follow_successors(p_day date, p_limit integer) returns integer
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    due   constant bigint[] := array(
        select s.subscriber_id from successor s join account a on a.subscriber_id = s.subscriber_id
         where a.posted <> a.held limit p_limit);
    late  record;
    moved integer := 0;
begin
    perform lock_accounts(due || array(select successor_id from successor where subscriber_id = any (due)));
    for late in
        select s.subscriber_id as whose, s.successor_id, format('late:%s:%s', s.subscriber_id, a.version) as ref,
               case when s.subscriber_id > 0 then 'merge' else 'pot_share' end as reason
          from successor s join account a on a.subscriber_id = s.subscriber_id
         where s.subscriber_id = any (due) and a.posted <> a.held
    loop
        if move_all(late.whose, late.successor_id, 0::smallint, late.ref, p_day, sha256('late'), late.reason, null) then
            moved := moved + 1;
        end if;
    end loop;
    return moved;
end $$;
