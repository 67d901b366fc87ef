-- Lots as lists of [expires_on, fund, points]: how they are cut, taken and given back. Nothing here
-- locks: every caller holds the account.

-- Is this what a posting may carry? One place for the limits of rules.py.
create function ledger.is_sound(p_points bigint, p_ref text, p_fingerprint bytea) returns boolean
language sql immutable as $$
    select p_points between 1 and 1000000000000
       and octet_length(p_ref) between 1 and 200
       and octet_length(p_fingerprint) between 16 and 32
$$;

-- Says what is not sound about it.
create function ledger.refuse_unsound(p_points bigint, p_ref text, p_fingerprint bytea) returns void
language plpgsql as $$
begin
    if p_points between 1 and 1000000000000 then
        raise exception 'a ref has 1 to 200 bytes, a fingerprint 16 to 32' using errcode = 'LG422';
    end if;
    raise exception '% is no amount: 1 to 10^12 points', p_points using errcode = 'LG423';
end $$;

-- Points number p_from + 1 to p_to of a list, in its order. Pure.
create function ledger.cut_lots(p_lots jsonb, p_from bigint, p_to bigint) returns jsonb
language sql immutable as $$
    select coalesce(jsonb_agg(jsonb_build_array(x -> 0, x -> 1, least(upto, p_to) - greatest(upto - n, p_from))
                              order by i), '[]')
      from (select x, i, (x ->> 2)::bigint as n, sum((x ->> 2)::bigint) over (order by i)::bigint as upto
              from jsonb_array_elements(p_lots) with ordinality as e (x, i)) s
     where upto > p_from and upto - n < p_to
$$;

create function ledger.lots_total(p_lots jsonb) returns bigint
language sql immutable as $$
    select coalesce(sum((x ->> 2)::bigint), 0)::bigint from jsonb_array_elements(p_lots) x
$$;

-- What can be spent on a day, of one fund or of all: what is owed (or owed above other funds'
-- points) is never lent again.
create function ledger.spendable(p_subscriber bigint, p_day date, p_fund integer default null) returns bigint
language plpgsql stable as $$
declare
    good     bigint;
    of_fund  bigint;
    owed     bigint;
begin
    select coalesce(sum(points), 0), coalesce(sum(points) filter (where fund = p_fund), 0) into good, of_fund
      from ledger.lot
     where subscriber_id = p_subscriber and expires_on >= p_day;
    select arrears into owed from ledger.account where subscriber_id = p_subscriber;
    good := greatest(good - coalesce(owed, 0), 0);
    return case when p_fund is null then good else least(good, of_fund) end;
end $$;

-- All there is, whether it is still good or not.
create function ledger.all_lots(p_subscriber bigint) returns jsonb
language plpgsql stable as $$
begin
    return (select coalesce(jsonb_agg(jsonb_build_array(expires_on, fund, points) order by expires_on, fund), '[]')
              from ledger.lot where subscriber_id = p_subscriber and points > 0);
end $$;

-- PL/pgSQL though it is one statement: a distributed database sends it to the subscriber's node.
create function ledger.put_lots(p_subscriber bigint, p_lots jsonb) returns void
language plpgsql as $$
begin
    insert into ledger.lot (subscriber_id, expires_on, fund, points)
    select p_subscriber, (x ->> 0)::date, (x ->> 1)::integer, sum((x ->> 2)::bigint)
      from jsonb_array_elements(p_lots) x
     group by 2, 3
        on conflict (subscriber_id, expires_on, fund) do update set points = lot.points + excluded.points;
end $$;

-- Takes p_points out of the buckets still good on p_day, first to expire first, of one fund or of all
-- (null). Answers what it took and what can be spent afterwards; null where that would leave less
-- than what is owed, and then nothing is taken.
--
-- One query and one update a bucket: a spend touches one or two, and a window query with its joined
-- update costs 30 % more. It reads all good buckets, so that nobody has to sum them again.
create function ledger.draw(
    p_subscriber bigint, p_points bigint, p_day date, p_fund integer, p_owed bigint,
    out taken jsonb, out available_points bigint)
language plpgsql as $$
declare
    bucket record;
    part   bigint;
    rest   bigint := p_points;
    good   bigint := -p_owed;
begin
    taken := '[]';
    for bucket in
        select expires_on, fund, points from ledger.lot
         where subscriber_id = p_subscriber and expires_on >= p_day and points > 0
         order by expires_on, fund
    loop
        good := good + bucket.points;
        if rest > 0 and (p_fund is null or bucket.fund = p_fund) then
            part := least(bucket.points, rest);
            update ledger.lot set points = points - part
             where subscriber_id = p_subscriber and expires_on = bucket.expires_on and fund = bucket.fund;
            taken := taken || jsonb_build_array(jsonb_build_array(bucket.expires_on, bucket.fund, part));
            rest := rest - part;
        end if;
    end loop;
    available_points := good - p_points;
    if rest > 0 or available_points < 0 then
        perform ledger.put_lots(p_subscriber, taken);
        taken := null;
    end if;
end $$;

-- Takes up to p_points out of the buckets good on p_day, first to expire first; says what it took.
create function ledger.take_lots(p_subscriber bigint, p_points bigint, p_day date) returns jsonb
language plpgsql as $$
declare
    bucket record;
    part   bigint;
    rest   bigint := p_points;
    taken  jsonb  := '[]';
begin
    for bucket in
        select expires_on, fund, points from ledger.lot
         where subscriber_id = p_subscriber and expires_on >= p_day and points > 0
         order by expires_on, fund
    loop
        exit when rest = 0;
        part := least(bucket.points, rest);
        update ledger.lot set points = points - part
         where subscriber_id = p_subscriber and expires_on = bucket.expires_on and fund = bucket.fund;
        taken := taken || jsonb_build_array(jsonb_build_array(bucket.expires_on, bucket.fund, part));
        rest := rest - part;
    end loop;
    return taken;
end $$;

-- Takes as much of these very lots as there still is; says what.
create function ledger.take_these(p_subscriber bigint, p_lots jsonb) returns jsonb
language plpgsql as $$
declare
    wanted record;
    part   bigint;
    taken  jsonb := '[]';
begin
    for wanted in
        select (x ->> 0)::date as expires_on, (x ->> 1)::integer as fund, (x ->> 2)::bigint as points
          from jsonb_array_elements(p_lots) x
    loop
        select least(points, wanted.points) into part from ledger.lot
         where subscriber_id = p_subscriber and expires_on = wanted.expires_on and fund = wanted.fund and points > 0;
        if found then
            update ledger.lot set points = points - part
             where subscriber_id = p_subscriber and expires_on = wanted.expires_on and fund = wanted.fund;
            taken := taken || jsonb_build_array(jsonb_build_array(wanted.expires_on, wanted.fund, part));
        end if;
    end loop;
    return taken;
end $$;

-- Puts points back where they came from; says where they went. Buckets that expired meanwhile are
-- given until p_grace (the caller's policy; null = none: the next expiry run takes them).
create function ledger.give_back(p_subscriber bigint, p_lots jsonb, p_day date, p_grace date) returns jsonb
language plpgsql as $$
declare
    back jsonb;
begin
    select coalesce(jsonb_agg(jsonb_build_array(
               case when (x ->> 0)::date < p_day then coalesce(p_grace, (x ->> 0)::date) else (x ->> 0)::date end,
               x -> 1, x -> 2)), '[]')
      into back
      from jsonb_array_elements(p_lots) x;
    perform ledger.put_lots(p_subscriber, back);
    return back;
end $$;
