-- Months that left the journal. What later proofs and reads need of a detached month is carried
-- forward: per subscriber what it did to the balance, and what it did to each of their lots. The
-- month's own postings are in `past` (detach.sql) for as long as somebody keeps them.

create table ledger.detached_month (
    month       date        primary key,          -- its first day
    postings    bigint      not null,
    points      numeric     not null,
    detached_at timestamptz not null default now()
);

create table ledger.carried (
    subscriber_id  bigint      not null,
    points         bigint      not null,          -- sum of its postings
    arrears        bigint      not null,          -- what of them is owed since
    captured       bigint      not null,          -- holds whose posting is in it
    last_posted_at timestamptz not null,          -- all of it counts from here on
    month          date        not null,
    primary key (subscriber_id, month)
);

-- What postings did to lots; what holds did is in `hold`, which stays whole.
create table ledger.carried_lot (
    subscriber_id bigint  not null,
    month         date    not null,
    expires_on    date    not null,
    fund          integer not null,
    points        bigint  not null,
    primary key (subscriber_id, month, expires_on, fund)
);

-- What of programme_total came from its postings, so that the counted days stay provable.
create table ledger.carried_total (
    month     date     not null,
    day       date     not null,
    contra    smallint not null,
    fund      integer  not null,
    source    smallint not null,
    kind      smallint not null,
    points    numeric  not null,
    cancelled numeric  not null,
    postings  bigint   not null,
    primary key (month, day, contra, fund, source, kind)
);

create function ledger.is_detached(p_day date) returns boolean
language plpgsql stable as $$
begin
    return exists (select from ledger.detached_month where month = date_trunc('month', p_day)::date);
end $$;

-- Do the books take postings of this day?
create function ledger.takes(p_day date) returns boolean
language plpgsql stable as $$
begin
    return to_regclass('ledger.' || ledger.month_of(p_day)) is not null and not ledger.is_detached(p_day);
end $$;

-- Says why there is no such posting: it is too old to be known, or it has not come yet.
create function ledger.refuse_unknown(p_source smallint, p_ref text, p_day date) returns void
language plpgsql as $$
begin
    if ledger.is_detached(p_day) then
        raise exception 'the month of % was detached from the books: nothing of it is reversed', p_day
            using errcode = 'LG428', detail = jsonb_build_object('day', p_day, 'key', p_ref);
    end if;
    raise exception 'there is nothing to reverse: %/%/%', p_source, p_ref, p_day
        using errcode = 'LG404', detail = jsonb_build_object('key', p_ref);
end $$;
