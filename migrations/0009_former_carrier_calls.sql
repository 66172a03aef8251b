-- Calls that the carrier had for earlier dials of the same call: taken back, or refused for the account's concurrency.
-- Its list still shows them, and none of them is the answer to a later dial.
alter table calls add column former_carrier_call_ids text[] not null default '{}';
create index calls_formerly_of_carrier on calls (account_id) where former_carrier_call_ids <> '{}';
