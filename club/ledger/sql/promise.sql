-- Earning later: a promise is an accrual with its key and content, kept at its moment by a job or
-- withdrawn before. It never touches the balance until it is kept.

create function ledger.promise_many(
    p_source smallint, p_subscribers bigint[], p_refs text[], p_days date[], p_points bigint[],
    p_expires date[], p_funds integer[], p_fingerprints bytea[], p_moments timestamptz[],
    out fresh integer, out replayed integer, out conflicts text[])
language plpgsql security definer set search_path = ledger, pg_temp set plan_cache_mode = force_generic_plan as $$
begin
    perform refuse_unsound(v.n, v.r, v.h)
       from unnest(p_points, p_refs, p_fingerprints) v (n, r, h) where is_sound(v.n, v.r, v.h) is not true limit 1;
    perform refuse_bucket(v.e, v.f)
       from unnest(p_expires, p_funds) v (e, f) where is_bucket(v.e, v.f) is not true limit 1;
    -- Now, or the promise could never be kept and would stop the job.
    if exists (select from unnest(p_days) d where not takes(d)) then
        raise exception 'the books have no month for one of these days' using errcode = 'LG424';
    end if;

    perform lock_accounts(p_subscribers);
    insert into pending (subscriber_id, points, promised_at, occurred_on, expires_on, fund, source, ref, fingerprint)
    select distinct on (v.s, v.d, v.r) v.s, v.n, v.m, v.d, v.e, v.f, p_source, v.r, v.h
      from unnest(p_subscribers, p_refs, p_days, p_points, p_expires, p_funds, p_fingerprints, p_moments)
           with ordinality v (s, r, d, n, e, f, h, m, i)
     where (select 1 from posting p where p.subscriber_id = v.s and p.occurred_on = v.d
               and p.source = p_source and p.ref = v.r) is null
     order by v.s, v.d, v.r, v.i
        on conflict do nothing;
    get diagnostics fresh = row_count;

    conflicts := '{}';
    if fresh < cardinality(p_subscribers) then
        conflicts := array(
            select v.r from unnest(p_subscribers, p_refs, p_days, p_fingerprints) v (s, r, d, h)
             where v.h <> coalesce(
                       (select q.fingerprint from pending q where q.subscriber_id = v.s and q.occurred_on = v.d
                           and q.source = p_source and q.ref = v.r),
                       (select p.fingerprint from posting p where p.subscriber_id = v.s and p.occurred_on = v.d
                           and p.source = p_source and p.ref = v.r)));
    end if;
    replayed := cardinality(p_subscribers) - fresh - cardinality(conflicts);
end $$;

-- Keeps up to p_limit promises whose moment has come; answers how many it closed. One whose key
-- reached the journal by another way is not posted again: it counts as kept when the content is
-- the same, else as withdrawn.
create function ledger.keep_promises(p_now timestamptz, p_limit integer) returns integer
language plpgsql security definer set search_path = ledger, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
    due     bigint[];
    closing record;
    fresh   record;
begin
    due := array(select subscriber_id from pending where closed_at is null and promised_at <= p_now order by promised_at limit p_limit);
    perform lock_accounts(due);

    -- Read under the locks: what was withdrawn meanwhile is out.
    select array_agg(q.subscriber_id) as s, array_agg(q.occurred_on) as d, array_agg(q.source) as src, array_agg(q.ref) as r,
           array_agg(case when q.known is distinct from q.fingerprint and q.known is not null then 3 else 2 end) as state,
           count(*) as n
      into closing
      from (select *, (select p.fingerprint from posting p where p.subscriber_id = g.subscriber_id
                          and p.occurred_on = g.occurred_on and p.source = g.source and p.ref = g.ref) as known
              from pending g
             where g.subscriber_id = any (due) and g.state = 1 and g.promised_at <= p_now
             order by g.subscriber_id limit p_limit) q;

    select array_agg(q.subscriber_id) as s, array_agg(q.source) as src, array_agg(q.ref) as r, array_agg(q.occurred_on) as d,
           array_agg(q.points) as n, array_agg(q.expires_on) as e, array_agg(q.fund) as f, array_agg(q.fingerprint) as h
      into fresh
      from (select g.* from unnest(closing.s, closing.d, closing.src, closing.r) v (s, d, src, r)
              join pending g on g.subscriber_id = v.s and g.occurred_on = v.d and g.source = v.src and g.ref = v.r
             where (select 1 from posting p where p.subscriber_id = g.subscriber_id
                       and p.occurred_on = g.occurred_on and p.source = g.source and p.ref = g.ref) is null
             order by g.subscriber_id) q;
    if fresh.s is not null then
        perform post_new(fresh.s, fresh.src, fresh.r, fresh.d, fresh.n, fresh.e, fresh.f, fresh.h);
    end if;

    update pending g set state = v.state, closed_at = now()
      from unnest(closing.s, closing.d, closing.src, closing.r, closing.state) v (s, d, src, r, state)
     where g.subscriber_id = v.s and g.occurred_on = v.d and g.source = v.src and g.ref = v.r;
    return closing.n;
end $$;

-- True when the promise will not be kept (withdrawn now or before), false when it was kept already.
-- One that went to a successor is withdrawn there, under that lock alone.
create function ledger.withdraw_promise(p_subscriber bigint, p_source smallint, p_ref text, p_day date) returns boolean
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    heir   bigint;
    before smallint;
begin
    select s.successor_id into heir from pending g join successor s on s.subscriber_id = g.subscriber_id
     where g.subscriber_id = p_subscriber and g.occurred_on = p_day and g.source = p_source and g.ref = p_ref and g.state = 4;
    if found then
        return withdraw_promise(heir, p_source, p_ref, p_day);
    end if;
    perform from account where subscriber_id = p_subscriber for update;
    select state into before from pending
     where subscriber_id = p_subscriber and occurred_on = p_day and source = p_source and ref = p_ref;
    if not found then
        raise exception 'nothing was promised as %/%/%', p_source, p_ref, p_day
            using errcode = 'LG404', detail = jsonb_build_object('key', p_ref);
    elsif before = 4 then                         -- it went while we waited for the lock
        return withdraw_promise(p_subscriber, p_source, p_ref, p_day);
    elsif before = 1 then
        update pending set state = 3, closed_at = now()
         where subscriber_id = p_subscriber and occurred_on = p_day and source = p_source and ref = p_ref;
    end if;
    return before <> 2;
end $$;
