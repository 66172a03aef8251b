// What `carillon verify` checks of the tables: one rule, one named entry, one statement that finds
// what breaks it. Rules hold between any two transactions, so a live database that breaks one has
// met a bug, a broken disk or a hand in its tables; those marked `look` may have a cause in what
// was changed since.

import type { Instant } from "../../domain/instant.ts";
import type { Queryable, Row } from "../../ports/database.ts";
import { sqlInstant } from "../sql-instant.ts";

export interface VerifyRule {
  /** The promise, in the words of the documentation. */
  readonly name: string;
  /** What it means for people when it is broken. */
  readonly means: string;
  /** What to do then. */
  readonly todo: string;
  /** `look`: an edit since may explain it, so it is told and is no failure. */
  readonly weight: "problem" | "look";
  /**
   * A select of two texts, what is wrong and how. `moment(at)` holds the present instant; nothing
   * may be changed.
   */
  readonly sql: string;
}

export interface Breach extends Row {
  readonly subject: string;
  readonly detail: string;
}

export type RuleOutcome =
  | { readonly kind: "checked"; readonly breaches: readonly Breach[]; readonly total: number }
  /** It took longer than its bound: nothing is known. */
  | { readonly kind: "too_long" };

/** SQLSTATE of a statement that was canceled: here, by its time-out. */
const QUERY_CANCELED = "57014";

/**
 * Opens the one snapshot that all rules look at, read-only. The transaction must have just begun.
 */
export async function beginVerification(
  tx: Queryable,
  bounds: { readonly statementMs: number },
): Promise<void> {
  await tx.query("set transaction isolation level repeatable read, read only");
  await tx.query("select set_config('statement_timeout', $1, true)", [String(bounds.statementMs)]);
}

/** Checks one rule. Answers at most `limit` breaches, and how many there are. */
export async function checkRule(
  tx: Queryable,
  rule: VerifyRule,
  options: { readonly now: Instant; readonly limit: number },
): Promise<RuleOutcome> {
  await tx.query("savepoint rule");
  try {
    const { rows } = await tx.query<Breach & { readonly total: number }>(
      `with moment as (select $1::timestamptz as at)
       select f.subject, f.detail, count(*) over () as total from (${rule.sql}) f(subject, detail)
       order by f.subject limit $2`,
      [sqlInstant(options.now), options.limit],
    );
    await tx.query("release savepoint rule");
    const breaches = rows.map(({ subject, detail }) => ({ subject, detail }));
    return { kind: "checked", breaches, total: rows[0]?.total ?? 0 };
  } catch (error) {
    if ((error as { readonly code?: unknown }).code !== QUERY_CANCELED) throw error;
    await tx.query("rollback to savepoint rule");
    return { kind: "too_long" };
  }
}
