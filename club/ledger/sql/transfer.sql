-- Points from one account to another: with their dates and funds, first to expire first, so that a
-- gift makes no point younger. Both accounts are locked in one ascending pass before anything is
-- looked at: A to B and B to A at the same moment wait for each other and never deadlock.
--
-- The programme's account 40 takes from one leg what it gives to the other, so it stands at zero
-- after every transfer. A fee goes to account 60, and to nobody.

-- The receiver's leg has a key made from the sender's: whose ref it is, is for the sender to say, and
-- two senders may well say the same.
create function ledger.leg_ref(p_from bigint, p_source smallint, p_ref text) returns text
language sql immutable as $$
    select format('from:%s:%s:%s', p_from, p_source, p_ref)
$$;

-- Books lots that were taken from one account into another; whoever owes pays first, with the very
-- points that came. Every verb that moves points between accounts ends here, under the locks of both.
create function ledger.move_lots(
    p_from bigint, p_to bigint, p_source smallint, p_ref text, p_day date, p_lots jsonb, p_fingerprint bytea,
    p_reason text, p_actor text default null) returns void
language plpgsql as $$
declare
    n    bigint := ledger.lots_total(p_lots);
    owed bigint;
begin
    perform ledger.post_legs(p_from, p_to, p_source, p_ref, p_day, n, p_lots, p_fingerprint, p_reason, p_actor);
    perform ledger.put_lots(p_to, p_lots);
    update ledger.account
       set posted = posted - n, version = version + 1, active_on = greatest(active_on, p_day)
     where subscriber_id = p_from;
    update ledger.account
       set posted = posted + n, version = version + 1, active_on = greatest(active_on, p_day)
     where subscriber_id = p_to
    returning arrears into owed;
    if owed > 0 then
        perform ledger.settle(p_to, p_day, p_lots);
    end if;
end $$;

create function ledger.post_legs(
    p_from bigint, p_to bigint, p_source smallint, p_ref text, p_day date, p_points bigint, p_lots jsonb, p_fingerprint bytea,
    p_reason text, p_actor text) returns void
language plpgsql as $$
begin
    insert into ledger.posting (subscriber_id, counterparty_id, points, kind, occurred_on, source, contra, ref,
                                fingerprint, lots, reason, actor)
    values (p_from, p_to, -p_points, 9, p_day, p_source, 40, p_ref, p_fingerprint, p_lots, p_reason, p_actor),
           (p_to, p_from, p_points, 10, p_day, 0, 40, ledger.leg_ref(p_from, p_source, p_ref), p_fingerprint, p_lots,
            p_reason, p_actor);
end $$;

-- What may leave an account on a day. Lots know their last day, not their first, so "young" is read
-- from the journal: what was credited within p_min_age_days, less what of it was clawed back, stays
-- behind in full, even where some of it is spent already. So never a young point leaves.
create function ledger.transferable(p_subscriber bigint, p_day date, p_min_age_days integer) returns bigint
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
declare
    young bigint := 0;
begin
    if p_min_age_days > 0 then
        select coalesce(sum(points), 0) into young from ledger.posting
         where subscriber_id = p_subscriber and occurred_on > p_day - p_min_age_days
           and (kind in (1, 6, 10, 12) and points > 0
                or kind = 5 and reverses_on > p_day - p_min_age_days);
    end if;
    return greatest(0, ledger.spendable(p_subscriber, p_day) - young);
end $$;

-- What someone sent from p_first to p_last, and how often: to people and into a pot. What was sent
-- back later still counts: the limits are against haste. A merge is no sending.
create function ledger.sent(p_subscriber bigint, p_first date, p_last date, out times integer, out points bigint)
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
    select count(*), coalesce(-sum(p.points), 0) into times, points from ledger.posting p
     where p.subscriber_id = p_subscriber and p.occurred_on between p_first and p_last
       and p.kind = 9 and p.reason is distinct from 'merge';
end $$;

-- Null limits are none.
create function ledger.refuse_beyond(
    p_subscriber bigint, p_period text, p_first date, p_last date, p_points bigint, p_points_max bigint, p_times_max integer)
returns void
language plpgsql as $$
declare
    sent record;
begin
    select s.times, s.points into sent from ledger.sent(p_subscriber, p_first, p_last) s;
    if sent.points + p_points > p_points_max or sent.times >= p_times_max then
        raise exception 'the limit of transfers by % is reached', p_period
            using errcode = 'LG414',
                  detail = jsonb_build_object('period', p_period,
                                              'left_points', p_points_max - least(p_points_max, sent.points),
                                              'left_times', p_times_max - least(p_times_max, sent.times),
                                              'resets_on', p_last + 1);
    end if;
end $$;

-- A freeze stops whatever gives points away.
create function ledger.refuse_frozen(p_subscriber bigint, p_now timestamptz) returns void
language plpgsql as $$
declare
    f record;
begin
    select frozen_until, reason into f from ledger.freeze where subscriber_id = p_subscriber and frozen_until > p_now;
    if found then
        raise exception 'nothing is sent from here until %', f.frozen_until
            using errcode = 'LG415', detail = jsonb_build_object('frozen_until', f.frozen_until, 'reason', f.reason);
    end if;
end $$;

-- All the reasons for which somebody may not send these points now, the strongest first.
create function ledger.refuse_sending(
    p_subscriber bigint, p_day date, p_now timestamptz, p_points bigint, p_fee bigint,
    p_day_points_max bigint, p_day_times_max integer, p_month_points_max bigint, p_month_times_max integer,
    p_min_age_days integer)
returns void
language plpgsql as $$
declare
    month constant date := date_trunc('month', p_day);
    ripe  bigint;
begin
    perform ledger.refuse_frozen(p_subscriber, p_now);
    perform ledger.refuse_beyond(p_subscriber, 'day', p_day, p_day, p_points, p_day_points_max, p_day_times_max);
    perform ledger.refuse_beyond(p_subscriber, 'month', month, (month + interval '1 month')::date - 1,
                                 p_points, p_month_points_max, p_month_times_max);
    if ledger.spendable(p_subscriber, p_day) < p_points + p_fee then
        perform ledger.refuse_short(p_subscriber, p_day, p_points + p_fee);
    end if;
    ripe := ledger.transferable(p_subscriber, p_day, p_min_age_days);
    if ripe < p_points + p_fee then
        raise exception 'only % of the points are old enough', ripe
            using errcode = 'LG416', detail = jsonb_build_object('transferable_points', ripe, 'min_age_days', p_min_age_days);
    end if;
end $$;

-- The fee is the sender's, on top, under a key made from the transfer's own.
create function ledger.fee_ref(p_source smallint, p_ref text) returns text
language sql immutable as $$
    select format('fee:%s:%s', p_source, p_ref)
$$;

-- The first so many of a calendar month to people cost nothing. What was sent back later still counts, as in the
-- limits. Asked under the sender's lock, so two at once are not both the last free one.
create function ledger.fee_due(p_subscriber bigint, p_day date, p_fee bigint, p_free_times integer) returns bigint
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
declare
    first date := date_trunc('month', p_day)::date;
    times integer;
begin
    if p_fee > 0 and p_free_times > 0 then
        select count(*) into times from ledger.posting p
         where p.subscriber_id = p_subscriber and p.occurred_on between first and (first + interval '1 month')::date - 1
           and p.kind = 9 and p.counterparty_id > 0 and p.reason is distinct from 'merge';
        if times < p_free_times then
            return 0;
        end if;
    end if;
    return p_fee;
end $$;

create function ledger.charge_fee(
    p_subscriber bigint, p_to bigint, p_source smallint, p_ref text, p_day date, p_points bigint, p_fingerprint bytea)
returns void
language plpgsql as $$
begin
    if p_points > 0 then
        insert into ledger.posting (subscriber_id, counterparty_id, points, occurred_on, source, kind, contra, ref, fingerprint, lots)
        values (p_subscriber, p_to, -p_points, p_day, 0, 13, 60, ledger.fee_ref(p_source, p_ref), p_fingerprint,
                ledger.take_lots(p_subscriber, p_points, p_day));
        update ledger.account set posted = posted - p_points, version = version + 1 where subscriber_id = p_subscriber;
    end if;
end $$;

create function ledger.transfer(
    p_subscriber bigint, p_to bigint, p_is_known boolean, p_source smallint, p_ref text, p_day date, p_now timestamptz,
    p_points bigint, p_fee bigint, p_free_times integer, p_day_points_max bigint, p_day_times_max integer,
    p_month_points_max bigint, p_month_times_max integer, p_min_age_days integer, p_fingerprint bytea, p_reason text,
    p_actor text, out is_fresh boolean, out available_points bigint)
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    fee bigint;
begin
    if is_sound(p_points, p_ref, p_fingerprint) is not true then
        perform refuse_unsound(p_points, p_ref, p_fingerprint);
    elsif p_subscriber = p_to then
        raise exception 'nobody sends points to themselves' using errcode = 'LG422';
    elsif p_subscriber < 1 or p_to < 1 then
        raise exception 'a family pot is paid into and left, not sent to' using errcode = 'LG422';
    elsif p_reason in ('merge', 'pot', 'pot_share') then
        raise exception 'the reason % is not a sender''s', p_reason using errcode = 'LG422';
    end if;
    perform lock_accounts(array[p_subscriber, p_to]);
    is_fresh := not seen(p_subscriber, p_source, p_ref, p_day, p_fingerprint);
    if is_fresh then
        if p_is_known is not true then
            raise exception 'nobody has the number %', p_to
                using errcode = 'LG406', detail = jsonb_build_object('subscriber_id', p_to);
        end if;
        fee := fee_due(p_subscriber, p_day, p_fee, p_free_times);
        perform refuse_sending(p_subscriber, p_day, p_now, p_points, fee, p_day_points_max, p_day_times_max,
                               p_month_points_max, p_month_times_max, p_min_age_days);
        perform move_lots(p_subscriber, p_to, p_source, p_ref, p_day, take_lots(p_subscriber, p_points, p_day),
                          p_fingerprint, p_reason, p_actor);
        perform charge_fee(p_subscriber, p_to, p_source, p_ref, p_day, fee, p_fingerprint);
    end if;
    available_points := spendable(p_subscriber, p_day);
end $$;

-- Both legs back, wholly or in part, up to what was sent. The sender gets back the lots that were
-- sent, last sent first; the receiver gives those that are left of them, then others, first to expire
-- first, and for the rest either owes (p_may_owe) or the whole is refused.
create function ledger.reverse_transfer(
    p_subscriber bigint, p_source smallint, p_ref text, p_day date, p_of_source smallint, p_of_ref text, p_of_day date,
    p_points bigint, p_with_fee boolean, p_may_owe boolean, p_fingerprint bytea, p_grace date, p_actor text,
    out is_fresh boolean, out available_points bigint)
language plpgsql security definer set search_path = ledger, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
    o      record;                                -- the sender's leg
    rest   bigint;                                -- what of it is not reversed yet
    n      bigint;
    has    bigint;
    wanted jsonb;
begin
    if is_sound(coalesce(p_points, 1), p_ref, p_fingerprint) is not true then
        perform refuse_unsound(coalesce(p_points, 1), p_ref, p_fingerprint);
    elsif p_day < p_of_day then
        raise exception 'a reversal is not dated before its original' using errcode = 'LG422';
    end if;
    select points, kind, counterparty_id, lots, reason into o from posting
     where subscriber_id = p_subscriber and occurred_on = p_of_day and source = p_of_source and ref = p_of_ref;
    if not found then
        perform refuse_unknown(p_of_source, p_of_ref, p_of_day);
    elsif o.kind <> 9 or p_subscriber < 1 or o.counterparty_id < 1 or o.reason is not distinct from 'merge' then
        raise exception 'no transfer from one person to another' using errcode = 'LG425', detail = jsonb_build_object('kind', o.kind);
    end if;
    perform lock_accounts(array[p_subscriber, o.counterparty_id]);
    is_fresh := not seen(p_subscriber, p_source, p_ref, p_day, p_fingerprint);
    if is_fresh then
        rest := -o.points - reversed(p_subscriber, p_of_source, p_of_ref, p_of_day);
        n := coalesce(p_points, rest);
        if n not between 1 and rest then
            raise exception '% of % points are left to reverse', rest, -o.points
                using errcode = 'LG426', detail = jsonb_build_object('left_points', rest, 'asked_points', n);
        end if;
        has := lots_total(all_lots(o.counterparty_id));
        if has < n and not p_may_owe then
            raise exception 'the receiver has only % of % points', has, n
                using errcode = 'LG402', detail = jsonb_build_object('available_points', has, 'asked_points', n);
        end if;

        wanted := cut_lots(o.lots, rest - n, rest);
        perform claw_back(o.counterparty_id, 0::smallint, leg_ref(p_subscriber, p_source, p_ref), p_day,
                          0::smallint, leg_ref(p_subscriber, p_of_source, p_of_ref), p_of_day, n, p_fingerprint,
                          40::smallint, 0, wanted, true, p_actor, p_subscriber);
        perform return_points(p_subscriber, p_source, p_ref, p_day, p_of_source, p_of_ref, p_of_day, n, p_fingerprint,
                              40::smallint, 0, wanted, a.arrears, p_grace, p_actor, o.counterparty_id)
           from account a where a.subscriber_id = p_subscriber;
        if p_with_fee then
            perform give_fee_back(p_subscriber, o.counterparty_id, p_source, p_ref, p_day,
                                  p_of_source, p_of_ref, p_of_day, p_fingerprint, p_grace, p_actor);
        end if;
    end if;
    available_points := spendable(p_subscriber, p_day);
end $$;

-- All that is left of a transfer's fee; nothing where it cost none.
create function ledger.give_fee_back(
    p_subscriber bigint, p_other bigint, p_source smallint, p_ref text, p_day date,
    p_of_source smallint, p_of_ref text, p_of_day date, p_fingerprint bytea, p_grace date, p_actor text)
returns void
language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
    of_ref constant text := ledger.fee_ref(p_of_source, p_of_ref);
    fee    record;
    n      bigint;
begin
    select points, lots into fee from ledger.posting
     where subscriber_id = p_subscriber and occurred_on = p_of_day and source = 0 and ref = of_ref and kind = 13;
    n := -fee.points - ledger.reversed(p_subscriber, 0::smallint, of_ref, p_of_day);
    if n > 0 then
        perform ledger.return_points(p_subscriber, 0::smallint, ledger.fee_ref(p_source, p_ref), p_day,
                                     0::smallint, of_ref, p_of_day, n, p_fingerprint, 60::smallint, 0,
                                     ledger.cut_lots(fee.lots, 0, n), a.arrears, p_grace, p_actor, p_other)
           from ledger.account a where a.subscriber_id = p_subscriber;
    end if;
end $$;

-- What of a posting is reversed already. No index for this: the subscriber's own postings since then,
-- by the key's first columns.
create function ledger.reversed(p_subscriber bigint, p_source smallint, p_ref text, p_day date) returns bigint
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
    return (select coalesce(sum(abs(points)), 0)::bigint from ledger.posting
             where subscriber_id = p_subscriber and occurred_on >= p_day
               and reverses_ref = p_ref and reverses_source = p_source and reverses_on = p_day);
end $$;

-- Nobody sends points from here until then. A second freeze never shortens the first.
create function ledger.freeze_transfers(p_subscriber bigint, p_until timestamptz, p_reason text) returns timestamptz
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    until timestamptz;
begin
    perform lock_accounts(array[p_subscriber]);   -- what is being sent now ends first
    insert into ledger.freeze as f (subscriber_id, frozen_until, reason) values (p_subscriber, p_until, p_reason)
        on conflict (subscriber_id) do update
            set reason = case when excluded.frozen_until > f.frozen_until then excluded.reason else f.reason end,
                frozen_until = greatest(f.frozen_until, excluded.frozen_until)
    returning frozen_until into until;
    return until;
end $$;

-- True when there was a freeze.
create function ledger.unfreeze_transfers(p_subscriber bigint) returns boolean
language plpgsql security definer set search_path = ledger, pg_temp as $$
begin
    perform lock_accounts(array[p_subscriber]);
    delete from ledger.freeze where subscriber_id = p_subscriber;
    return found;
end $$;
