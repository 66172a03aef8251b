-- A restored backup knows nothing of what was dialed after it was taken. Its carrier accounts dial nothing until the
-- carrier's own list of calls has been read (src/engine/reconcile-restored.ts).

alter table installation
  -- The instant of the backup this database was restored from, and when that was. null: it was not restored.
  add column backup_taken_at         timestamptz,
  add column restored_at             timestamptz,
  -- Recipients with a larger id came after the restore: no call from before it is theirs.
  add column last_restored_recipient bigint;

alter table carrier_accounts
  -- Calls that the carrier took since then may be ours and unknown to us: nothing is dialed. null: all are known.
  add column reconcile_since      timestamptz,
  -- When the reading began: what was dialed just before it needs time to show in the carrier's list.
  add column reconcile_started_at timestamptz,
  -- The next look; under way: when its lease ends.
  add column reconcile_due_at     timestamptz,
  -- Why it could not go on at the last look.
  add column reconcile_problem    text;
