-- Phones that are erased on request, and the receipts of it.

create table erasures (
  id              text primary key,
  -- null: over all keys, for the operator.
  key_id          text references api_keys,
  -- Keyed: tells whether a receipt is about a given phone, and not which phone it is about.
  phone_hash      bytea not null,
  -- Only while the work is under way.
  phone_encrypted bytea,
  state           text not null check (state in ('pending', 'done')),
  -- The next step; under way: when its lease ends. null: done.
  due_at          timestamptz,
  -- What was erased and what stays, by kind.
  counts          jsonb not null default '{}',
  requested_at    timestamptz not null,
  done_at         timestamptz
);
create unique index erasures_pending on erasures (coalesce(key_id, ''), phone_hash) where state = 'pending';
create index erasures_due on erasures (due_at) where state = 'pending';
create index erasures_of_key on erasures (key_id, requested_at desc, id desc);
