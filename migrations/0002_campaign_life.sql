-- What a campaign's whole life needs beside the main job: an end, retries, a share of the pace, zones of its recipients,
-- earlier wordings of its prompt, and a cap on how often one phone is called.

alter table campaigns
  -- Who was not reached by then ends as expired.
  add column expires_at       timestamptz,
  -- Turns in a claim, against the key's other campaigns.
  add column pacing_share     integer not null default 1 check (pacing_share between 1 and 100),
  -- Calls claimed so far, each counted as 1 / pacing_share: the campaign of a key with the least is next.
  add column pacing_turn      double precision not null default 0,
  -- src/domain/retry-policy.ts; null: one call per recipient.
  add column retry_policy     jsonb,
  -- recipient: the window runs in the zones of each recipient (zone_groups), and opens_at is the first of their openings.
  add column zone_mode        text not null default 'campaign' check (zone_mode in ('campaign', 'recipient')),
  add column prompt_version   integer not null default 1,
  add column suppressed_count integer not null default 0;
create index campaigns_to_expire on campaigns (expires_at)
  where expires_at is not null and status in ('scheduled', 'running', 'paused');

-- Wordings that an edit replaced: a call keeps the one it was dialed with.
create table campaign_prompts (
  campaign_id text not null references campaigns,
  version     integer not null,
  prompt      text not null,
  primary key (campaign_id, version)
);

-- Recipients of one campaign that may be called in the same hours: those of one set of zones. Only for zone_mode recipient.
create table zone_groups (
  campaign_id       text not null references campaigns,
  number            integer not null check (number > 0),
  -- Sorted, without repeats; the window must be open in all of them.
  zones             text[] not null,
  -- The current or next interval [opens_at, closes_at) of the common window; infinity: there is none any more.
  opens_at          timestamptz not null,
  closes_at         timestamptz not null,
  zone_data_version text not null,
  primary key (campaign_id, number),
  unique (campaign_id, zones)
);
create index zone_groups_over on zone_groups (closes_at);
create index zone_groups_to_open on zone_groups (opens_at);

alter table recipients
  -- 0: the campaign's own window. Else a number of zone_groups.
  add column zone_group integer not null default 0,
  -- Why due_at lies ahead.
  add column due_reason text check (due_reason in ('retry', 'cap', 'callback'));
drop index recipients_claimable;
create index recipients_claimable on recipients (campaign_id, zone_group, due_at, id) where claimable;

alter table calls
  -- The wording of the campaign's prompt that it was dialed with.
  add column prompt_version integer;
-- Every dial of a phone, for the cap over all campaigns of a key.
create index calls_sent_to_phone on calls (key_id, to_number, sent_at desc) where sent_at is not null;

alter table api_keys
  -- Calls to one phone over all campaigns, per rolling period: {"per_24_hours", "per_7_days", "per_30_days"}.
  add column max_calls_per_recipient jsonb;

-- Until when a phone's caps are used up at `at`; null: it may be called. A cap of n is used up until its n-th newest dial
-- is as old as the period. Periods in hours: a day of 24 hours, whatever the clocks do.
create function capped_until(for_key text, to_phone text, caps jsonb, at timestamptz) returns timestamptz
language sql stable as $$
  select max(dial.free_at)
  from (values ((caps ->> 'per_24_hours')::integer, interval '24 hours'),
               ((caps ->> 'per_7_days')::integer, interval '168 hours'),
               ((caps ->> 'per_30_days')::integer, interval '720 hours')) as cap(calls, period)
  cross join lateral (
    select c.sent_at + cap.period as free_at from calls c
    where c.key_id = for_key and c.to_number = to_phone and c.sent_at is not null
    order by c.sent_at desc offset cap.calls - 1 limit 1) as dial
  where cap.calls is not null and dial.free_at > at
$$;

-- Guards against a recipient that comes back to a campaign in the moment it is closed.
create index campaigns_closed on campaigns (ended_at) where status in ('canceled', 'failed');
