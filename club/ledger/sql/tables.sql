-- Points as money: the tables. Written as SQL because the database itself keeps the books' laws:
-- partitions, checks and grants say what no ORM can promise to other writers.
--
--   account   the balance and its lots (points left, by expiry and fund), one row a subscriber; its
--             row lock is THE lock of all that is theirs
--   posting   the journal: append-only, one row = two legs (the subscriber and a programme account),
--             so the books balance by construction
--   hold      points set aside for an order, out of their lots at once
--   pending   promised points: an accrual that waits for its moment, and may be withdrawn until then
--
-- An account belongs to a subscriber, or, with a number below zero, to a family pot: both are paid,
-- spent from, held and proved alike.
--
-- The law of the books, for every subscriber:  posted = sum of lots + held - arrears
--
-- Lock order, everywhere: account -> hold, pending, posting; several accounts in ascending
-- subscriber_id. Nobody reaches what is below an account without holding it, so nothing below is
-- ever waited for. Every key begins with subscriber_id and nothing refers to another subscriber's
-- rows: the schema distributes by subscriber_id.
--
-- Errors: SQLSTATEs LG4xx with their values as JSON in DETAIL; `errors.py` has the list.
-- Days are business days given by the caller, never current_date: late events and tests bring
-- their own. expires_on is the last day on which points are good.

create schema ledger;

create table ledger.account (
    subscriber_id bigint   primary key,
    lot_keys      bigint[] not null default '{}', -- the lots: their buckets (see lots.sql), sorted, none empty
    lot_points    bigint[] not null default '{}', -- and how many points are in each
    posted        bigint   not null default 0,    -- sum of the journal
    version       bigint   not null default 0,    -- counts changes
    held          bigint   not null default 0,    -- sum of the open holds
    arrears       bigint   not null default 0,    -- clawed back after being spent
    active_on     date,                           -- last day its owner earned or spent
    -- The database itself refuses an overdraft, of the whole and of each lot. In few words, because a
    -- check is read and compiled anew at every write.
    constraint no_overdraft check (least(posted - held + arrears, held, arrears) >= 0 and 0 < all (lot_points))
) with (fillfactor = 70);                         -- room for HOT updates: no index but the key, ever
-- What most writes change stands side by side, in the order above: PostgreSQL logs an update from the
-- first byte that differs to the last.

-- Columns of eight bytes first: no padding. No checks: every single insert reads and compiles a
-- table's checks anew (this one's only one took a tenth of an accrual). The verbs are the only
-- writers, and `prove` names what breaks a law.
create table ledger.posting (
    subscriber_id   bigint      not null,
    points          bigint      not null,         -- the subscriber's leg; the programme's is -points
    posted_at       timestamptz not null default now(),
    counterparty_id bigint,                       -- transfers: the other subscriber
    occurred_on     date        not null,         -- told by the event: a retry meets its partition
    expires_on      date,                         -- accruals and expiries: their bucket
    reverses_on     date,
    fund            integer     not null default 0,   -- who pays (campaign, partner); 0 = operator
    source          smallint    not null,         -- whose event; 0 = the ledger itself
    kind            smallint    not null,
        -- 1 accrual  2 spend  3 expiry  4 return: a debit reversed  5 clawback: a credit reversed
        -- 6 adjustment  7 capture of a hold  8 repayment: lots that paid arrears (0 points: the
        -- balance went down before)  9 transfer out  10 transfer in  11 lots moved to a later date
        -- (0 points)  12 opening balance  13 fee of a transfer  14 forfeit: the owner has left
    contra          smallint    not null,
        -- programme account: 10 issued  20 redeemed  30 expired  40 transfers  50 adjusted
        -- 60 fees  70 opening balances  0 none
    reverses_source smallint,
    ref             text        not null,         -- the source's own id of the event
    fingerprint     bytea       not null,         -- stands for the content behind the key
    lots            jsonb,
        -- [[expires_on, fund, points], ...]: what a debit took, or where a return gave;
        -- null on a plain credit and on an expiry: all of it went to, or was, (expires_on, fund)
    given           jsonb,                        -- kind 11: where the taken lots went
    reverses_ref    text,
    reason          text,                         -- a code: why staff adjusted, gift, merge, goodwill:BUDGET
    actor           text,                         -- staff or partner, where a person did it
    -- The idempotency key is the primary key. In this order a statement, newest day first, is read
    -- straight from it, and the journal needs no second index (each costs an accrual 5-20 %).
    primary key (subscriber_id, occurred_on, source, ref)
) partition by range (occurred_on);

-- Rows arrive in posted_at order, so some kilobytes of BRIN find a day for sealing.
create index posting_posted_at on ledger.posting
    using brin (posted_at) with (pages_per_range = 32, autosummarize = on);

create table ledger.hold (
    subscriber_id bigint      not null,
    hold_id       uuid        not null,           -- the client's idempotency key
    points        bigint      not null,
    captured      bigint      not null default 0,
    placed_at     timestamptz not null default now(),
    expires_at    timestamptz,                    -- null = pinned: nobody knows yet, never swept
    closed_at     timestamptz,
    state         smallint    not null default 1, -- 1 open  2 captured  3 released
    fingerprint   bytea       not null,
    lots          jsonb       not null,           -- what it took
    given_back    jsonb,                          -- where the rest went
    primary key (subscriber_id, hold_id)          -- no checks, as in the journal
) with (fillfactor = 70);
-- The sweep's, and nobody else's: those who ask for one hold say `state = 1`, which this condition does not
-- follow from. With the same words, statistics of a quiet hour (nearly none open) made closing one hold
-- read all the open ones: ten times slower with 13,000.
create index hold_open on ledger.hold (expires_at) where closed_at is null;

create table ledger.pending (
    subscriber_id bigint      not null,
    points        bigint      not null,
    noted_at      timestamptz not null default now(),
    promised_at   timestamptz not null,
    closed_at     timestamptz,
    occurred_on   date        not null,
    expires_on    date        not null,
    fund          integer     not null,
    source        smallint    not null,
    state         smallint    not null default 1, -- 1 promised  2 kept  3 withdrawn  4 moved to a successor
    ref           text        not null,
    fingerprint   bytea       not null,
    -- The key of the posting it will become.
    primary key (subscriber_id, occurred_on, source, ref),
    check (points > 0 and (state = 1) = (closed_at is null))
);
create index pending_due on ledger.pending (promised_at) where closed_at is null;   -- the same
create index pending_open on ledger.pending (subscriber_id) where state = 1;

-- Who pays. Small and rarely written: a reference table where the books are distributed.
create table ledger.fund (
    fund integer primary key check (fund >= 0),
    code text    not null unique,
    name text    not null
);
insert into ledger.fund values (0, 'operator', 'The operator');

-- What staff may give away as goodwill. A row that every gift updates, which is fit for the pace of
-- people; campaigns pay from a fund, and never queue here.
create table ledger.budget (
    code        text    primary key,
    fund        integer not null references ledger.fund,
    points      bigint  not null check (points > 0),
    spent       bigint  not null default 0,
    valid_from  date    not null,
    valid_until date    not null,
    check (spent between 0 and points and valid_from <= valid_until)
);

-- After a SIM swap or a change of owner nobody sends points away for a while.
create table ledger.freeze (
    subscriber_id bigint      primary key,
    frozen_until  timestamptz not null,
    reason        text        not null            -- sim_swap, owner_changed, staff
);

-- Family pots: the pot's points are the account pot_id (below zero).
create table ledger.pot (
    pot_id    bigint      primary key check (pot_id < 0),
    owner_id  bigint      not null check (owner_id > 0),
    spent_by  smallint    not null,               -- 1 the owner  2 every member
    opened_at timestamptz not null default now(),
    closed_at timestamptz
);

create table ledger.pot_invitation (
    subscriber_id bigint      not null,
    pot_id        bigint      not null,
    valid_until   timestamptz not null,
    primary key (subscriber_id, pot_id)
);
create index pot_invitation_of on ledger.pot_invitation (pot_id);

-- A stake is what of the pot was the member's when somebody last paid in: since then, what was spent
-- or came back shrinks or grows all stakes alike.
create table ledger.pot_member (
    subscriber_id bigint      not null check (subscriber_id > 0),
    pot_id        bigint      not null,
    stake         bigint      not null default 0 check (stake >= 0),
    joined_at     timestamptz not null default now(),
    left_at       timestamptz,
    primary key (subscriber_id, pot_id)
);
create unique index pot_member_now on ledger.pot_member (subscriber_id) where left_at is null;   -- one at a time
create index pot_member_of on ledger.pot_member (pot_id) where left_at is null;

-- Accounts that gave way to another one: a number that changed, a pot that was closed. What still
-- comes to them goes there.
create table ledger.successor (
    subscriber_id bigint      primary key,
    successor_id  bigint      not null check (successor_id > 0),
    since         timestamptz not null default now(),
    check (subscriber_id <> successor_id)
);

-- The programme's leg, made after the fact by a job and never in line: one programme row that every
-- posting updates would be a queue (measured: 3.5 times slower).
create table ledger.programme_total (
    day       date     not null,                  -- of posted_at, in Asia/Tashkent
    contra    smallint not null,
    fund      integer  not null,                  -- whose points moved: of each lot, its own
    source    smallint not null,
    kind      smallint not null,
    points    numeric  not null,                  -- the programme's leg
    cancelled numeric  not null,                  -- clawed back of what this fund gave, whoever's lots paid
    postings  bigint   not null,                  -- each counted once, under the first of its funds
    primary key (day, contra, fund, source, kind)
);

-- The days that are in programme_total, without a gap; one on which nothing was posted is here alone.
create table ledger.programme_day (
    day        date        primary key,
    counted_at timestamptz not null default now()
);

-- The classic two rows, for whoever expects them.
create view ledger.entry as
    select subscriber_id, occurred_on, source, ref, 'subscriber' as leg, null::smallint as contra, points
      from ledger.posting
    union all
    select subscriber_id, occurred_on, source, ref, 'programme', contra, -points
      from ledger.posting;
