-- Spending, first to expire first, of one fund or of all (null). Under the account's lock the draw is
-- arithmetic, so the posting, which is the gate, can come before the account is written: a replay
-- has nothing to take back.
create function ledger.spend(
    p_subscriber bigint, p_source smallint, p_ref text, p_day date, p_points bigint, p_fund integer, p_fingerprint bytea,
    out is_fresh boolean, out available_points bigint)
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    a record;
    d record;
begin
    if is_sound(p_points, p_ref, p_fingerprint) is not true then
        perform refuse_unsound(p_points, p_ref, p_fingerprint);
    end if;

    select lot_keys, lot_points, posted, held into a from account where subscriber_id = p_subscriber for update;
    if not found then
        perform refuse_short(p_subscriber, p_day, p_points, p_fund);
    end if;
    d := case when p_fund is null then draw(a.lot_keys, a.lot_points, p_points, p_day)
         else draw_of_fund(a.lot_keys, a.lot_points, p_points, p_day, p_fund) end;
    available_points := a.posted - a.held - over_points(a.lot_keys, a.lot_points, p_day) - p_points;
    is_fresh := false;
    if d.drawn_points = p_points and available_points >= 0 then
        insert into posting (subscriber_id, points, occurred_on, source, kind, contra, ref, fingerprint, lots)
        values (p_subscriber, -p_points, p_day, p_source, 2, 20, p_ref, p_fingerprint, d.taken)
            on conflict do nothing;
        is_fresh := found;
    end if;

    if is_fresh then
        update account
           set lot_keys = d.keys, lot_points = d.points,
               posted = posted - p_points, version = version + 1, active_on = greatest(active_on, p_day)
         where subscriber_id = p_subscriber;
    elsif seen(p_subscriber, p_source, p_ref, p_day, p_fingerprint) then
        available_points := spendable(p_subscriber, p_day);
    else
        perform refuse_short(p_subscriber, p_day, p_points, p_fund);
    end if;
end $$;
