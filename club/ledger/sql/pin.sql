-- A pinned hold has no end: no sweep takes it. An order pins its hold before it asks the operator's
-- system for the delivery, because from then on nobody may know for long whether it is due.

-- False when the hold is not open: then nothing may be asked for.
create function ledger.pin_hold(p_subscriber bigint, p_hold uuid) returns boolean
language plpgsql security definer set search_path = ledger, pg_temp as $$
begin
    perform from account where subscriber_id = p_subscriber for update;
    update hold set expires_at = null where subscriber_id = p_subscriber and hold_id = p_hold and state = 1;
    return found;
end $$;

-- It is known again that nothing was asked for: the hold ends at p_until as any other. False when it
-- is not open and pinned.
create function ledger.unpin_hold(p_subscriber bigint, p_hold uuid, p_until timestamptz) returns boolean
language plpgsql security definer set search_path = ledger, pg_temp as $$
begin
    perform from account where subscriber_id = p_subscriber for update;
    update hold set expires_at = p_until
     where subscriber_id = p_subscriber and hold_id = p_hold and state = 1 and expires_at is null;
    return found;
end $$;
