-- What an account was at a past instant, from its own movements alone. A posting counts from the start
-- of its transaction: where two waited for each other, an instant between their starts shows the
-- first one without the second. Every month is asked by its key (a late event posts into an old month
-- today), so the plan is made once a session.

-- Of a month that was detached is only known what it had done when the last of it was posted. Of this
-- subscriber: what one event that came late did must not hide everybody's past.
create function ledger.refuse_untold(p_subscriber bigint, p_at timestamptz) returns void
language plpgsql as $$
declare
    since constant timestamptz := (select max(c.last_posted_at) from ledger.carried c where c.subscriber_id = p_subscriber);
begin
    if p_at > clock_timestamp() then
        raise exception 'nobody knows yet what the books will say at %', p_at
            using errcode = 'LG430', detail = jsonb_build_object('at', p_at);
    elsif p_at < since then
        raise exception 'the books do not know any more what they said at %', p_at
            using errcode = 'LG431', detail = jsonb_build_object('since', since);
    end if;
end $$;

-- The lots that were there at p_at and good on p_day, first to expire first.
create function ledger.lots_at(p_subscriber bigint, p_at timestamptz, p_day date)
returns table (expires_on date, fund integer, points bigint)
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
    perform ledger.refuse_untold(p_subscriber, p_at);
    return query
    select m.expires_on, m.fund, sum(m.points)::bigint from ledger.movement m
     where m.subscriber_id = p_subscriber and m.moment <= p_at and m.expires_on >= p_day
     group by m.expires_on, m.fund having sum(m.points) <> 0
     order by m.expires_on, m.fund;
end $$;

create function ledger.arrears_at(p_subscriber bigint, p_at timestamptz) returns bigint
language plpgsql stable set plan_cache_mode = force_generic_plan as $$
begin
    perform ledger.refuse_untold(p_subscriber, p_at);
    return (select coalesce(sum(ledger.owed_by(kind, points, lots)), 0) from ledger.posting
             where subscriber_id = p_subscriber and posted_at <= p_at and kind in (5, 8, 9, 10))
         + (select coalesce(sum(arrears), 0) from ledger.carried where subscriber_id = p_subscriber);
end $$;

create function ledger.held_at(p_subscriber bigint, p_at timestamptz) returns bigint
language plpgsql stable as $$
begin
    return (select coalesce(sum(points), 0) from ledger.hold
             where subscriber_id = p_subscriber and placed_at <= p_at and (closed_at > p_at) is not false);
end $$;

create function ledger.pending_at(p_subscriber bigint, p_at timestamptz) returns bigint
language plpgsql stable as $$
begin
    return (select coalesce(sum(points), 0) from ledger.pending
             where subscriber_id = p_subscriber and noted_at <= p_at and (closed_at > p_at) is not false);
end $$;
