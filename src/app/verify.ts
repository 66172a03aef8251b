// `carillon verify`: looks at a live database for anything that breaks a promise, and says what it
// means and what to do. Read-only, in one snapshot, each statement with a bound.

import { isInsideWindow } from "../domain/calling-window.ts";
import type { Instant } from "../domain/instant.ts";
import type { Database, Queryable } from "../ports/database.ts";
import { CALL_RULES } from "../store/verify/call-rules.ts";
import { CAMPAIGN_RULES } from "../store/verify/campaign-rules.ts";
import { listRecentDials, type RecentDial } from "../store/verify/recent-dials.ts";
import { RECIPIENT_RULES } from "../store/verify/recipient-rules.ts";
import {
  beginVerification,
  checkRule,
  type Breach,
  type VerifyRule,
} from "../store/verify/verify-rule.ts";

/** Shown of one rule; their number is told in full. */
const MAX_SHOWN = 20;
/** A rule over tens of millions of rows takes seconds; past this it is told as not checked. */
const STATEMENT_MS = 60_000;
const DAY_MS = 86_400_000;
/** Enough for a day of most installations; each costs some microseconds. */
const MAX_DIALS = 50_000;

export interface VerifyFinding {
  readonly rule: string;
  /** `look`: an edit since may explain it. `unchecked`: it took too long, and nothing is known. */
  readonly weight: "problem" | "look" | "unchecked";
  readonly total: number;
  /** The first of them. */
  readonly breaches: readonly Breach[];
  readonly means: string;
  readonly todo: string;
}

export interface Verification {
  readonly rules: number;
  readonly findings: readonly VerifyFinding[];
}

export const VERIFY_RULES: readonly VerifyRule[] = [
  ...CALL_RULES,
  ...RECIPIENT_RULES,
  ...CAMPAIGN_RULES,
];

/** Checks every rule at `now` of the installation's clock. */
export function verifyTables(database: Database, now: Instant): Promise<Verification> {
  return database.transaction(async (tx) => {
    await beginVerification(tx, { statementMs: STATEMENT_MS });
    const findings: VerifyFinding[] = [];
    for (const rule of VERIFY_RULES) {
      const outcome = await checkRule(tx, rule, { now, limit: MAX_SHOWN });
      const { name, means, todo } = rule;
      if (outcome.kind === "too_long")
        findings.push({ rule: name, weight: "unchecked", total: 0, breaches: [], means, todo });
      else if (outcome.total > 0)
        findings.push({ rule: name, weight: rule.weight, ...totals(outcome), means, todo });
    }
    findings.push(...(await verifyWindows(tx, now)));
    return { rules: VERIFY_RULES.length + 1, findings };
  });
}

function totals({ total, breaches }: { total: number; breaches: readonly Breach[] }) {
  return { total, breaches };
}

async function verifyWindows(tx: Queryable, now: Instant): Promise<readonly VerifyFinding[]> {
  const dials = await listRecentDials(tx, { since: now - DAY_MS, limit: MAX_DIALS });
  const outside = dials.filter((dial) => !wasInside(dial));
  if (outside.length === 0) return [];
  const finding: VerifyFinding = {
    rule: "never outside the calling window",
    weight: "look",
    total: outside.length,
    breaches: outside.slice(0, MAX_SHOWN).map((dial) => ({
      subject: dial.callId,
      detail: `dialed at ${new Date(dial.dialAt).toISOString()}, outside the window in ${dial.zones.join(", ")}`,
    })),
    means: "Somebody was called in the last 24 hours outside the window that the campaign has now.",
    todo: "Look whether the window was edited, or an earlier launch by hand overrode it, at that time. If neither, report it.",
  };
  return [finding];
}

function wasInside({ startMinutes, endMinutes, days, zones, dialAt }: RecentDial): boolean {
  return zones.every((zone) => isInsideWindow({ startMinutes, endMinutes, days }, zone, dialAt));
}
