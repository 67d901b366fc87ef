-- Names every row that breaks a law of the books; no rows = proven. The balances are computed
-- again from the journal, and so is every bucket from all its movements: whoever changes one row
-- has to change all of them alike. One snapshot for all laws: the whole is one query.
--
-- The laws stand here once, and two functions are made of them: prove() reads everything, prove_since()
-- all that belongs to whoever got a posting since a day, whenever the rest of it was posted. For the
-- second, {table} becomes the table's rows of those subscribers.
--
-- Months that were detached count by what they carried; single rows of theirs are looked at while they
-- are in `past`, and not missed when they were dropped ({every} posting, absent months).
do $make$
declare
    laws constant text := $laws$
    absent as (select m.month from ledger.absent_months() m (month)),
    journal as (
        select v.subscriber_id, sum(v.points)::bigint as points, sum(v.arrears)::bigint as arrears
          from (select p.subscriber_id, p.points, ledger.owed_by(p.kind, p.points, p.lots) as arrears from {posting} p
                union all
                select c.subscriber_id, c.points, c.arrears from {carried} c) v
         group by 1),
    free as (
        select l.subscriber_id, sum(l.points)::bigint as points from {lot} l group by 1),
    open as (
        select h.subscriber_id, sum(h.points)::bigint as points from {hold} h where h.closed_at is null group by 1),
    moved as ({movements}),
    rebuilt as (
        select m.subscriber_id, m.expires_on, m.fund, sum(m.points)::bigint as points from moved m group by 1, 2, 3),
    totalled as (
        select p.subscriber_id, p.occurred_on, p.source, p.ref, p.kind, p.points, p.lots, t.points as lots_points
          from {every} p, lateral (select coalesce(sum((x ->> 2)::bigint), 0)::bigint as points
                                     from jsonb_array_elements(p.lots) x) t
         where p.points <> 0 and p.kind <> 5 and (p.lots is not null or p.points < 0 and (p.kind <> 3 or p.expires_on is null))),
    reversed as (
        select q.subscriber_id, q.reverses_source as source, q.reverses_ref as ref, q.reverses_on as occurred_on,
               sum(q.points)::bigint as points
          from {every} q where q.reverses_ref is not null group by 1, 2, 3, 4),
    captured as (
        select h.subscriber_id, h.hold_id, h.captured, p.points,
               sum(h.captured) filter (where p.points is null) over (partition by h.subscriber_id) as missing
          from {hold} h left join {every} p
            on p.subscriber_id = h.subscriber_id and p.source = 0 and p.kind = 7 and p.ref = 'hold:' || h.hold_id),
    gone as (                                     -- captures in the months that were dropped
        select c.subscriber_id, sum(c.captured) as captured from {carried} c where c.month in (select month from absent) group by 1)

    select 'the balance is the sum of the journal', coalesce(a.subscriber_id, j.subscriber_id), 'account',
           coalesce(j.points, 0), a.posted
      from {account} a full join journal j on j.subscriber_id = a.subscriber_id
     where a.posted is distinct from coalesce(j.points, 0)
    union all
    select 'the balance is lots + held - arrears', a.subscriber_id, 'account', coalesce(f.points, 0) + a.held - a.arrears, a.posted
      from {account} a left join free f on f.subscriber_id = a.subscriber_id
     where a.posted <> coalesce(f.points, 0) + a.held - a.arrears
    union all
    select 'held is the sum of the open holds', coalesce(a.subscriber_id, o.subscriber_id), 'account', coalesce(o.points, 0), a.held
      from {account} a full join open o on o.subscriber_id = a.subscriber_id
     where a.held is distinct from coalesce(o.points, 0)
    union all
    select 'arrears are clawbacks less repayments', a.subscriber_id, 'account', coalesce(j.arrears, 0), a.arrears
      from {account} a left join journal j on j.subscriber_id = a.subscriber_id
     where a.arrears <> coalesce(j.arrears, 0)
    union all
    select 'a lot is the sum of its movements', coalesce(l.subscriber_id, r.subscriber_id),
           format('lot %s fund %s', coalesce(l.expires_on, r.expires_on), coalesce(l.fund, r.fund)),
           coalesce(r.points, 0), coalesce(l.points, 0)
      from {lot} l full join rebuilt r
        on r.subscriber_id = l.subscriber_id and r.expires_on = l.expires_on and r.fund = l.fund
     where coalesce(l.points, 0) <> coalesce(r.points, 0)
    union all
    select 'the lots are sorted and none is empty', a.subscriber_id, 'account',
           (select count(distinct k) from unnest(a.lot_keys, a.lot_points) u (k, n) where n > 0), cardinality(a.lot_keys)
      from {account} a
     where a.lot_keys <> array(select distinct k from unnest(a.lot_keys, a.lot_points) u (k, n) where n > 0 order by k)
        or cardinality(a.lot_keys) <> cardinality(a.lot_points)
    union all
    select 'a posting of no points moves lots', p.subscriber_id, format('posting %s/%s/%s', p.source, p.ref, p.occurred_on), 1, 0
      from {every} p where p.points = 0 and (p.kind not in (8, 11) or p.lots is null)
    union all
    select 'no lot is below zero', l.subscriber_id, format('lot %s fund %s', l.expires_on, l.fund), 0, l.points
      from {lot} l where l.points < 0
    union all
    select 'a debit takes lots of its amount', t.subscriber_id, format('posting %s/%s/%s', t.source, t.ref, t.occurred_on),
           -t.points, t.lots_points
      from totalled t
     where t.points < 0 and not (t.kind = 10 and coalesce(t.lots = '[]', false)) and -t.points <> t.lots_points
    union all
    select 'a return gives lots of its amount', t.subscriber_id, format('posting %s/%s/%s', t.source, t.ref, t.occurred_on),
           t.points, t.lots_points
      from totalled t
     where t.points > 0 and not (t.kind = 9 and t.lots = '[]') and t.points <> t.lots_points
    union all
    select 'a transfer has both its legs', coalesce(o.sender, i.sender, i.receiver), format('posting 0/%s/%s of %s', coalesce(o.ref, i.ref),
           coalesce(o.occurred_on, i.occurred_on), coalesce(o.receiver, i.receiver)), -coalesce(o.points, 0), coalesce(i.points, 0)
      from (select p.subscriber_id as sender, p.counterparty_id as receiver, p.occurred_on, p.points, p.lots,
                   ledger.leg_ref(p.subscriber_id, p.source, p.ref) as ref from {new} p where p.kind = 9) o
      full join (select p.counterparty_id as sender, p.subscriber_id as receiver, p.occurred_on, p.points, p.lots,
                        p.ref from {new} p where p.kind = 10) i
        on i.receiver = o.receiver and i.occurred_on = o.occurred_on and i.ref = o.ref
     where (o.sender, -o.points, o.lots) is distinct from (i.sender, i.points, i.lots)
    union all
    select 'a reversal has an original, and never more than it', r.subscriber_id,
           format('posting %s/%s/%s', r.source, r.ref, r.occurred_on), coalesce(p.points, 0), -r.points
      from reversed r left join {every} p
        on p.subscriber_id = r.subscriber_id and p.occurred_on = r.occurred_on and p.source = r.source and p.ref = r.ref
     where (p.points is null or sign(p.points) = sign(r.points) or abs(r.points) > abs(p.points))
       and date_trunc('month', r.occurred_on) not in (select month from absent)
    union all
    select 'a hold is open, or closed with a part of it captured', h.subscriber_id, format('hold %s', h.hold_id), h.points, h.captured
      from {hold} h
     where h.points < 1 or h.captured not between 0 and h.points or (h.state = 1) <> (h.closed_at is null)
        or (h.state = 2) <> (h.captured > 0)
    union all
    select 'a captured hold has its posting', h.subscriber_id, format('hold %s', h.hold_id), -h.captured, coalesce(h.points, 0)
      from captured h left join gone g on g.subscriber_id = h.subscriber_id
     where coalesce(h.points, 0) <> -h.captured
       and not (h.points is null and h.missing is not distinct from g.captured)
    union all
    select 'a kept promise has its posting', g.subscriber_id, format('pending %s/%s/%s', g.source, g.ref, g.occurred_on),
           g.points, coalesce(p.points, 0)
      from {pending} g left join {every} p
        on p.subscriber_id = g.subscriber_id and p.occurred_on = g.occurred_on and p.source = g.source and p.ref = g.ref
     where g.state = 2 and g.points <> coalesce(p.points, 0)
       and date_trunc('month', g.occurred_on) not in (select month from absent)
    union all
    -- An event brings its own day, and the ledger's own refs count up, so their keys stand on one day alone,
    -- in whatever month. Keys that people and partners give (sources 2, 3, 4, and the legs and fees made of
    -- them) are good for a day: the same key on another day is another deed.
    select 'an event stands on one day alone', p.subscriber_id, format('posting %s/%s/%s', p.source, p.ref, max(p.occurred_on)), 1, count(*)
      from {every} p
     where p.source not in (2, 3, 4) and not (p.source = 0 and p.ref ~ '^(from:-?\d+|fee):[234]:')
     group by p.subscriber_id, p.source, p.ref
    having count(*) > 1
$laws$;
    heading constant text := $heading$
create function ledger.%s
returns table (law text, subscriber_id bigint, place text, expected bigint, found bigint)
language plpgsql stable as $f$
begin
    return query with %s %s;
end $f$
$heading$;
    everything text := replace(laws, '{movements}', ledger.movements('{posting}', '{hold}', '{carried_lot}'));
    recent     text := everything;
    name       text;
begin
    foreach name in array array['posting', 'account', 'lot', 'hold', 'pending', 'carried', 'carried_lot'] loop
        everything := replace(everything, '{' || name || '}', 'ledger.' || name);
        recent := replace(recent, '{' || name || '}',
            format('(select x.* from touched t join ledger.%I x on x.subscriber_id = t.subscriber_id)', name));
    end loop;
    everything := replace(replace(everything, '{every}', 'ledger.every_posting'), '{new}', 'ledger.every_posting');
    recent := replace(recent, '{every}', '(select x.* from touched t join ledger.every_posting x on x.subscriber_id = t.subscriber_id)');
    -- Both legs are posted at one moment.
    recent := replace(recent, '{new}', '(select x.* from ledger.posting x where x.posted_at >= ledger.day_start(p_since))');
    execute format(heading, 'prove()', '', everything);
    execute format(heading, 'prove_since(p_since date)',
        'touched as materialized (select distinct p.subscriber_id from ledger.posting p'
        ' where p.posted_at >= ledger.day_start(p_since)),', recent);
end $make$;

-- The same in all: the books' three columns beside one another. subscriber_id is null: it is everybody's.
create function ledger.prove_sums()
returns table (law text, subscriber_id bigint, place text, expected numeric, found numeric)
language plpgsql stable as $$
begin
    return query
    with sums as (
        select (select coalesce(sum(a.posted), 0) from ledger.account a) as accounts,
               (select coalesce(sum(p.points), 0) from ledger.posting p) + (select coalesce(sum(c.points), 0) from ledger.carried c) as journal,
               (select coalesce(sum(l.points), 0) from ledger.lot l)
               + (select coalesce(sum(a.held), 0) - coalesce(sum(a.arrears), 0) from ledger.account a) as behind)
    select 'in all, the accounts are the journal', null::bigint, 'the books', s.journal, s.accounts from sums s where s.journal <> s.accounts
    union all
    select 'in all, the accounts are lots + held - arrears', null::bigint, 'the books', s.behind, s.accounts from sums s where s.behind <> s.accounts;
end $$;

-- What each detached month carried, against its postings where they are still there.
create function ledger.prove_months()
returns table (law text, subscriber_id bigint, place text, expected bigint, found bigint)
language plpgsql stable as $$
begin
    return query
    with present as (
        select m.month, (m.month + interval '1 month')::date - 1 as last from ledger.detached_month m
         where m.month not in (select a from ledger.absent_months() a))
    select 'what was carried is what its month did', coalesce(v.subscriber_id, c.subscriber_id),
           format('month %s, %s', to_char(coalesce(v.month, c.month), 'YYYY-MM'), figure.name), coalesce(figure.did, 0), coalesce(figure.carried, 0)
      from (select s.subscriber_id, m.month, s.points, s.arrears, s.captured, s.last_posted_at
              from present m, ledger.sums_between(m.month, m.last) s) v
      full join (select * from ledger.carried c where c.month in (select m.month from present m)) c
        on c.subscriber_id = v.subscriber_id and c.month = v.month,
           lateral (values ('points', v.points, c.points), ('arrears', v.arrears, c.arrears), ('captured', v.captured, c.captured),
                           ('microseconds since 1970', (extract(epoch from v.last_posted_at) * 1000000)::bigint,
                            (extract(epoch from c.last_posted_at) * 1000000)::bigint)) figure (name, did, carried)
     where figure.did is distinct from figure.carried
    union all
    select 'what was carried is what its month did', coalesce(v.subscriber_id, c.subscriber_id),
           format('month %s, lot %s fund %s', to_char(coalesce(v.month, c.month), 'YYYY-MM'),
                  coalesce(v.expires_on, c.expires_on), coalesce(v.fund, c.fund)), coalesce(v.points, 0), coalesce(c.points, 0)
      from (select l.subscriber_id, m.month, l.expires_on, l.fund, l.points
              from present m, ledger.lots_between(m.month, m.last) l where l.points <> 0) v
      full join (select * from ledger.carried_lot c where c.month in (select m.month from present m)) c
        on c.subscriber_id = v.subscriber_id and c.month = v.month and c.expires_on = v.expires_on and c.fund = v.fund
     where v.points is distinct from c.points
    union all
    select 'what was carried is what its month did', null,
           format('month %s, %s account %s fund %s source %s kind %s', to_char(month, 'YYYY-MM'), day, contra, fund, source, kind),
           coalesce(v.points, 0)::bigint, coalesce(c.points, 0)::bigint
      from (select m.month, t.* from present m, ledger.totals_between(m.month, m.last) t) v
      full join (select * from ledger.carried_total c where c.month in (select m.month from present m)) c
           using (month, day, contra, fund, source, kind)
     where (v.points, v.cancelled, v.postings) is distinct from (c.points, c.cancelled, c.postings);
end $$;
