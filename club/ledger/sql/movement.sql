-- Every movement of every lot, signed, at its moment: whoever adds them up has the lots of then. A
-- capture is none: its lots left when the hold was placed. What went to one bucket whole stands in
-- columns and never goes through JSON, and that is nine rows of ten.
--
-- It stands here once, as text. A view alone would not do: a join with some subscribers does not reach
-- into its branches, so the proof of those who got something new (prove.sql) would read the whole
-- journal. The view, the proofs, and what a month carries when it is detached are made of the same text.

-- What the postings of a table, or of a query in brackets, did to lots.
create function ledger.posted_movements(p_posting text) returns text
language sql immutable as $f$
    select replace($text$
        select p.subscriber_id, p.posted_at as moment, p.expires_on, p.fund, p.points
          from {posting} p
         where p.lots is null
        union all
        select p.subscriber_id, p.posted_at, (x ->> 0)::date, (x ->> 1)::integer, m.sign * (x ->> 2)::bigint
          from {posting} p,
               lateral (values (p.lots, case when p.points > 0 then 1 else -1 end), (p.given, 1)) m (lots, sign),
               jsonb_array_elements(m.lots) x
         where p.lots is not null and p.kind <> 7
    $text$, '{posting}', p_posting)
$f$;

-- These, what holds did, and what a detached month did, at the moment of the subscriber's last posting in it.
create function ledger.movements(p_posting text, p_hold text, p_carried_lot text) returns text
language sql immutable as $f$
    select ledger.posted_movements(p_posting) || replace(replace($text$
        union all
        select h.subscriber_id, h.placed_at, (x ->> 0)::date, (x ->> 1)::integer, -(x ->> 2)::bigint
          from {hold} h, jsonb_array_elements(h.lots) x
        union all
        select h.subscriber_id, h.closed_at, (x ->> 0)::date, (x ->> 1)::integer, (x ->> 2)::bigint
          from {hold} h, jsonb_array_elements(h.given_back) x
         where h.given_back is not null
        union all
        select c.subscriber_id, s.last_posted_at, c.expires_on, c.fund, c.points
          from {carried_lot} c join ledger.carried s on s.subscriber_id = c.subscriber_id and s.month = c.month
    $text$, '{hold}', p_hold), '{carried_lot}', p_carried_lot)
$f$;

do $$
begin
    execute 'create view ledger.movement as' || ledger.movements('ledger.posting', 'ledger.hold', 'ledger.carried_lot');
end $$;

-- What a posting adds to what its subscriber owes: a clawback that found no lots, less the lots that repaid
-- it; and debts that a merge moved, whose legs have no lots.
create function ledger.owed_by(p_kind smallint, p_points bigint, p_lots jsonb) returns bigint
language sql immutable as $$
    select case when p_kind = 5 then -p_points - ledger.lots_total(p_lots)
                when p_kind = 8 then -ledger.lots_total(p_lots)
                when p_kind in (9, 10) and p_lots = '[]' then -p_points
                else 0 end
$$;
