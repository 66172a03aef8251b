-- What a model made of a conversation after its end. One row per call, worked on like a delivery; another run is another
-- version, and the results of the one before stay until it is done.
create table call_analyses (
  call_id     text primary key references calls,
  key_id      text not null references api_keys,
  version     integer not null default 1,
  -- pending, then done, skipped (too short) or failed.
  state       text not null check (state in ('pending', 'done', 'skipped', 'failed')),
  -- The next try; under way: when its lease ends.
  due_at      timestamptz,
  claims      integer not null default 0,
  attempts    integer not null default 0,
  summary     text,
  successful  boolean,
  sentiment   text check (sentiment in ('happy', 'neutral', 'frustrated')),
  extracted   jsonb not null default '{}',
  evidence    jsonb not null default '{}',
  -- The answer that could not be read, and why.
  raw_text    text,
  error       text,
  settled_at  timestamptz,
  created_at  timestamptz not null
);
create index call_analyses_due on call_analyses (due_at, call_id) where state = 'pending';
