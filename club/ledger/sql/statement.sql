-- One page of a subscriber's journal before a place, newest day first and within a day the last
-- posted first. A function for the plan's sake: made once a session, it walks the months backwards
-- along the key and stops at the page's end (planning it each time took twenty times longer).
-- The place is a row's own order, which never changes: postings that come meanwhile neither repeat
-- nor hide a row of a later page.
create function ledger.statement(
    p_subscriber bigint, p_day date, p_at timestamptz, p_source smallint, p_ref text, p_rows integer)
returns table (
    posted_at timestamptz, occurred_on date, kind smallint, points bigint, source smallint, ref text,
    expires_on date, fund integer, lots jsonb, reverses_source smallint, reverses_ref text, reverses_on date,
    counterparty_id bigint, reason text, actor text)
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
    return query
    select p.posted_at, p.occurred_on, p.kind, p.points, p.source, p.ref,
           p.expires_on, p.fund, p.lots, p.reverses_source, p.reverses_ref, p.reverses_on,
           p.counterparty_id, p.reason, p.actor
      from ledger.posting p
     where p.subscriber_id = p_subscriber
       and p.occurred_on <= p_day                 -- alone, too: later months are not even opened
       and (p.occurred_on, p.posted_at, p.source, p.ref) < (p_day, p_at, p_source, p_ref)
     order by p.occurred_on desc, p.posted_at desc, p.source desc, p.ref desc
     limit p_rows;
end $$;
