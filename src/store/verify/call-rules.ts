// Rules about calls and the slots they hold.

import type { VerifyRule } from "./verify-rule.ts";

const LIVE = "('reserved', 'dialing', 'ringing', 'in_progress')";
const REPORT =
  "Keep this output and the log, and report it: no operation of the product does this.";
const RESTART =
  "See that a process with the role dialer runs and that its log shows ticks; it mends this itself.";

export const CALL_RULES: readonly VerifyRule[] = [
  {
    name: "an open call holds exactly one slot",
    means: "Somebody is being called outside the key's limit.",
    todo: REPORT,
    weight: "problem",
    sql: `select c.id, c.status || ' and open, without a slot' from calls c
          left join slots s on s.call_id = c.id and s.key_id = c.key_id where c.open and s.call_id is null`,
  },
  {
    name: "a held slot names an open call",
    means: "A part of the key's limit is lost: fewer people are called at once than may be.",
    todo: REPORT,
    weight: "problem",
    sql: `select s.key_id || ' slot ' || s.number, 'held by ' || s.call_id || ', which is no open call'
          from slots s left join calls c on c.id = s.call_id and c.open and c.key_id = s.key_id
          where s.call_id is not null and c.id is null`,
  },
  {
    name: "a key has as many slots as its limit",
    means: "More or fewer people are called at once than the key allows.",
    todo: "Set the key's concurrent_call_limit again: that makes the slots fit.",
    weight: "problem",
    sql: `select k.id, coalesce(s.n, 0) || ' slots, limit ' || k.concurrent_call_limit from api_keys k
          left join (select key_id, count(*) as n from slots where not retiring group by 1) s on s.key_id = k.id
          where coalesce(s.n, 0) <> k.concurrent_call_limit`,
  },
  {
    name: "never more open calls than the key's limit",
    means: "More people are called at once than the key allows.",
    todo: REPORT,
    weight: "problem",
    // Retiring slots: the limit was lowered, or the carrier held a call that we had let go of.
    sql: `select k.id, c.n || ' open calls, limit ' || k.concurrent_call_limit from api_keys k
          join (select key_id, count(*) as n from calls where open group by 1) c on c.key_id = k.id
          where c.n > k.concurrent_call_limit
            + (select count(*) from slots s where s.key_id = k.id and s.retiring and s.call_id is not null)`,
  },
  {
    name: "never more open calls than the account's concurrency",
    means: "The carrier refuses calls, or lets them end as busy.",
    todo: "If the account's limit was lowered at the carrier just now, wait for the calls to end; else report it.",
    weight: "look",
    sql: `select a.id, c.n || ' open calls, ' || a.max_concurrent_calls || ' are allowed' from carrier_accounts a
          join (select c.account_id, count(*) as n from calls c join slots s on s.call_id = c.id and not s.retiring
                where c.open group by 1) c on c.account_id = a.id
          where c.n > a.max_concurrent_calls`,
  },
  {
    name: "never two open calls to one recipient",
    means: "A person may be called twice at once.",
    todo: `Stop dialing (\`carillon dialing stop\`): a unique index is broken. ${REPORT}`,
    weight: "problem",
    sql: `select 'recipient ' || recipient_id, string_agg(id, ', ' order by id) from calls where open
          group by recipient_id having count(*) > 1`,
  },
  {
    name: "never two open calls of a key to one phone",
    means: "A phone may ring twice at once.",
    todo: `Stop dialing (\`carillon dialing stop\`): a unique index is broken. ${REPORT}`,
    weight: "problem",
    sql: `select key_id, string_agg(id, ', ' order by id) from calls where open
          group by key_id, to_number having count(*) > 1`,
  },
  {
    name: "a call is open while it lives, and not after",
    means: "A slot is held for nothing, or a live call holds none.",
    todo: "A live call without a slot showed itself at the carrier while another to the same phone was open: it ends by itself. Anything else: report it.",
    weight: "problem",
    sql: `select id, status || case when open then ' and open' else ' and not open' end from calls
          where open and status not in ${LIVE}
          union all select id, status || ' and not open' from calls where not open and status in ${LIVE}`,
  },
  {
    name: "a carrier's call belongs to exactly one call",
    means: "What one call did is told of two.",
    todo: REPORT,
    weight: "problem",
    sql: `select carrier_call_id, string_agg(id, ', ' order by id) from calls where carrier_call_id is not null
          group by carrier_call_id having count(*) > 1`,
  },
  {
    name: "an ended call says when it ended",
    means: "Reports and webhooks of it are wrong.",
    todo: REPORT,
    weight: "problem",
    sql: `select id, status || ', without an end' from calls
          where ended_at is null and not open and status not in ('queued', 'reserved', 'dialing', 'ringing', 'in_progress')
          union all select id, 'ended before it was sent' from calls where ended_at < sent_at`,
  },
  {
    name: "a final status never changes",
    means: "A call is reported otherwise than the carrier first said.",
    todo: REPORT,
    weight: "problem",
    // The first final status wins. A busy before any ringing is not believed until it is explained.
    sql: `select c.id, 'is ' || c.status || ', the carrier said ' || e.status || ' first'
          from calls c cross join lateral (
            select e.facts->>'status' as status from call_events e
            where e.call_id = c.id and e.kind = 'status' and (e.facts->>'dialNumber')::int = c.dial_number
              and e.facts->>'carrierCallId' = c.carrier_call_id
              and e.facts->>'status' in ('completed', 'no_answer', 'failed', 'canceled')
            order by e.id limit 1) e
          where c.created_at > (select at from moment) - interval '7 days'
            and c.status in ('completed', 'no_answer', 'failed', 'canceled') and e.status <> c.status`,
  },
  {
    name: "no reservation outlives its lease for long",
    means: "Calls of a process that died are not taken back, so their recipients wait.",
    todo: RESTART,
    weight: "problem",
    sql: `select c.id, 'reserved by ' || coalesce(c.lease_owner, 'nobody') || ' until ' || c.lease_until
          from calls c, moment where c.open and c.status = 'reserved' and c.lease_until < at - interval '1 minute'`,
  },
  {
    name: "a silent call is looked up",
    means: "A call whose callbacks were lost keeps its slot.",
    todo: RESTART,
    weight: "problem",
    sql: `select c.id, c.status || coalesce(', was to be looked up at ' || c.look_up_at, ', nobody is to look it up')
          from calls c, moment
          where c.open and c.status <> 'reserved' and (c.look_up_at is null or c.look_up_at < at - interval '2 minutes')`,
  },
  {
    name: "no call is open for longer than a call can last",
    means: "A slot is lost until the call ends.",
    todo: "Run it again with --carrier, which asks the carrier about every open call.",
    weight: "problem",
    // The carrier cuts every call at 24 hours.
    sql: `select c.id, c.status || ' since ' || c.sent_at from calls c, moment
          where c.open and c.sent_at < at - interval '25 hours'`,
  },
  {
    name: "a queued call waits with its recipient",
    means: "A call that was promised is never made.",
    todo: REPORT,
    weight: "problem",
    sql: `select c.id, 'queued, its recipient ' || r.id || ' is ' || r.state
          from calls c join recipients r on r.id = c.recipient_id
          where c.status = 'queued' and (r.state <> 'waiting' or r.queued_call_id is distinct from c.id)`,
  },
];
