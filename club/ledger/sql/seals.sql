-- Seals: what a closed day held, kept where the journal's owner alone cannot reach it. The rows of a
-- business day (of posted_at, in Asia/Tashkent) are digested, and each day's digest goes into the next
-- one's; the digests of single rows go into a file outside the database (`club/ledger/seals/`), so that
-- a row changed, removed or slipped in is named. Never in line: a chain in every posting's insert cost
-- 20-26 % of its speed.

create table ledger.seal (
    day       date        primary key,
    postings  bigint      not null,
    points    numeric     not null,
    previous  bytea       not null,               -- the digest of the day before
    digest    bytea       not null,
    sealed_at timestamptz not null default now()
);

create function ledger.refuse_unsealing() returns trigger
language plpgsql as $$
begin
    raise exception 'a seal is never changed' using errcode = 'LG422';
end $$;
create trigger seal_immutable before update or delete on ledger.seal
    for each row execute function ledger.refuse_unsealing();
create trigger seal_not_truncated before truncate on ledger.seal
    for each statement execute function ledger.refuse_unsealing();

-- What the nightly proof found, for whoever watches.
create table ledger.proof (
    proven_at timestamptz primary key default clock_timestamp(),
    since     date,                               -- null: everything
    until     date,                               -- the next one begins with this day; null: with everything
    breaches  integer not null
);

-- THE list of what a seal covers: all columns, by name, so that their order in the table is free.
-- record_send() is PostgreSQL's binary form: no DateStyle, time zone or bytea_output changes it, and it
-- tells null from empty and one column's end from the next one's beginning. Texts go in as UTF-8
-- octets, because a client's encoding would change them.
create view ledger.leaf as
select p.subscriber_id, p.posted_at, p.occurred_on, p.source, p.ref, p.points,
       (date_part('year', p.occurred_on) * 12 + date_part('month', p.occurred_on) - 1)::integer as month,
       substr(sha256(record_send(row(p.subscriber_id, p.occurred_on, p.source, convert_to(p.ref, 'UTF8')))), 1, 8) as key,
       sha256(record_send(row(
           p.subscriber_id, p.points, p.posted_at, p.counterparty_id, p.occurred_on, p.expires_on, p.reverses_on,
           p.fund, p.source, p.kind, p.contra, p.reverses_source, convert_to(p.ref, 'UTF8'), p.fingerprint,
           convert_to(p.lots::text, 'UTF8'), convert_to(p.given::text, 'UTF8'), convert_to(p.reverses_ref, 'UTF8'),
           convert_to(p.reason, 'UTF8'), convert_to(p.actor, 'UTF8')))) as content
  from ledger.every_posting p;

-- The day to be sealed next, what its seal is chained to, and how many transactions have to end before.
-- The day is null where nothing was ever posted, or the day after the last seal is not over.
create function ledger.next_to_seal(out day date, out previous bytea, out unfinished integer)
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    last record;
begin
    select s.day, s.digest into last from seal s order by s.day desc limit 1;
    if last.day is null then
        previous := decode(repeat('00', 32), 'hex');
        day := (select min(posted_at) at time zone 'Asia/Tashkent' from posting);
    else
        if clock_timestamp() < day_start(last.day + 1) then
            raise exception 'the clock went back: % is sealed already', last.day
                using errcode = 'LG417', detail = jsonb_build_object('after', last.day);
        end if;
        previous := last.digest;
        day := last.day + 1;
    end if;
    unfinished := unfinished_on(day);
    if unfinished is null then
        day := null;
    end if;
end $$;

-- Notes a day's seal. False when the very same is there already; each day once, in their order.
create function ledger.seal_day(p_day date, p_postings bigint, p_points numeric, p_previous bytea, p_digest bytea)
returns boolean
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    next   record;
    before bytea;
begin
    lock table ledger.seal in share row exclusive mode;
    select digest into before from seal where day = p_day;
    if before = p_digest then
        return false;
    elsif before is not null or p_day <= (select max(day) from seal) then
        raise exception 'the day % was sealed otherwise', p_day
            using errcode = 'LG417', detail = jsonb_build_object('after', (select max(day) from seal));
    end if;
    select * into next from next_to_seal();
    if p_day is distinct from next.day or p_previous <> next.previous then
        raise exception 'the days are sealed in their order, each when it is over: % is not next', p_day
            using errcode = 'LG422', detail = jsonb_build_object('day', p_day, 'next', next.day);
    elsif next.unfinished > 0 then
        raise exception '% transactions may still post on %', next.unfinished, p_day using errcode = 'LG422';
    end if;
    insert into seal (day, postings, points, previous, digest) values (p_day, p_postings, p_points, p_previous, p_digest);
    perform guard_clock(day_start(p_day + 1));
    return true;
end $$;

-- From now on nothing is stamped before this moment, even where the machine's clock goes back: else an
-- honest posting would lie in a sealed day. As the column's default it costs nothing. It locks the
-- journal for an instant; where somebody reads it for long, it is left to the next day's seal.
create function ledger.guard_clock(p_moment timestamptz) returns void
language plpgsql set search_path = ledger, pg_temp set lock_timeout = '200ms' as $$
begin
    execute format('alter table only ledger.posting alter column posted_at set default greatest(now(), %L::timestamptz)',
                   to_char(p_moment at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS+00'));
exception when lock_not_available then
    raise notice 'the journal is being read: its clock is guarded from the next seal on';
end $$;

-- All postings of the sealed days were there to be proven; of a day that is not sealed, some may have
-- been in a transaction that had not ended.
create function ledger.note_proof(p_since date, p_breaches integer) returns void
language plpgsql security definer set search_path = ledger, pg_temp as $$
begin
    insert into proof (since, until, breaches) values (p_since, (select max(day) + 1 from seal), p_breaches);
end $$;
