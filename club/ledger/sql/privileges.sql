-- The owner runs migrations. The application may connect as club_app, which reads everything, calls
-- the verbs and writes no table of the ledger: the verbs are SECURITY DEFINER with a fixed
-- search_path. Where this role may not create roles, club_app is made by the database's keeper
-- beforehand, or is not used; triggers and checks hold in any case.
revoke all on all functions in schema ledger from public;

do $$
begin
    if not exists (select from pg_roles where rolname = 'club_app') then
        create role club_app nologin;
    end if;
exception
    when insufficient_privilege or duplicate_object or unique_violation then
        raise notice 'club_app was not created here';
end $$;

do $$
begin
    if not exists (select from pg_roles where rolname = 'club_app') then
        return;
    end if;
    grant usage on schema ledger to club_app;
    grant select on all tables in schema ledger to club_app;
    grant execute on function
        ledger.accrue, ledger.post_many, ledger.make_stage, ledger.order_stage, ledger.post_stage,
        ledger.drop_stage, ledger.promise_many, ledger.keep_promises, ledger.withdraw_promise,
        ledger.spend, ledger.hold_points, ledger.close_hold, ledger.extend_hold,
        ledger.release_expired_holds, ledger.reverse_posting, ledger.expire_due, ledger.lock_accounts,
        ledger.transfer, ledger.reverse_transfer, ledger.freeze_transfers, ledger.unfreeze_transfers,
        ledger.forfeit,
        ledger.refuse_untold, ledger.lots_at, ledger.arrears_at, ledger.held_at, ledger.pending_at,
        ledger.count_day, ledger.programme, ledger.prove_totals, ledger.day_is_closed,
        ledger.transferable, ledger.sent, ledger.merge, ledger.follow_successors,
        ledger.open_pot, ledger.invite_to_pot, ledger.join_pot, ledger.pay_into_pot, ledger.spend_from_pot,
        ledger.hold_from_pot, ledger.leave_pot, ledger.close_pot,
        ledger.adjust, ledger.goodwill, ledger.make_fund, ledger.make_budget, ledger.pin_hold, ledger.unpin_hold,
        ledger.extend_lots, ledger.extend_many, ledger.expire_inactive,
        ledger.make_months, ledger.lots_total, ledger.spendable, ledger.over_points, ledger.points_below,
        ledger.lot_key, ledger.lot_day, ledger.lot_fund, ledger.statement, ledger.leg_ref, ledger.owed_by,
        ledger.prove, ledger.prove_since, ledger.prove_months, ledger.prove_sums, ledger.reconcile, ledger.absent_months,
        ledger.sums_between, ledger.lots_between, ledger.totals_between, ledger.is_detached, ledger.takes, ledger.month_of, ledger.day_start,
        ledger.next_to_seal, ledger.seal_day, ledger.note_proof, ledger.attach_past
        to club_app;
    if not pg_has_role(current_user, 'club_app', 'member') then
        execute format('grant club_app to %I', current_user);
    end if;
exception
    when insufficient_privilege then
        raise notice 'club_app was not granted to %', current_user;
end $$;
