-- What a conversation finds out and does: who answered and why we think so, how quick it was, that it said it is automated,
-- and what the person wished.

alter table calls
  -- The carrier's detection, in our words: evidence. The verdict is answered_by.
  add column carrier_answered_by     text check (carrier_answered_by in ('human', 'machine', 'fax', 'unknown')),
  -- How the conversation decided answered_by (src/agent/answer-watch.ts); null: it did not, the carrier did.
  add column verdict_method          text check (verdict_method in ('phrases', 'model', 'carrier', 'tag', 'silence')),
  add column verdict_reason          text,
  -- From the answer to the verdict.
  add column verdict_delay_ms        integer,
  add column verdict_evidence        jsonb,
  -- From the answer to the agent's first sound, by the best report there is.
  add column answer_to_first_word_ms integer,
  -- One entry a turn of the agent: model, overhead, tokens, interruption.
  add column turns                   jsonb,
  -- When the agent said that it is automated.
  add column disclosed_at            timestamptz,
  -- When the person asked never to be called again.
  add column opted_out_at            timestamptz,
  -- When the person asked to be called again, inside the window.
  add column callback_at             timestamptz;

-- Settings that agents have from now on.
update agents set settings = '{"greeting_mode": "after_hello", "disclosure_enabled": true, "disclosure_attestation": null,
  "business_name": null}'::jsonb || settings;
