// Rules about recipients: nobody is forgotten, and nobody is called who must not be.

import type { VerifyRule } from "./verify-rule.ts";

const REPORT =
  "Keep this output and the log, and report it: no operation of the product does this.";

export const RECIPIENT_RULES: readonly VerifyRule[] = [
  {
    name: "a recipient is settled in a final state, and only then",
    means: "Somebody is forgotten, or called again after the end.",
    todo: REPORT,
    weight: "problem",
    sql: `select 'recipient ' || id, state || case when settled then ' and settled' else ' and not settled' end
          from recipients where settled = (state in ('waiting', 'calling'))
          union all select 'recipient ' || id, 'settled and ' || case when claimable then 'claimable' else 'standing back' end
          from recipients where settled and (claimable or waits_for_phone)`,
  },
  {
    name: "a recipient is calling while it has an open call, and only then",
    means: "Somebody is forgotten, or may be called twice.",
    todo: REPORT,
    weight: "problem",
    sql: `select 'recipient ' || r.id, 'calling without an open call' from recipients r
          where not r.settled and r.state = 'calling' and not exists (select from calls c where c.recipient_id = r.id and c.open)
          union all select 'recipient ' || r.id, r.state || ' while ' || c.id || ' is open'
          from calls c join recipients r on r.id = c.recipient_id where c.open and r.state <> 'calling'`,
  },
  {
    name: "whoever waits may be claimed, or stands back for a phone",
    means: "Somebody is forgotten.",
    todo: REPORT,
    weight: "problem",
    sql: `select 'recipient ' || id, 'waiting, neither claimable nor standing back' from recipients
          where not settled and state = 'waiting' and claimable = waits_for_phone`,
  },
  {
    name: "whoever stands back does so for an open call",
    means: "Somebody waits for a call that is over.",
    todo: "A process with the role dialer lets them go within a minute. Run it again then.",
    weight: "problem",
    sql: `select 'recipient ' || r.id, 'stands back for nobody' from recipients r
          where r.waits_for_phone and not exists (
            select from calls c where c.open and c.key_id = r.key_id and c.to_number = r.phone)`,
  },
  {
    name: "attempts are the calls that were made",
    means: "Somebody is called more or less often than the campaign's policy says.",
    todo: REPORT,
    weight: "problem",
    sql: `select 'recipient ' || r.id, r.attempts || ' attempts, ' || coalesce(c.n, 0) || ' calls' from recipients r
          left join (select recipient_id, count(*) as n from calls where sent_at is not null or status = 'reserved' group by 1) c
            on c.recipient_id = r.id
          where r.attempts <> coalesce(c.n, 0)`,
  },
  {
    name: "never more calls than the campaign's policy allows",
    means: "Somebody was called more often than was asked for.",
    todo: "Look whether the campaign's retry policy was lowered after the calls. If it was not, report it.",
    weight: "look",
    // One more for each call in which the person asked to be called again.
    sql: `select 'recipient ' || c.recipient_id, c.n || ' calls in ' || g.id from (
            select recipient_id, campaign_id, count(*) as n, count(callback_at) as asked from calls
            where campaign_id is not null and sent_at is not null group by 1, 2 having count(*) > 1) c
          join campaigns g on g.id = c.campaign_id
          where c.n > coalesce((g.retry_policy->>'max_attempts')::int, 1) + c.asked`,
  },
  {
    name: "never a suppressed phone",
    means: "Somebody was called after asking not to be, or after you said not to.",
    todo: `Tell whoever answers for the list. ${REPORT}`,
    weight: "problem",
    // A large list takes a while from its instant to its commit.
    sql: `select c.id, 'sent at ' || c.sent_at || ', suppressed at ' || s.created_at from suppressions s
          join calls c on c.to_number = s.phone and (s.key_id is null or s.key_id = c.key_id)
          where c.sent_at > s.created_at + interval '1 minute'`,
  },
  {
    name: "a recipient and its calls are one key's and one campaign's",
    means: "What one tenant did is told to another.",
    todo: `Stop dialing (\`carillon dialing stop\`). ${REPORT}`,
    weight: "problem",
    sql: `select c.id, 'of ' || c.key_id || ', its recipient of ' || r.key_id
          from calls c join recipients r on r.id = c.recipient_id
          where c.key_id <> r.key_id or c.campaign_id is distinct from r.campaign_id
          union all select 'recipient ' || r.id, 'of ' || r.key_id || ', its campaign of ' || g.key_id
          from recipients r join campaigns g on g.id = r.campaign_id where r.key_id <> g.key_id`,
  },
  {
    name: "a recipient's queued call exists",
    means: "A call that was promised is never made under its id.",
    todo: REPORT,
    weight: "problem",
    sql: `select 'recipient ' || r.id, 'waits with ' || r.queued_call_id || ', which is ' || coalesce(c.status, 'nobody')
          from recipients r left join calls c on c.id = r.queued_call_id
          where r.queued_call_id is not null and (c.id is null or c.status <> 'queued')`,
  },
];
