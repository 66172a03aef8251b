// The carrier's list of calls as its callers see it: filtered, late by each call's own lag, in
// pages. Newest first, or in an arbitrary but fixed order, so that paging is stable either way.

import { createHash } from "node:crypto";
import type { Call, CallStatus } from "./call.ts";
import type { CallBooks } from "./call-books.ts";
import { restError } from "./rest-error.ts";
import type { RestError } from "./rest-error.ts";

export interface CallPage {
  readonly kind: "page";
  readonly calls: readonly Call[];
  readonly page: number;
  readonly pageSize: number;
  /** Position of the first call in the whole filtered list. */
  readonly start: number;
  readonly hasMore: boolean;
}

export interface ListConditions {
  readonly accountSid: string;
  readonly now: number;
  readonly isUnordered: boolean;
}

const DEFAULT_PAGE_SIZE = 50;
const MAX_PAGE_SIZE = 1000;
const DAY_MS = 86_400_000;

const STATUSES: readonly CallStatus[] = [
  "queued",
  "ringing",
  "in-progress",
  "completed",
  "busy",
  "failed",
  "no-answer",
  "canceled",
];

/**
 * One page of the list, from the query of the request. Filters are case-sensitive; unknown ones are
 * ignored.
 */
export function listCalls(
  books: CallBooks,
  query: URLSearchParams,
  conditions: ListConditions,
): CallPage | RestError {
  const keep = createFilter(query);
  if (typeof keep !== "function") return keep;
  const pageSize = wholeNumber(query.get("PageSize")) ?? DEFAULT_PAGE_SIZE;
  if (pageSize < 1 || pageSize > MAX_PAGE_SIZE) return restError(20001, "PageSize");
  const page = wholeNumber(query.get("Page")) ?? 0;

  const found = [...books.calls(query.get("To"))].filter(
    (call) =>
      call.accountSid === conditions.accountSid &&
      !call.isDeleted &&
      call.listedAt <= conditions.now &&
      keep(call),
  );
  if (conditions.isUnordered) found.sort((a, b) => (orderKey(a) < orderKey(b) ? -1 : 1));
  else found.sort((a, b) => b.createdAt - a.createdAt);

  const after = query.get("PageToken")?.replace(/^PA/, "");
  const tokenIndex = after === undefined ? -1 : found.findIndex((call) => call.sid === after);
  const start = tokenIndex === -1 ? page * pageSize : tokenIndex + 1;
  const calls = found.slice(start, start + pageSize);
  return { kind: "page", calls, page, pageSize, start, hasMore: start + pageSize < found.length };
}

function createFilter(query: URLSearchParams): ((call: Call) => boolean) | RestError {
  const from = query.get("From");
  const status = query.get("Status");
  if (status !== null && !STATUSES.includes(status as CallStatus)) {
    return restError(20001, `Status "${status}"`);
  }
  const started = createTimeFilter(query, "StartTime");
  const ended = createTimeFilter(query, "EndTime");
  if (started === null || ended === null)
    return restError(20001, "StartTime and EndTime are dates");
  const hasNoParent = (query.get("ParentCallSid") ?? "") === "";
  return (call) =>
    hasNoParent &&
    (from === null || call.from === from) &&
    (status === null || call.status === status) &&
    started(call.dialedAt) &&
    ended(call.endedAt);
}

/**
 * Filters `Name`, `Name<` (on or before) and `Name>` (on or after); null when a value is not a
 * date.
 */
function createTimeFilter(
  query: URLSearchParams,
  name: string,
): ((at: number | null) => boolean) | null {
  const tests: ((at: number) => boolean)[] = [];
  for (const [suffix, test] of [
    ["", (at: number, day: DaySpan) => at >= day.from && at < day.until],
    ["<", (at: number, day: DaySpan) => at < day.until],
    [">", (at: number, day: DaySpan) => at >= day.from],
  ] as const) {
    const text = query.get(name + suffix);
    if (text === null || text === "") continue;
    const span = parseDay(text);
    if (span === null) return null;
    tests.push((at) => test(at, span));
  }
  return (at) => tests.length === 0 || (at !== null && tests.every((test) => test(at)));
}

interface DaySpan {
  readonly from: number;
  readonly until: number;
}

/** A UTC day, or a single instant when a time of day is given. */
function parseDay(text: string): DaySpan | null {
  const from = Date.parse(text);
  if (!/^\d{4}-\d{2}-\d{2}/.test(text) || Number.isNaN(from)) return null;
  return { from, until: from + (text.length === 10 ? DAY_MS : 1) };
}

function orderKey(call: Call): string {
  return createHash("sha256").update(call.sid).digest("hex");
}

function wholeNumber(text: string | null): number | null {
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) : null;
}
