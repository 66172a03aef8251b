-- Webhooks to the user: what is to be delivered, and the log of what was. A row is written in the transaction of the fact
-- it tells; what it says is read anew at every attempt.

alter table api_keys
  -- Signs deliveries (Standard Webhooks). null: made at first need.
  add column webhook_secret_encrypted            bytea,
  -- Signs beside the newer one until then.
  add column previous_webhook_secret_encrypted   bytea,
  add column previous_webhook_secret_valid_until timestamptz;

create table deliveries (
  -- The webhook-id header: the same for every attempt and replay, another one for every event and address.
  id              text primary key,
  key_id          text not null references api_keys,
  event           text not null,
  -- Whose address: the agent's, or one of the number's two.
  slot            text not null check (slot in ('agent', 'number', 'number_2')),
  -- Of the address when the event happened; deliveries to one host of a key take turns.
  host            text not null,
  -- Plain values: a delivery's log outlives what it told about.
  call_id         text,
  campaign_id     text,
  agent_id        text not null,
  phone_number_id text not null,
  state           text not null check (state in ('pending', 'delivered', 'failed')),
  -- The next attempt; under way: when its lease ends. null: none any more.
  due_at          timestamptz,
  -- Which claim holds it: an attempt that outlived its lease writes nothing.
  claims          integer not null default 0,
  attempts        integer not null default 0,
  -- Of the last attempt.
  url             text,
  attempted_at    timestamptz,
  duration_ms     integer,
  response_status integer,
  response_body   text,
  error           text,
  settled_at      timestamptz,
  created_at      timestamptz not null
) with (fillfactor = 80);
create index deliveries_pending on deliveries (key_id, host, due_at, id) where state = 'pending';
create index deliveries_due on deliveries (due_at) where state = 'pending';
create index deliveries_of_key on deliveries (key_id, created_at desc, id desc);
create index deliveries_settled on deliveries (key_id, state, settled_at desc, id desc) where state <> 'pending';
create index deliveries_of_call on deliveries (call_id) where call_id is not null;
