-- Expires the good lots of owners who neither earned nor spent since p_active_since: up to p_limit
-- owners after the subscriber p_after (null: from the first one on). Answers how many lots, and the
-- last owner it looked at, null when there is none left: go on after that one, one transaction a call.
-- What was done stays done, so a run may begin again from the first.
--
-- An account has no index but its key (every write would pay for it), so the owners are found by
-- walking the key, which locks nobody. Who was never seen active does not expire by this rule. What
-- is past its own day is left to expire_due.
create function ledger.expire_inactive(
    p_day date, p_active_since date, p_after bigint, p_limit integer,
    out lots integer, out last_subscriber bigint)
language plpgsql security definer set search_path = ledger, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
    due bigint[];
begin
    due := array(select subscriber_id from account
                  where subscriber_id > coalesce(p_after, -9223372036854775808) and active_on < p_active_since
                    and lot_keys[cardinality(lot_keys)] >= lot_key(p_day, 0)
                  order by subscriber_id limit p_limit);
    last_subscriber := due[cardinality(due)];
    perform lock_accounts(due);
    -- Looked at again under the locks: whoever earned or spent meanwhile keeps the points.
    due := array(select subscriber_id from account where subscriber_id = any (due) and active_on < p_active_since);
    lots := expire_lots(due, p_day, lot_key(p_day, 0), 9223372036854775807, 'inactive', 'inactive');
end $$;
