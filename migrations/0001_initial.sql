-- The tables of the main job. Instants are timestamptz and always come from a parameter, never from the server's own clock.
-- A column named in a partial index's predicate cannot be updated in place (HOT), so queues index a flag that changes
-- twice in a row's life (claimable, open, settled) and never a status.

-- One row for the whole installation: the operator's token and the operator's emergency stop.
create table installation (
  only_one            boolean primary key default true check (only_one),
  operator_token_hash bytea,
  dialing_stopped_at  timestamptz,
  dialing_stop_reason text
);
insert into installation (only_one) values (true);

-- An API key is the tenant: everything below belongs to one.
create table api_keys (
  id                    text primary key,
  name                  text,
  secret_hash           bytea not null,
  concurrent_call_limit integer not null check (concurrent_call_limit between 0 and 10000),
  allowed_countries     text[],
  max_calls_per_day     integer check (max_calls_per_day >= 0),
  created_at            timestamptz not null,
  rotated_at            timestamptz,
  revoked_at            timestamptz
);

create table agents (
  id         text primary key,
  uuid       uuid not null unique,
  key_id     text not null references api_keys,
  name       text not null,
  is_active  boolean not null,
  timezone   text,
  settings   jsonb not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  deleted_at timestamptz
);
create index agents_of_key on agents (key_id, created_at desc) where deleted_at is null;

-- One row per account at a carrier, shared by every key that imported a number of it: pace, concurrency and health.
create table carrier_accounts (
  id                            text primary key,
  carrier_account_id            text not null unique,
  auth_token_encrypted          bytea not null,
  previous_token_encrypted      bytea,
  previous_token_valid_until    timestamptz,
  account_type                  text not null check (account_type in ('trial', 'full')),
  calls_per_second              double precision not null check (calls_per_second > 0),
  max_concurrent_calls          integer check (max_concurrent_calls >= 0),
  -- The first instant that no call has reserved yet.
  next_dial_at                  timestamptz not null,
  -- 1 = the configured pace; lowered while the carrier queues or throttles our calls.
  pace_factor                   double precision not null default 1 check (pace_factor > 0 and pace_factor <= 1),
  pace_recovers_at              timestamptz,
  backoff_until                 timestamptz,
  consecutive_throttles         integer not null default 0,
  -- A concurrency limit learned from the carrier's refusals, below the configured one, until the instant beside it.
  learned_concurrency           integer,
  learned_concurrency_until     timestamptz,
  -- The first callback of the account has arrived: our public address works.
  proven_at                     timestamptz,
  consecutive_silent_models     integer not null default 0,
  paused_at                     timestamptz,
  pause_reason                  text,
  created_at                    timestamptz not null
);

create table phone_numbers (
  id                text primary key,
  phone             text not null unique,
  key_id            text not null references api_keys,
  agent_id          text references agents,
  account_id        text not null references carrier_accounts,
  carrier_number_id text,
  outbound_enabled  boolean not null default true,
  settings          jsonb not null,
  -- The carrier refused to call from it.
  benched_at        timestamptz,
  bench_reason      text,
  created_at        timestamptz not null,
  updated_at        timestamptz not null
);
create index phone_numbers_of_key on phone_numbers (key_id, created_at desc);
create index phone_numbers_of_agent on phone_numbers (agent_id);

-- status: scheduled -> running <-> paused -> completed, canceled or failed (src/domain/campaign-life.ts).
create table campaigns (
  id                      text primary key,
  key_id                  text not null references api_keys,
  agent_id                text not null references agents,
  -- Kept as a plain value: a deleted number must not change what the campaign says it dials from.
  phone_number_id         text not null,
  from_number             text not null,
  name                    text,
  prompt                  text not null,
  status                  text not null check (status in
                            ('scheduled', 'running', 'paused', 'completed', 'canceled', 'failed')),
  status_reason           text,
  schedule_type           text not null check (schedule_type in ('now', 'schedule')),
  scheduled_date          date,
  window_start_minutes    integer,
  window_end_minutes      integer,
  window_days             text[],
  timezone                text not null,
  zone_data_version       text not null,
  -- Only windows that open at or after this instant count (the scheduled day); null: any window.
  windows_open_from       timestamptz,
  -- The current or next interval [opens_at, closes_at) in which it may dial.
  opens_at                timestamptz not null,
  closes_at               timestamptz not null,
  -- A launch by hand dials outside the window until here.
  window_overridden_until timestamptz,
  launched_at             timestamptz,
  body_hash               bytea,
  recipients_count        integer not null,
  invalid_count           integer not null,
  duplicate_count         integer not null default 0,
  -- Waiting recipients of a canceled or failed campaign are still being closed.
  closing                 boolean not null default false,
  last_claimed_at         timestamptz,
  created_at              timestamptz not null,
  started_at              timestamptz,
  ended_at                timestamptz
);
create index campaigns_of_key on campaigns (key_id, created_at desc, id desc);
create index campaigns_same_body on campaigns (key_id, body_hash, created_at desc) where body_hash is not null;
create index campaigns_to_fire on campaigns (opens_at) where status = 'scheduled';
create index campaigns_window_over on campaigns (closes_at) where status in ('scheduled', 'running', 'paused');
create index campaigns_running on campaigns (last_claimed_at) where status = 'running';
create index campaigns_closing on campaigns (id) where closing;

-- The list, and the queue. A recipient without a campaign is that of a single outbound call.
-- state: waiting <-> calling -> reached, voicemail, not_reached, failed, invalid, not_permitted, suppressed, expired,
-- canceled or uncertain.
create table recipients (
  id              bigint generated always as identity primary key,
  campaign_id     text references campaigns,
  key_id          text not null references api_keys,
  -- Only for a single call, which has no campaign to take them from.
  agent_id        text references agents,
  phone_number_id text,
  row_index       integer not null,
  phone           text not null,
  variables       jsonb not null,
  prompt_override text,
  state           text not null default 'waiting' check (state in
                    ('waiting', 'calling', 'reached', 'voicemail', 'not_reached', 'failed', 'invalid', 'not_permitted',
                     'suppressed', 'expired', 'canceled', 'uncertain')),
  state_reason    text,
  -- Waiting, and a claim may take it once due_at has come.
  claimable       boolean not null default true,
  -- Waiting for another call to the same phone to end; then claimable again.
  waits_for_phone boolean not null default false,
  settled         boolean not null default false,
  due_at          timestamptz not null,
  attempts        integer not null default 0,
  -- Ambiguous dials so far: after the second a person decides.
  unknown_dials   integer not null default 0,
  -- A call that was made for it and never reached the carrier; the next claim uses it again.
  queued_call_id  text,
  settled_at      timestamptz
) with (fillfactor = 75);
create unique index recipients_row on recipients (campaign_id, row_index) where campaign_id is not null;
create index recipients_claimable on recipients (campaign_id, due_at, id) where claimable;
create index recipients_waiting_for_phone on recipients (key_id, phone) where waits_for_phone;
create index recipients_unsettled on recipients (campaign_id, id) where not settled;
create index recipients_of_phone on recipients (key_id, phone);

-- One try at one recipient; the unit of lease and retry.
-- status: queued -> reserved -> dialing -> ringing -> in_progress -> completed, busy, no_answer, failed, canceled or
-- uncertain (src/domain/call-life.ts).
create table calls (
  id                     text primary key,
  key_id                 text not null references api_keys,
  campaign_id            text references campaigns,
  -- A single call may name a campaign for reports only.
  report_campaign_id     text,
  recipient_id           bigint not null references recipients,
  agent_id               text not null references agents,
  phone_number_id        text not null,
  account_id             text not null references carrier_accounts,
  from_number            text not null,
  to_number              text not null,
  attempt                integer not null,
  -- How often this call was asked of the carrier; part of every callback address.
  dial_number            integer not null default 0,
  status                 text not null check (status in
                           ('queued', 'reserved', 'dialing', 'ringing', 'in_progress', 'completed', 'busy', 'no_answer',
                            'failed', 'canceled', 'uncertain')),
  -- Holds a slot of its key.
  open                   boolean not null,
  lease_owner            text,
  lease_until            timestamptz,
  dial_at                timestamptz,
  sent_at                timestamptz,
  -- No byte of the request was written after this instant.
  last_byte_at           timestamptz,
  unknown_at             timestamptz,
  look_ups               integer not null default 0,
  -- When to ask the carrier, unless it reports first.
  look_up_at             timestamptz,
  carrier_call_id        text,
  -- Busy before it ever rang: the person's line, or the carrier's limit? Asked before it is believed.
  busy_at                timestamptz,
  -- Asked to end: how, and what becomes of the recipient then.
  end_requested          text check (end_requested in ('cancel', 'hang_up')),
  end_then               text check (end_then in ('requeue', 'settle')),
  end_due_at             timestamptz,
  -- Said by the conversation before it hangs up; the carrier's final status then takes it as the reason.
  end_cause              text,
  ended_reason           text,
  error_code             integer,
  error_message          text,
  sip_response_code      integer,
  ringing_at             timestamptz,
  answered_at            timestamptz,
  ended_at               timestamptz,
  duration_seconds       integer,
  answered_by            text check (answered_by in ('human', 'machine', 'fax', 'unknown')),
  carrier_verdict        text,
  greeting               text,
  voice_process          text,
  relay_session_id       text,
  last_frame_at          timestamptz,
  model_asked_at         timestamptz,
  model_first_token_at   timestamptz,
  avg_latency_ms         integer,
  transcript             jsonb,
  created_at             timestamptz not null,
  erased_at              timestamptz
) with (fillfactor = 70);
create unique index calls_one_open_per_recipient on calls (recipient_id) where open;
create unique index calls_one_open_per_phone on calls (key_id, to_number) where open;
create unique index calls_of_carrier on calls (account_id, carrier_call_id) where carrier_call_id is not null;
create index calls_open_of_account on calls (account_id) where open;
create index calls_to_look_up on calls (look_up_at) where open;
create index calls_to_end on calls (end_due_at) where end_due_at is not null;
create index calls_of_key on calls (key_id, created_at desc, id desc);
create index calls_of_campaign on calls (campaign_id, created_at desc, id desc) where campaign_id is not null;
create index calls_of_report_campaign on calls (report_campaign_id) where report_campaign_id is not null;
create index calls_of_recipient on calls (recipient_id);
create index calls_sent_of_key on calls (key_id, sent_at) where sent_at is not null;

-- The right to one open call under a key's limit: one row per allowed call. A held slot names its call and is freed in the
-- statement that ends it, so it cannot leak.
create table slots (
  key_id   text not null references api_keys,
  number   integer not null,
  call_id  text unique,
  -- The limit was lowered while it was held: it goes away with its call.
  retiring boolean not null default false,
  primary key (key_id, number)
) with (fillfactor = 70);
create index slots_free on slots (key_id) where call_id is null;

-- What happened to a call, in order of arrival; never changed, the evidence behind its state.
create table call_events (
  id      bigint generated always as identity primary key,
  call_id text not null references calls,
  at      timestamptz not null,
  kind    text not null,
  facts   jsonb not null
);
create index call_events_of_call on call_events (call_id, id);

-- A number that must not be called. key_id null: for the whole installation.
create table suppressions (
  id         text primary key,
  key_id     text references api_keys,
  phone      text not null,
  reason     text,
  source     text not null,
  created_at timestamptz not null
);
create unique index suppressions_of_key on suppressions (key_id, phone) where key_id is not null;
create unique index suppressions_of_installation on suppressions (phone) where key_id is null;

-- Processes that are alive, and how many conversations each can hold.
create table processes (
  id                 text primary key,
  roles              text[] not null,
  max_voice_sessions integer not null,
  voice_sessions     integer not null default 0,
  started_at         timestamptz not null,
  heartbeat_at       timestamptz not null
);

create table idempotency_keys (
  key_id          text not null references api_keys,
  idempotency_key text not null,
  request_hash    bytea not null,
  -- null while the request is in work.
  response_status integer,
  response_body   text,
  created_at      timestamptz not null,
  expires_at      timestamptz not null,
  -- A request in work whose process died may be taken over after this instant.
  locked_until    timestamptz not null,
  primary key (key_id, idempotency_key)
);
create index idempotency_keys_expired on idempotency_keys (expires_at);
