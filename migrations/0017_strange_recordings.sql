-- Carrier calls that a recording of this call was told of for, and that the call is not bound to: an earlier dial's, or one
-- whose other news was lost. They are deleted at the carrier with the call's own.
alter table calls add column recording_call_ids text[] not null default '{}';
