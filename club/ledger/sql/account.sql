-- What every verb shares: locking, the look at an idempotency key, arrears.

-- Locks these accounts until the transaction ends, making missing ones, in one ascending pass: whoever
-- takes several does it here. In two passes, locking what is there and then making the rest, or the other
-- way round beside somebody who takes one, new rows come out of order and calls deadlock. An upsert whose
-- update is never true locks without writing a new version; FOR UPDATE over many accounts would not run
-- on a distributed database.
create function ledger.lock_accounts(p_subscribers bigint[]) returns void
language plpgsql security definer set search_path = ledger, pg_temp as $$
begin
    insert into account as a (subscriber_id)
    select distinct s from unnest(p_subscribers) s order by s
        on conflict (subscriber_id) do update set version = a.version where false;
end $$;

-- Wherever the journal is read by key, the plan is made once a session (force_generic_plan): a plan
-- for the given values would be made at every call, and making one over all months takes longer
-- than finding the one month at run time.

-- Was this posted before? Raises LG409 if it was, with other content.
create function ledger.seen(p_subscriber bigint, p_source smallint, p_ref text, p_day date, p_fingerprint bytea)
returns boolean
language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
    before bytea;
begin
    select fingerprint into before from ledger.posting
     where subscriber_id = p_subscriber and occurred_on = p_day and source = p_source and ref = p_ref;
    if not found then
        return false;
    elsif before <> p_fingerprint then
        raise exception 'the key %/%/% was used with other content', p_source, p_ref, p_day
            using errcode = 'LG409', detail = jsonb_build_object('key', p_ref);
    end if;
    return true;
end $$;

-- Says why p_points cannot be taken: the fund does not exist, or it has not that much.
create function ledger.refuse_short(p_subscriber bigint, p_day date, p_points bigint, p_fund integer default null)
returns void
language plpgsql as $$
begin
    if not exists (select from ledger.fund where fund = coalesce(p_fund, 0)) then
        raise exception 'there is no fund %', p_fund using errcode = 'LG411', detail = jsonb_build_object('fund', p_fund);
    end if;
    raise exception 'not enough points'
        using errcode = 'LG402',
              detail = jsonb_build_object('available_points', ledger.spendable(p_subscriber, p_day, p_fund),
                                          'asked_points', p_points);
end $$;

-- Whoever owes pays first, out of the very points that come: every verb that gives points to a debtor
-- ends here, with what it gave (p_came, in the order in which it repays). Other lots are left alone:
-- they were spared on purpose, or the clawback would have taken them. The row of 0 points that this
-- leaves tells the subscriber where the points went. Answers how many repaid.
create function ledger.settle(p_subscriber bigint, p_day date, p_came jsonb) returns bigint
language plpgsql as $$
declare
    a      record;
    taken  jsonb;
    repaid bigint;
begin
    select arrears, version into a from ledger.account where subscriber_id = p_subscriber;
    taken := ledger.take_these(p_subscriber, ledger.cut_lots(p_came, 0, a.arrears));
    repaid := ledger.lots_total(taken);
    if repaid > 0 then
        insert into ledger.posting (subscriber_id, points, occurred_on, source, kind, contra, ref, fingerprint, lots)
        values (p_subscriber, 0, p_day, 0, 8, 0, 'arrears:' || a.version, sha256('arrears'), taken);
        update ledger.account set arrears = arrears - repaid, version = version + 1
         where subscriber_id = p_subscriber;
    end if;
    return repaid;
end $$;
