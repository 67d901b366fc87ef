-- Undoing is arithmetic, not an edit: a posting that names the one it reverses, wholly or in part, as
-- often as it takes until nothing is left of it.
--   a debit (spend, capture, expiry, debit adjustment): the points go back to the very buckets they
--     came from, last taken first, as if less had been spent. A bucket that expired meanwhile comes
--     back until p_grace; without grace it lapses at once. The posting's reason says which.
--   a credit (accrual, opening balance, credit adjustment): clawed back from its own bucket, then, with
--     p_from_others, from the others, first to expire first; what is missing becomes arrears. What an
--     open hold has set aside is not touched.
-- The programme account is the original's, so its total nets out; so does a goodwill's budget. A
-- reversal is not reversed, and a transfer, which has two legs, only by reverse_transfer.
create function ledger.reverse_posting(
    p_subscriber bigint, p_source smallint, p_ref text, p_day date,
    p_of_source smallint, p_of_ref text, p_of_day date, p_points bigint, p_fingerprint bytea,
    p_grace date default null, p_from_others boolean default true, p_actor text default null,
    out is_fresh boolean, out available_points bigint)
language plpgsql security definer set search_path = ledger, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
    owed bigint;
    o    record;                                  -- the original
    rest bigint;                                  -- what of it is not reversed yet
    n    bigint;
begin
    if is_sound(coalesce(p_points, 1), p_ref, p_fingerprint) is not true then
        perform refuse_unsound(coalesce(p_points, 1), p_ref, p_fingerprint);
    elsif p_day < p_of_day then
        raise exception 'a reversal is not dated before its original' using errcode = 'LG422';
    end if;
    select arrears into owed from account where subscriber_id = p_subscriber for update;
    is_fresh := not seen(p_subscriber, p_source, p_ref, p_day, p_fingerprint);
    if is_fresh then
        select p.points, p.kind, p.contra, p.fund, p.reason, sign(p.points)::integer as direction,
               coalesce(p.lots, jsonb_build_array(jsonb_build_array(p.expires_on, p.fund, abs(p.points)))) as lots
          into o from posting p
         where p.subscriber_id = p_subscriber and p.occurred_on = p_of_day and p.source = p_of_source and p.ref = p_of_ref;
        if not found then                         -- it came before its original
            perform refuse_unknown(p_of_source, p_of_ref, p_of_day);
        elsif o.kind not in (1, 2, 3, 6, 7, 12) then
            raise exception 'a posting of kind % is not reversed', o.kind
                using errcode = 'LG425', detail = jsonb_build_object('kind', o.kind);
        end if;
        rest := abs(o.points) - reversed(p_subscriber, p_of_source, p_of_ref, p_of_day);
        n := coalesce(p_points, rest);
        if n not between 1 and rest then
            raise exception '% of % points are left to reverse', rest, abs(o.points)
                using errcode = 'LG426', detail = jsonb_build_object('left_points', rest, 'asked_points', n);
        end if;
        if o.direction < 0 then
            perform return_points(p_subscriber, p_source, p_ref, p_day, p_of_source, p_of_ref, p_of_day, n, p_fingerprint,
                                  o.contra, o.fund, cut_lots(o.lots, rest - n, rest), owed, p_grace, p_actor);
        else
            perform claw_back(p_subscriber, p_source, p_ref, p_day, p_of_source, p_of_ref, p_of_day, n, p_fingerprint,
                              o.contra, o.fund, cut_lots(o.lots, rest - n, rest), p_from_others, p_actor);
        end if;
        if o.kind = 6 and starts_with(o.reason, 'goodwill:') then
            update budget set spent = spent - n where code = substr(o.reason, length('goodwill:') + 1);
        end if;
    end if;
    available_points := spendable(p_subscriber, p_day);
end $$;

-- Both halves serve transfers too: p_other is the other person.
create function ledger.return_points(
    p_subscriber bigint, p_source smallint, p_ref text, p_day date,
    p_of_source smallint, p_of_ref text, p_of_day date, p_points bigint, p_fingerprint bytea,
    p_contra smallint, p_fund integer, p_lots jsonb, p_owed bigint, p_grace date, p_actor text, p_other bigint default null)
returns void
language plpgsql as $$
declare
    has_grace  constant boolean := coalesce(p_grace >= p_day, false);
    is_expired constant boolean := exists (select from jsonb_array_elements(p_lots) x where (x ->> 0)::date < p_day);
    back       constant jsonb := ledger.give_back(p_subscriber, p_lots, p_day, case when has_grace then p_grace end);
    repaid     bigint := 0;
begin
    insert into ledger.posting (subscriber_id, counterparty_id, points, occurred_on, fund, source, kind, contra, ref,
                                fingerprint, lots, reverses_source, reverses_ref, reverses_on, reason, actor)
    values (p_subscriber, p_other, p_points, p_day, p_fund, p_source, 4, p_contra, p_ref, p_fingerprint, back,
            p_of_source, p_of_ref, p_of_day,
            case when is_expired and has_grace then 'grace' when is_expired then 'lapsed' end, p_actor);
    update ledger.account set posted = posted + p_points, version = version + 1 where subscriber_id = p_subscriber;
    if p_owed > 0 then
        repaid := ledger.settle(p_subscriber, p_day, back);
    end if;
    if is_expired and not has_grace then
        perform ledger.lapse(p_subscriber, p_day, ledger.cut_lots(back, repaid, p_points));
    end if;
end $$;

-- Expires at once those of these lots that are past their day: one posting a bucket, as the expiry
-- run does, so that expired points are counted by fund.
create function ledger.lapse(p_subscriber bigint, p_day date, p_lots jsonb) returns void
language plpgsql as $$
declare
    gone jsonb;
    nth  bigint;
begin
    select jsonb_agg(x) into gone from jsonb_array_elements(p_lots) x where (x ->> 0)::date < p_day;
    if gone is null then
        return;
    end if;
    gone := ledger.take_these(p_subscriber, gone);
    update ledger.account set posted = posted - ledger.lots_total(gone), version = version + 1
     where subscriber_id = p_subscriber
    returning version into nth;
    insert into ledger.posting (subscriber_id, points, occurred_on, expires_on, fund, source, kind, contra, ref, fingerprint,
                                lots, reason)
    select p_subscriber, -(x ->> 2)::bigint, p_day, (x ->> 0)::date, (x ->> 1)::integer, 0, 3, 30,
           format('lapse:%s:%s', nth, i), sha256('expiry'), jsonb_build_array(x), 'lapsed'
      from jsonb_array_elements(gone) with ordinality e (x, i);
end $$;

create function ledger.claw_back(
    p_subscriber bigint, p_source smallint, p_ref text, p_day date,
    p_of_source smallint, p_of_ref text, p_of_day date, p_points bigint, p_fingerprint bytea,
    p_contra smallint, p_fund integer, p_lots jsonb, p_from_others boolean, p_actor text, p_other bigint default null)
returns void
language plpgsql as $$
declare
    taken jsonb := ledger.take_these(p_subscriber, p_lots);
begin
    if p_from_others then
        taken := taken || ledger.take_lots(p_subscriber, p_points - ledger.lots_total(taken), null);
    end if;
    insert into ledger.posting (subscriber_id, counterparty_id, points, occurred_on, fund, source, kind, contra, ref,
                                fingerprint, lots, reverses_source, reverses_ref, reverses_on, actor)
    values (p_subscriber, p_other, -p_points, p_day, p_fund, p_source, 5, p_contra, p_ref, p_fingerprint, taken,
            p_of_source, p_of_ref, p_of_day, p_actor);
    update ledger.account
       set posted = posted - p_points, arrears = arrears + p_points - ledger.lots_total(taken), version = version + 1
     where subscriber_id = p_subscriber;
end $$;
