-- Calls whose fate nobody could find out are listed for a person to decide. The predicate names ended_reason, which is
-- written once, with the end of a call, and never a status: in-place updates of live calls stay possible.

create index calls_uncertain on calls (key_id, ended_at, id) where ended_reason = 'uncertain';
