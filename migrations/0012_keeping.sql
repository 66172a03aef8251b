-- How long things are kept, and how one phone is forgotten.

-- One row for each kind of thing that is kept for a time (src/jobs/retention.ts), worked on like a delivery.
create table retention_work (
  kind      text primary key,
  -- The next look; under way: when its lease ends.
  due_at    timestamptz not null,
  -- Rows removed so far.
  removed   bigint not null default 0,
  worked_at timestamptz
);

-- Who was dialed when, from which number, under which id of the carrier: what is left of a call when its record goes.
create table dial_evidence (
  call_id            text primary key,
  key_id             text not null references api_keys,
  campaign_id        text,
  -- null: erased on request; its keyed hash tells whether it was a given phone.
  phone              text,
  phone_hash         bytea,
  from_number        text not null,
  carrier_account_id text not null,
  carrier_call_id    text,
  sent_at            timestamptz not null,
  status             text not null,
  duration_seconds   integer
);
create index dial_evidence_of_key on dial_evidence (key_id, sent_at);
create index dial_evidence_sent on dial_evidence (sent_at);
create index dial_evidence_of_phone on dial_evidence (phone) where phone is not null;

alter table calls
  -- What was said was removed for its age. erased_at also hides the call.
  add column forgotten_at timestamptz;
create index calls_to_forget on calls (ended_at) where forgotten_at is null and ended_at is not null;
create index campaigns_over on campaigns (ended_at) where ended_at is not null;
create index recipients_single_settled on recipients (settled_at) where settled and campaign_id is null;
create index deliveries_over on deliveries (settled_at) where state <> 'pending';
