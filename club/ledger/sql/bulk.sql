-- Accruals from a file of millions: copied into a stage as they are, laid out in the order of the
-- accounts, and posted in chunks by as many workers as there are cores. A chunk is a transaction of its
-- own and every line has its key, so a run that was killed is simply begun again.
--
-- The stage is a table of the run, not logged: what a crash takes of it is in the file still. In the
-- accounts' order each page of accounts and of the journal's key is met once, not once a line.

-- Every column refuses by itself what no chunk could post, so that the copy names the line. A constraint
-- bears the name of its column. Days are those that a client can read: a lot until infinity would stop
-- whoever looks at its account.
create function ledger.make_stage(p_stage text, p_ref_bytes_max integer) returns void
language plpgsql security definer set search_path = ledger, pg_temp as $$
begin
    perform drop_left_stages();
    perform pg_advisory_lock(stage_lock(stage_name(p_stage)));   -- for as long as the run lives
    execute format(
        'create unlogged table ledger.%I ('
        ' ref text not null constraint ref check (octet_length(ref) between 1 and %s),'
        ' subscriber_id bigint not null constraint subscriber_id check (subscriber_id > 0),'
        ' points bigint not null constraint points check (points between 1 and 1000000000000),'
        ' occurred_on date not null,'
        ' expires_on date not null constraint expires_on check (expires_on between ''0001-01-01'' and ''9999-12-31''),'
        ' fund text not null)', stage_name(p_stage), p_ref_bytes_max);
    if exists (select from pg_roles where rolname = 'club_app') then
        execute format('grant insert, select on ledger.%I to club_app', stage_name(p_stage));
    end if;
end $$;

-- Those of runs that were killed.
create function ledger.drop_left_stages() returns void
language plpgsql as $$
declare
    left_behind record;
begin
    for left_behind in
        select relname as name, ledger.stage_lock(regexp_replace(relname, '_ordered$', '')) as lock
          from pg_class where relnamespace = 'ledger'::regnamespace and relkind = 'r' and relname ~ '^stage_[0-9a-f]+(_ordered)?$'
    loop
        if pg_try_advisory_xact_lock(left_behind.lock) then
            execute format('drop table if exists ledger.%I', left_behind.name);
        end if;
    end loop;
end $$;

create function ledger.stage_lock(p_name text) returns bigint
language sql immutable as $$
    select hashtextextended(p_name, 20)
$$;

create function ledger.stage_name(p_stage text) returns text
language plpgsql immutable as $$
begin
    if p_stage !~ '^[0-9a-f]{8,32}$' then
        raise exception 'a stage is named by 8 to 32 hexadecimal digits' using errcode = 'LG422';
    end if;
    return 'stage_' || p_stage;
end $$;

-- Puts the stage in order; answers how many lines and how many blocks it has. Raises LG411 for a fund
-- that the books do not have, LG424 for a day without a month: before anything is posted.
create function ledger.order_stage(p_stage text, out lines bigint, out blocks bigint)
language plpgsql security definer set search_path = ledger, pg_temp set work_mem = '256MB' as $$
declare
    raw  constant text := stage_name(p_stage);
    line record;
begin
    execute format('select s.fund from (select distinct fund from ledger.%I) s'
                   ' where not exists (select from ledger.fund f where f.code = s.fund) limit 1', raw) into line;
    if line.fund is not null then
        raise exception 'the books have no fund %', line.fund using errcode = 'LG411', detail = jsonb_build_object('fund', line.fund);
    end if;
    execute format('select m.month from (select distinct date_trunc(''month'', occurred_on)::date as month from ledger.%I) m'
                   ' where not exists (select from pg_inherits where inhparent = ''ledger.posting''::regclass'
                   '                      and inhrelid = to_regclass(''ledger.'' || ledger.month_of(m.month))) limit 1', raw)
       into line;
    if line.month is not null then
        raise exception 'the books have no month for %', line.month using errcode = 'LG424', detail = jsonb_build_object('day', line.month);
    end if;
    execute format(
        'create unlogged table ledger.%I as select s.subscriber_id, s.ref, s.occurred_on, s.points, s.expires_on, f.fund'
        '  from ledger.%I s join ledger.fund f on f.code = s.fund order by s.subscriber_id %% 4, s.subscriber_id', raw || '_ordered', raw);
    get diagnostics lines = row_count;
    blocks := pg_relation_size(format('ledger.%I', raw || '_ordered')) / current_setting('block_size')::bigint;
    execute format('drop table ledger.%I', raw);
end $$;

-- Posts the lines in p_blocks blocks from p_first on, as post_many does, their refs behind p_prefix.
create function ledger.post_stage(
    p_stage text, p_source smallint, p_prefix text, p_first bigint, p_blocks bigint,
    out fresh integer, out replayed integer, out conflicts text[])
language plpgsql security definer set search_path = ledger, pg_temp as $$
declare
    b record;
begin
    execute format(
        'select array_agg(subscriber_id) as s, array_agg($1 || ref) as r, array_agg(occurred_on) as d, array_agg(points) as n,'
        '       array_agg(expires_on) as e, array_agg(fund) as f,'
        '       array_agg(substr(sha256(convert_to(concat_ws('','', points, expires_on - date ''2000-01-01'', fund), ''UTF8'')), 1, 16)) as h'
        '  from ledger.%I where ctid >= $2 and ctid < $3', stage_name(p_stage) || '_ordered')
       into b using p_prefix, format('(%s,0)', p_first)::tid, format('(%s,0)', p_first + p_blocks)::tid;
    if b.s is null then
        fresh := 0;
        replayed := 0;
        conflicts := '{}';
    else
        select m.fresh, m.replayed, m.conflicts into fresh, replayed, conflicts
          from post_many(p_source, b.s, b.r, b.d, b.n, b.e, b.f, b.h) m;
    end if;
end $$;

create function ledger.drop_stage(p_stage text) returns void
language plpgsql security definer set search_path = ledger, pg_temp as $$
begin
    execute format('drop table if exists ledger.%I, ledger.%I', stage_name(p_stage), stage_name(p_stage) || '_ordered');
    perform pg_advisory_unlock(stage_lock(stage_name(p_stage)));
end $$;
