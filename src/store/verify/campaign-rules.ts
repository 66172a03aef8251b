// Rules about campaigns, and about the work behind the calls.

import type { VerifyRule } from "./verify-rule.ts";

const REPORT =
  "Keep this output and the log, and report it: no operation of the product does this.";
const DIALER = "See that a process with the role dialer runs and that its log shows ticks.";
const JOBS =
  "See that a process with the role jobs runs; GET /v1/webhooks/deliveries says what failed.";

export const CAMPAIGN_RULES: readonly VerifyRule[] = [
  {
    name: "a campaign counts the rows of its list",
    means: "Reports of it are wrong, or a part of its list is missing.",
    todo: REPORT,
    weight: "problem",
    // One that has been over for a month may be on its way out: its records go in batches.
    sql: `select g.id, 'counts ' || g.recipients_count || ' and ' || g.invalid_count || ' invalid, has ' || coalesce(r.n, 0)
          from moment, campaigns g
          left join (select campaign_id, count(*) as n from recipients group by 1) r on r.campaign_id = g.id
          where g.recipients_count + g.invalid_count <> coalesce(r.n, 0)
            and (g.ended_at is null or g.ended_at > at - interval '31 days')`,
  },
  {
    name: "a completed campaign has settled everybody",
    means: "Somebody is forgotten.",
    todo: REPORT,
    weight: "problem",
    sql: `select g.id, count(*) || ' are not settled' from campaigns g
          join recipients r on r.campaign_id = g.id and not r.settled and r.state <> 'calling'
          where g.status = 'completed' group by g.id`,
  },
  {
    name: "an ended campaign closes whoever waits",
    means: "Somebody waits in a campaign that will not dial.",
    todo: DIALER,
    weight: "problem",
    sql: `select g.id, g.status || ', ' || count(*) || ' wait' from moment, campaigns g
          join recipients r on r.campaign_id = g.id and not r.settled and r.state = 'waiting'
          where g.status in ('canceled', 'failed') and g.ended_at < at - interval '5 minutes' group by g.id`,
  },
  {
    name: "a campaign with nobody left completes",
    means: "Its end is not told.",
    todo: DIALER,
    weight: "problem",
    sql: `select g.id, 'running, with nobody left' from campaigns g, moment
          where g.status = 'running' and coalesce(g.started_at, g.created_at) < at - interval '1 minute'
            and not exists (select from recipients r where r.campaign_id = g.id and not r.settled)
            and not exists (select from recipients r where r.campaign_id = g.id and r.settled_at > at - interval '1 minute')`,
  },
  {
    name: "a scheduled campaign starts when it opens",
    means: "Its people are called late.",
    todo: DIALER,
    weight: "problem",
    sql: `select g.id, 'scheduled, open since ' || g.opens_at from campaigns g, moment
          where g.status = 'scheduled' and g.opens_at < at - interval '2 minutes' and g.closes_at > at`,
  },
  {
    name: "never a call after the campaign's end",
    means: "Somebody was called after the campaign was canceled or over.",
    todo: REPORT,
    weight: "problem",
    sql: `select c.id, 'sent at ' || c.sent_at || ', ' || g.id || ' was ' || g.status || ' at ' || g.ended_at
          from campaigns g join calls c on c.campaign_id = g.id
          where g.status in ('completed', 'canceled', 'failed') and c.sent_at > g.ended_at + interval '1 second'`,
  },
  {
    name: "a call and a campaign speak with an agent of their key",
    means: "Somebody is called in another tenant's name.",
    todo: `Stop dialing (\`carillon dialing stop\`). ${REPORT}`,
    weight: "problem",
    sql: `select c.id, 'of ' || c.key_id || ', its agent of ' || a.key_id from calls c join agents a on a.id = c.agent_id
          where a.key_id <> c.key_id
          union all select g.id, 'of ' || g.key_id || ', its agent of ' || a.key_id
          from campaigns g join agents a on a.id = g.agent_id where a.key_id <> g.key_id`,
  },
  {
    name: "webhooks are delivered or given up in time",
    means: "Your systems hear late of calls.",
    todo: JOBS,
    weight: "problem",
    sql: `select d.id, d.event || ', due since ' || d.due_at from deliveries d, moment
          where d.state = 'pending' and (d.due_at is null or d.due_at < at - interval '15 minutes')`,
  },
  {
    name: "analyses are made or given up in time",
    means: "Summaries and extracted data are missing.",
    todo: "See that a process with the role jobs runs and that the model answers.",
    weight: "problem",
    sql: `select x.call_id, 'due since ' || x.due_at from call_analyses x, moment
          where x.state = 'pending' and (x.due_at is null or x.due_at < at - interval '15 minutes')`,
  },
  {
    name: "work that is over has a result and no due time",
    means: "A webhook may be sent again, or is not in the log.",
    todo: REPORT,
    weight: "problem",
    sql: `select id, state || ', without its instant or still due' from deliveries
          where state <> 'pending' and (settled_at is null or due_at is not null)`,
  },
];
