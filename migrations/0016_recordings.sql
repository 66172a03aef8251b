-- Recordings stay at the carrier; the call knows of them. is_recorded is what the latest dial asked for, so that whoever
-- is recorded is also told so. recording_state: null until the carrier has said; ready, absent (there is none after all)
-- or deleted. recording_delete_at: it is to be deleted at the carrier, at that instant or when it is tried again.
alter table calls
  add column is_recorded boolean not null default false,
  add column recording_id text,
  add column recording_seconds int,
  add column recording_state text check (recording_state in ('ready', 'absent', 'deleted')),
  add column recording_delete_at timestamptz;
create index calls_recordings_to_delete on calls (recording_delete_at) where recording_delete_at is not null;
-- Those that are kept, and those that keep their campaign's records.
create index calls_recordings_kept on calls (ended_at)
  where is_recorded and recording_delete_at is null and (recording_state is null or recording_state = 'ready');
create index calls_recordings_left on calls (campaign_id)
  where is_recorded and (recording_state is null or recording_state = 'ready');
