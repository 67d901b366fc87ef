-- Lots: how they lie in the account's row, how they are drawn and put back. Outside of it a list of
-- lots is JSON, [[expires_on, fund, points], ...]. Nothing here locks: every caller holds the account.
--
-- A bucket's key is its last day and its fund in one number, in the order in which points are spent.
-- So the two arrays of an account, keys and points, are sorted by one comparison, and finding a
-- bucket is a binary search in C (width_bucket: how many keys are not above this one).

create function ledger.lot_key(p_expires date, p_fund integer) returns bigint
language sql immutable parallel safe as $$
    select (p_expires - date '2000-01-01')::bigint << 32 | p_fund
$$;

create function ledger.lot_day(p_key bigint) returns date
language sql immutable parallel safe as $$
    select date '2000-01-01' + (p_key >> 32)::integer
$$;

create function ledger.lot_fund(p_key bigint) returns integer
language sql immutable parallel safe as $$
    select (p_key & 4294967295)::integer
$$;

-- The account's lots as rows, for whoever reads.
create view ledger.lot as
    select a.subscriber_id, ledger.lot_day(l.key) as expires_on, ledger.lot_fund(l.key) as fund, l.points
      from ledger.account a, unnest(a.lot_keys, a.lot_points) as l (key, points);

-- Both arrays of an account with p_points more in one bucket. Plain expressions, which the planner
-- writes into the statement that calls them: a batch of thousands calls no function for each row.
create function ledger.keys_with(p_keys bigint[], p_key bigint) returns bigint[]
language sql immutable parallel safe as $$
    select case when p_keys[width_bucket(p_key, p_keys)] = p_key then p_keys
                else p_keys[:width_bucket(p_key, p_keys)] || p_key || p_keys[width_bucket(p_key, p_keys) + 1:] end
$$;

create function ledger.points_with(p_keys bigint[], p_lot_points bigint[], p_key bigint, p_points bigint) returns bigint[]
language sql immutable parallel safe as $$
    select case when p_keys[width_bucket(p_key, p_keys)] = p_key
                then p_lot_points[:width_bucket(p_key, p_keys) - 1]
                     || (p_lot_points[width_bucket(p_key, p_keys)] + p_points)
                     || p_lot_points[width_bucket(p_key, p_keys) + 1:]
                else p_lot_points[:width_bucket(p_key, p_keys)] || p_points
                     || p_lot_points[width_bucket(p_key, p_keys) + 1:] end
$$;

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

-- Can points lie there? A fund below zero would be another day's bucket, and no day is no bucket.
-- Whether there is such a fund, those ask who spend from it or are at leisure: earning is not.
create function ledger.is_bucket(p_expires date, p_fund integer) returns boolean
language sql immutable as $$
    select p_expires is not null and p_fund >= 0
$$;

create function ledger.refuse_bucket(p_expires date, p_fund integer) returns void
language plpgsql as $$
begin
    if p_expires is null then
        raise exception 'points have a last day' using errcode = 'LG422';
    end if;
    raise exception 'there is no fund %', p_fund using errcode = 'LG411', detail = jsonb_build_object('fund', p_fund);
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

create function ledger.points_below(p_keys bigint[], p_lot_points bigint[], p_key bigint) returns bigint
language sql immutable as $$
    select coalesce(sum(n), 0)::bigint from unnest(p_lot_points[:width_bucket(p_key - 1, p_keys)]) n
$$;

-- The points that are past their day, and not swept yet. Pure. Nearly always none, which the first key
-- tells: so what can be spent is known from the balance alone, without adding up any lots.
create function ledger.over_points(p_keys bigint[], p_lot_points bigint[], p_day date) returns bigint
language sql immutable as $$
    select case when p_keys[1] < ledger.lot_key(p_day, 0)
                then ledger.points_below(p_keys, p_lot_points, ledger.lot_key(p_day, 0)) else 0 end
$$;

-- What can be spent on a day, of one fund or of all: what is owed (or owed above other funds'
-- points) is never lent again.
create function ledger.spendable(p_subscriber bigint, p_day date, p_fund integer default null) returns bigint
language plpgsql stable as $$
declare
    a    record;
    free bigint;
begin
    select lot_keys, lot_points, posted, held into a from ledger.account where subscriber_id = p_subscriber;
    if not found then
        return 0;
    end if;
    -- posted - held = lots - arrears: the law of the books.
    free := greatest(a.posted - a.held - ledger.over_points(a.lot_keys, a.lot_points, p_day), 0);
    if p_fund is not null then
        free := least(free, (select coalesce(sum(n), 0) from unnest(a.lot_keys, a.lot_points) l (key, n)
                              where key >= ledger.lot_key(p_day, 0) and ledger.lot_fund(key) = p_fund));
    end if;
    return free;
end $$;

-- All there is, whether it is still good or not.
create function ledger.all_lots(p_subscriber bigint) returns jsonb
language plpgsql stable as $$
begin
    return (select coalesce(jsonb_agg(jsonb_build_array(expires_on, fund, points) order by expires_on, fund), '[]')
              from ledger.lot where subscriber_id = p_subscriber);
end $$;

-- Draws up to p_points from the buckets still good on p_day (null: from all), first to expire first:
-- what it took and how many points that is, and what is left of the arrays. Pure: whoever is not
-- content with it leaves it. Few expressions, because PL/pgSQL prepares each one anew in every
-- transaction: twice as many cost a spend a tenth.
create function ledger.draw(
    p_keys bigint[], p_lot_points bigint[], p_points bigint, p_day date,
    out taken jsonb, out drawn_points bigint, out keys bigint[], out points bigint[])
language plpgsql immutable as $$
declare
    over integer := case when p_day is null then 0 else width_bucket(ledger.lot_key(p_day, 0) - 1, p_keys) end;
    left_points bigint := p_points;
    last integer := over;                         -- the last bucket drawn from
begin
    taken := '[]';
    for i in over + 1 .. cardinality(p_keys) loop
        exit when left_points <= 0;
        taken := taken || jsonb_build_array(jsonb_build_array(
            ledger.lot_day(p_keys[i]), p_keys[i] & 4294967295, least(p_lot_points[i], left_points)));
        left_points := left_points - p_lot_points[i];
        last := i;
    end loop;
    drawn_points := p_points - greatest(left_points, 0);
    -- Below zero, left_points is what stays in the last bucket; an account keeps no empty ones.
    keys := p_keys[:over] || p_keys[last + (left_points >= 0)::integer:];
    points := p_lot_points[:over] || case when left_points < 0 then array[-left_points] end || p_lot_points[last + 1:];
end $$;

-- As draw, from one fund's buckets only.
create function ledger.draw_of_fund(
    p_keys bigint[], p_lot_points bigint[], p_points bigint, p_day date, p_fund integer,
    out taken jsonb, out drawn_points bigint, out keys bigint[], out points bigint[])
language plpgsql immutable as $$
declare
    part bigint;
begin
    taken := '[]';
    drawn_points := 0;
    keys := p_keys;
    points := p_lot_points;
    for i in width_bucket(ledger.lot_key(p_day, 0) - 1, p_keys) + 1 .. cardinality(p_keys) loop
        exit when drawn_points = p_points;
        if ledger.lot_fund(p_keys[i]) = p_fund then
            part := least(p_lot_points[i], p_points - drawn_points);
            taken := taken || jsonb_build_array(jsonb_build_array(ledger.lot_day(p_keys[i]), p_fund, part));
            drawn_points := drawn_points + part;
            points[i] := p_lot_points[i] - part;
            if points[i] = 0 then
                keys[i] := null;
            end if;
        end if;
    end loop;
    keys := array_remove(keys, null);
    points := array_remove(points, 0);
end $$;

-- Puts points into their buckets.
create function ledger.put_lots(p_subscriber bigint, p_lots jsonb) returns void
language plpgsql as $$
declare
    came record;
begin
    for came in
        select ledger.lot_key((x ->> 0)::date, (x ->> 1)::integer) as key, sum((x ->> 2)::bigint)::bigint as points
          from jsonb_array_elements(p_lots) x group by 1
    loop
        update ledger.account
           set lot_keys = ledger.keys_with(lot_keys, came.key),
               lot_points = ledger.points_with(lot_keys, lot_points, came.key, came.points)
         where subscriber_id = p_subscriber;
    end loop;
end $$;

-- Takes up to p_points out of the buckets good on p_day (null: out of all), first to expire first; says
-- what it took.
create function ledger.take_lots(p_subscriber bigint, p_points bigint, p_day date) returns jsonb
language plpgsql as $$
declare
    d record;
begin
    select x.* into d from ledger.account a, ledger.draw(a.lot_keys, a.lot_points, p_points, p_day) x
     where a.subscriber_id = p_subscriber;
    if d.drawn_points > 0 then
        update ledger.account set lot_keys = d.keys, lot_points = d.points where subscriber_id = p_subscriber;
    end if;
    return coalesce(d.taken, '[]');
end $$;

-- Takes as much of these very lots as there still is; says what.
create function ledger.take_these(p_subscriber bigint, p_lots jsonb) returns jsonb
language plpgsql as $$
declare
    a      record;
    wanted record;
    place  integer;
    part   bigint;
    taken  jsonb := '[]';
begin
    select lot_keys as keys, lot_points as points into a from ledger.account where subscriber_id = p_subscriber;
    for wanted in
        select (x ->> 0)::date as expires_on, (x ->> 1)::integer as fund, (x ->> 2)::bigint as points
          from jsonb_array_elements(p_lots) x
    loop
        place := array_position(a.keys, ledger.lot_key(wanted.expires_on, wanted.fund));
        if a.points[place] > 0 then               -- null where there is no such bucket
            part := least(a.points[place], wanted.points);
            a.points[place] := a.points[place] - part;
            taken := taken || jsonb_build_array(jsonb_build_array(wanted.expires_on, wanted.fund, part));
        end if;
    end loop;
    if taken <> '[]' then
        update ledger.account
           set lot_keys = (select coalesce(array_agg(k order by k), '{}') from unnest(a.keys, a.points) u (k, n) where n > 0),
               lot_points = array_remove(a.points, 0)
         where subscriber_id = p_subscriber;
    end if;
    return taken;
end $$;

-- The buckets to which these lots go back: those that expired meanwhile are given until p_grace (the
-- caller's policy; null = none: the next expiry run takes them). Pure.
create function ledger.returned_lots(p_lots jsonb, p_day date, p_grace date) returns jsonb
language sql immutable as $$
    select coalesce(jsonb_agg(jsonb_build_array(
               case when (x ->> 0)::date < p_day then coalesce(p_grace, (x ->> 0)::date) else (x ->> 0)::date end,
               x -> 1, x -> 2)), '[]')
      from jsonb_array_elements(p_lots) x
$$;

-- Puts points back where they came from; says where they went.
create function ledger.give_back(p_subscriber bigint, p_lots jsonb, p_day date, p_grace date) returns jsonb
language plpgsql as $$
declare
    back constant jsonb := ledger.returned_lots(p_lots, p_day, p_grace);
begin
    perform ledger.put_lots(p_subscriber, back);
    return back;
end $$;
