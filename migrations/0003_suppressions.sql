-- Suppressions as a list of their own: paged newest first, and felt at once by everybody who waits.

create index suppressions_newest on suppressions (key_id, created_at desc, id desc);
-- Who waits for a call to a phone, over all keys: a suppression of the installation reaches every one of them. settled
-- changes once in a row's life, so the index costs no update in place.
create index recipients_unsettled_phone on recipients (phone) where not settled;
