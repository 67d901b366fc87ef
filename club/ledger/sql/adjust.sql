-- What staff put right or give away by hand: postings of a kind of their own (6, against the account
-- 50), so that the figures which the rules make are not blurred. `reason` is a code, `actor` who did
-- it. A goodwill is paid by a budget, whose row is locked after the account: as all others, in the
-- order account -> the rest.

-- More than zero gives, into one bucket of one fund; less takes what is good, first to expire first,
-- of one fund or of all (null), and never more than may be spent.
create function ledger.adjust(
    p_subscriber bigint, p_source smallint, p_ref text, p_day date, p_points bigint, p_fund integer, p_expires date,
    p_fingerprint bytea, p_reason text, p_actor text,
    out is_fresh boolean, out available_points bigint)
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    a record;
    d record;
begin
    if is_sound(abs(p_points), p_ref, p_fingerprint) is not true then
        perform refuse_unsound(abs(p_points), p_ref, p_fingerprint);
    end if;
    perform lock_accounts(array[p_subscriber]);
    is_fresh := not seen(p_subscriber, p_source, p_ref, p_day, p_fingerprint);
    if is_fresh and p_points > 0 then
        perform give(p_subscriber, p_source, p_ref, p_day, p_points, coalesce(p_fund, 0), p_expires, p_fingerprint, p_reason, p_actor);
    elsif is_fresh then
        select lot_keys, lot_points, posted, held into a from account where subscriber_id = p_subscriber;
        d := case when p_fund is null then draw(a.lot_keys, a.lot_points, -p_points, p_day)
              else draw_of_fund(a.lot_keys, a.lot_points, -p_points, p_day, p_fund) end;
        if d.drawn_points < -p_points or a.posted - a.held - over_points(a.lot_keys, a.lot_points, p_day) < -p_points then
            perform refuse_short(p_subscriber, p_day, -p_points, p_fund);
        end if;
        insert into posting (subscriber_id, points, occurred_on, fund, source, kind, contra, ref, fingerprint, lots, reason, actor)
        values (p_subscriber, p_points, p_day, coalesce(p_fund, 0), p_source, 6, 50, p_ref, p_fingerprint, d.taken, p_reason, p_actor);
        update account
           set lot_keys = d.keys, lot_points = d.points, posted = posted + p_points, version = version + 1
         where subscriber_id = p_subscriber;
    end if;
    available_points := spendable(p_subscriber, p_day);
end $$;

-- A present from a budget, which pays up to its points and within its days.
create function ledger.goodwill(
    p_subscriber bigint, p_source smallint, p_ref text, p_day date, p_points bigint, p_budget text, p_expires date,
    p_fingerprint bytea, p_actor text,
    out is_fresh boolean, out available_points bigint)
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    payer integer;
begin
    if is_sound(p_points, p_ref, p_fingerprint) is not true then
        perform refuse_unsound(p_points, p_ref, p_fingerprint);
    end if;
    perform lock_accounts(array[p_subscriber]);
    is_fresh := not seen(p_subscriber, p_source, p_ref, p_day, p_fingerprint);
    if is_fresh then
        update budget set spent = spent + p_points
         where code = p_budget and p_day between valid_from and valid_until and spent + p_points <= points
        returning fund into payer;
        if not found then
            perform refuse_budget(p_budget, p_day);
        end if;
        perform give(p_subscriber, p_source, p_ref, p_day, p_points, payer, p_expires, p_fingerprint, 'goodwill:' || p_budget, p_actor);
    end if;
    available_points := spendable(p_subscriber, p_day);
end $$;

-- Says why a budget does not pay. On a day that is not its own it has nothing left.
create function ledger.refuse_budget(p_budget text, p_day date) returns void
language plpgsql as $$
declare
    b record;
begin
    select code, case when p_day between valid_from and valid_until then points - spent else 0 end as rest into b
      from ledger.budget where code = p_budget;
    if not found then
        raise exception 'there is no budget %', p_budget
            using errcode = 'LG408', detail = jsonb_build_object('budget', p_budget);
    end if;
    raise exception 'the budget % has % points left on %', p_budget, b.rest, p_day
        using errcode = 'LG413', detail = jsonb_build_object('budget', p_budget, 'left_points', b.rest);
end $$;

-- Credits one bucket. To receive counts as activity, or a present to someone who has been away for
-- long would be gone by the next morning.
create function ledger.give(
    p_subscriber bigint, p_source smallint, p_ref text, p_day date, p_points bigint, p_fund integer, p_expires date,
    p_fingerprint bytea, p_reason text, p_actor text) returns void
language plpgsql as $$
declare
    came constant jsonb := jsonb_build_array(jsonb_build_array(p_expires, p_fund, p_points));
    owed bigint;
begin
    if coalesce(p_expires < p_day, true) then
        raise exception 'points are given until the day itself or later' using errcode = 'LG422';
    elsif not exists (select from ledger.fund where fund = p_fund) then
        raise exception 'there is no fund %', p_fund using errcode = 'LG411', detail = jsonb_build_object('fund', p_fund);
    end if;
    perform ledger.put_lots(p_subscriber, came);
    insert into ledger.posting (subscriber_id, points, occurred_on, expires_on, fund, source, kind, contra, ref, fingerprint,
                                reason, actor)
    values (p_subscriber, p_points, p_day, p_expires, p_fund, p_source, 6, 50, p_ref, p_fingerprint, p_reason, p_actor);
    update ledger.account
       set posted = posted + p_points, version = version + 1, active_on = greatest(active_on, p_day)
     where subscriber_id = p_subscriber
    returning arrears into owed;
    if owed > 0 then
        perform ledger.settle(p_subscriber, p_day, came);
    end if;
end $$;

-- Makes a fund, or names it anew. Its number stands in the journal and never changes.
create function ledger.make_fund(p_fund integer, p_code text, p_name text) returns void
language plpgsql security definer set search_path = ledger, pg_temp as $$
begin
    if (p_fund >= 0 and octet_length(p_code) between 1 and 60 and octet_length(p_name) between 1 and 200) is not true then
        raise exception 'a fund has a number from 0, a code of 1 to 60 bytes, a name of 1 to 200' using errcode = 'LG422';
    end if;
    insert into fund values (p_fund, p_code, p_name)
        on conflict (fund) do update set code = excluded.code, name = excluded.name;
exception when unique_violation then
    raise exception 'another fund has the code %', p_code using errcode = 'LG409', detail = jsonb_build_object('key', p_code);
end $$;

-- Makes a budget, or alters it: never below what it has given, and with another fund only before it
-- has given anything. Answers what is left of it.
create function ledger.make_budget(p_code text, p_fund integer, p_points bigint, p_from date, p_until date) returns bigint
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    before record;
begin
    if p_points not between 1 and 1000000000000 then
        raise exception '% is no amount: 1 to 10^12 points', p_points using errcode = 'LG423';
    elsif (octet_length(p_code) between 1 and 60 and p_from <= p_until) is not true then
        raise exception 'a budget has a code of 1 to 60 bytes, and ends after it begins' using errcode = 'LG422';
    elsif not exists (select from fund where fund = p_fund) then
        raise exception 'there is no fund %', p_fund using errcode = 'LG411', detail = jsonb_build_object('fund', p_fund);
    end if;
    insert into budget as b (code, fund, points, valid_from, valid_until) values (p_code, p_fund, p_points, p_from, p_until)
        on conflict (code) do update set code = b.code          -- locks it
    returning b.spent, b.fund into before;
    if before.spent > p_points or before.spent > 0 and before.fund <> p_fund then
        raise exception 'the budget % has given % points of fund % already', p_code, before.spent, before.fund
            using errcode = 'LG422';
    end if;
    update budget set fund = p_fund, points = p_points, valid_from = p_from, valid_until = p_until where code = p_code;
    return p_points - before.spent;
end $$;
