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
    due := array(select a.subscriber_id from account a
                  where a.subscriber_id > coalesce(p_after, -9223372036854775808) and a.active_on < p_active_since
                    and exists (select from lot l
                                 where l.subscriber_id = a.subscriber_id and l.expires_on >= p_day and l.points > 0)
                  order by a.subscriber_id limit p_limit);
    last_subscriber := due[cardinality(due)];
    perform lock_accounts(due);
    -- Looked at again under the locks: whoever earned or spent meanwhile keeps the points.
    due := array(select subscriber_id from account where subscriber_id = any (due) and active_on < p_active_since);

    insert into posting (subscriber_id, points, occurred_on, expires_on, fund, source, kind, contra, ref, fingerprint, lots, reason)
    select l.subscriber_id, -l.points, p_day, l.expires_on, l.fund, 0, 3, 30,
           format('inactive:%s:%s:%s', to_char(l.expires_on, 'YYYY-MM-DD'), l.fund, a.version),
           sha256('inactive'), jsonb_build_array(jsonb_build_array(l.expires_on, l.fund, l.points)), 'inactive'
      from lot l join account a on a.subscriber_id = l.subscriber_id
     where l.subscriber_id = any (due) and l.expires_on >= p_day and l.points > 0
     order by l.subscriber_id;
    get diagnostics lots = row_count;

    update account a set posted = a.posted - g.points, version = a.version + 1
      from (select subscriber_id, sum(points)::bigint as points from lot
             where subscriber_id = any (due) and expires_on >= p_day and points > 0 group by subscriber_id) g
     where a.subscriber_id = g.subscriber_id;

    delete from lot where subscriber_id = any (due) and expires_on >= p_day;
end $$;
