-- The owner leaves the programme: every lot goes back to the operator, promises are withdrawn, and
-- what was owed is written off, visibly: it is given, and the gift repays it. Lots that a clawback had
-- spared repay first, so there is one posting under the key, or none where there was nothing.
-- A seat in a family pot ends before that: the leaver's part of the pot is the leaver's.
-- An open hold is somebody's promise to deliver: it is settled first, never forfeited.
create function ledger.forfeit(
    p_subscriber bigint, p_source smallint, p_ref text, p_day date, p_fingerprint bytea, p_reason text, p_actor text,
    out is_fresh boolean, out available_points bigint)
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    a      record;
    taken  jsonb;
    repaid bigint;
begin
    if is_sound(1, p_ref, p_fingerprint) is not true then
        perform refuse_unsound(1, p_ref, p_fingerprint);
    end if;
    is_fresh := false;
    available_points := 0;
    perform leave_pot(seat_of(p_subscriber), p_subscriber, p_subscriber, p_day) where seat_of(p_subscriber) is not null;
    select held, arrears, posted - held + arrears as free into a from account
     where subscriber_id = p_subscriber for update;
    if not found then
        return;                                   -- nothing ever happened here
    elsif seen(p_subscriber, p_source, p_ref, p_day, p_fingerprint) then
        available_points := spendable(p_subscriber, p_day);
        return;
    elsif a.held > 0 then
        raise exception '% points are on hold', a.held
            using errcode = 'LG418', detail = jsonb_build_object('held_points', a.held);
    end if;

    update pending set state = 3, closed_at = now() where subscriber_id = p_subscriber and state = 1;
    is_fresh := found or a.free > 0 or a.arrears > 0;
    if a.free > 0 and a.arrears > 0 then
        repaid := settle(p_subscriber, p_day, all_lots(p_subscriber));
        a.free := a.free - repaid;
        a.arrears := a.arrears - repaid;
    end if;
    if a.free > 0 then
        taken := take_lots(p_subscriber, a.free, null);
        insert into posting (subscriber_id, points, occurred_on, source, kind, contra, ref, fingerprint, lots, reason, actor)
        values (p_subscriber, -a.free, p_day, p_source, 14, 30, p_ref, p_fingerprint, taken, p_reason, p_actor);
        update account set posted = posted - a.free, version = version + 1 where subscriber_id = p_subscriber;
    elsif a.arrears > 0 then
        perform put_lots(p_subscriber, jsonb_build_array(jsonb_build_array(p_day, 0, a.arrears)));
        insert into posting (subscriber_id, points, occurred_on, expires_on, source, kind, contra, ref, fingerprint, reason, actor)
        values (p_subscriber, a.arrears, p_day, p_day, p_source, 14, 50, p_ref, p_fingerprint, p_reason, p_actor);
        update account set posted = posted + arrears, version = version + 1 where subscriber_id = p_subscriber;
        perform settle(p_subscriber, p_day, jsonb_build_array(jsonb_build_array(p_day, 0, a.arrears)));
    end if;
end $$;
