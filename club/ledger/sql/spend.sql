-- Spending, first to expire first, of one fund or of all (null). As in accrue.sql the posting is the
-- gate: the common case looks at nothing twice, a replay takes back what it wrote.
create function ledger.spend(
    p_subscriber bigint, p_source smallint, p_ref text, p_day date, p_points bigint, p_fund integer, p_fingerprint bytea,
    out is_fresh boolean, out available_points bigint)
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    owed  bigint;                                 -- null: the balance is too low, nothing was debited
    taken jsonb;
begin
    if is_sound(p_points, p_ref, p_fingerprint) is not true then
        perform refuse_unsound(p_points, p_ref, p_fingerprint);
    end if;

    update account set posted = posted - p_points, version = version + 1, active_on = greatest(active_on, p_day)
     where subscriber_id = p_subscriber and posted - held >= p_points
    returning arrears into owed;
    if owed is not null then
        select d.taken, d.available_points into taken, available_points
          from draw(p_subscriber, p_points, p_day, p_fund, owed) d;
    end if;
    is_fresh := false;
    if taken is not null then
        insert into posting (subscriber_id, points, occurred_on, source, kind, contra, ref, fingerprint, lots)
        values (p_subscriber, -p_points, p_day, p_source, 2, 20, p_ref, p_fingerprint, taken)
            on conflict do nothing;
        is_fresh := found;
    end if;

    if not is_fresh then                          -- a replay, or refused
        if not seen(p_subscriber, p_source, p_ref, p_day, p_fingerprint) then
            perform refuse_short(p_subscriber, p_day, p_points, p_fund);
        end if;
        if taken is not null then
            perform put_lots(p_subscriber, taken);
        end if;
        if owed is not null then
            update account set posted = posted + p_points, version = version - 1 where subscriber_id = p_subscriber;
        end if;
        available_points := spendable(p_subscriber, p_day);
    end if;
end $$;
