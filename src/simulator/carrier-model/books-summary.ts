// What the carrier's books prove about how it was used: the most calls open at once, the fastest
// second of creates, and whoever was dialed twice. Computed afresh from the books; foreign calls do
// not count.

import type { Call } from "./call.ts";
import type { CallBooks } from "./call-books.ts";
import type { CreateRecord } from "./create-record.ts";

/** One count overall, and the same count for each account or number. */
interface Counted {
  readonly total: number;
  readonly by: Readonly<Record<string, number>>;
}

export interface BooksSummary {
  readonly calls: number;
  readonly openCalls: number;
  readonly createRequests: number;
  /** Calls forgotten because the books are full: then the other figures cover only the rest. */
  readonly forgottenCalls: number;
  readonly callsByStatus: Readonly<Record<string, number>>;
  readonly callsByPersona: Readonly<Record<string, number>>;
  /** Most calls accepted and not ended at any one moment, per account. */
  readonly maxOpenByAccount: Counted;
  /** The same per From number. */
  readonly maxOpenByFrom: Counted;
  /**
   * Most create requests that arrived within any [t, t + 1 s), refused ones included, per account.
   */
  readonly maxCreatesInOneSecond: Counted;
  /** Create requests for each phone, refused ones included. */
  readonly createsByTo: Readonly<Record<string, number>>;
  /** Phones with more than one accepted call, and how many. */
  readonly dialedMoreThanOnce: Readonly<Record<string, number>>;
  /** Phones that had two open calls at one moment. */
  readonly overlapping: readonly string[];
}

export function summarizeBooks(books: CallBooks): BooksSummary {
  const calls = [...books.calls()].filter((call) => call.request !== null);
  const byTo = groupBy(calls, (call) => call.to);
  const repeated = [...byTo].filter(([, list]) => list.length > 1);
  return {
    calls: calls.length,
    openCalls: calls.filter((call) => call.endedAt === null).length,
    createRequests: books.creates.length,
    forgottenCalls: books.forgottenCalls,
    callsByStatus: countBy(calls, (call) => call.status),
    callsByPersona: countBy(calls, (call) => call.persona ?? "none"),
    maxOpenByAccount: counted(calls, (call) => call.accountSid, maxOpen),
    maxOpenByFrom: counted(calls, (call) => call.from, maxOpen),
    maxCreatesInOneSecond: counted(
      [...books.creates],
      (create) => create.accountSid,
      maxInOneSecond,
    ),
    createsByTo: countBy(books.creates, (create) => create.to),
    dialedMoreThanOnce: Object.fromEntries(repeated.map(([to, list]) => [to, list.length])),
    overlapping: repeated.filter(([, list]) => maxOpen(list) > 1).map(([to]) => to),
  };
}

/**
 * Most calls open at one moment; a call that ends at the instant another begins does not overlap
 * it.
 */
export function maxOpen(calls: readonly Call[]): number {
  const steps = calls.flatMap((call) => [
    { at: call.createdAt, change: 1 },
    { at: call.endedAt ?? Number.POSITIVE_INFINITY, change: -1 },
  ]);
  steps.sort((a, b) => a.at - b.at || a.change - b.change);
  let open = 0;
  let most = 0;
  for (const step of steps) {
    open += step.change;
    most = Math.max(most, open);
  }
  return most;
}

/** Most records that arrived within any half-open second. */
export function maxInOneSecond(records: readonly CreateRecord[]): number {
  const instants = records.map((record) => record.arrivedAt).sort((a, b) => a - b);
  let first = 0;
  let most = 0;
  instants.forEach((at, last) => {
    while ((instants[first] ?? at) <= at - 1000) first += 1;
    most = Math.max(most, last - first + 1);
  });
  return most;
}

function counted<T>(
  items: readonly T[],
  key: (item: T) => string,
  measure: (items: readonly T[]) => number,
): Counted {
  const by: Record<string, number> = {};
  for (const [name, list] of groupBy(items, key)) by[name] = measure(list);
  return { total: measure(items), by };
}

function countBy<T>(items: readonly T[], key: (item: T) => string): Record<string, number> {
  return Object.fromEntries([...groupBy(items, key)].map(([name, list]) => [name, list.length]));
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = key(item);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [item]);
    else group.push(item);
  }
  return groups;
}
