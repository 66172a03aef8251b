// What a torture ends with: everybody on the lists, what the carrier's own books say was done to
// them, and what the tables say became of them. Each rule that is broken is a line of `broken`.

import { maxOpen, summarizeBooks } from "../../src/simulator/carrier-model/books-summary.ts";
import type { CallBooks } from "../../src/simulator/carrier-model/call-books.ts";
import type { Call } from "../../src/simulator/carrier-model/call.ts";
import { wasTakenBack } from "../simulation/dial-rules.ts";
import { hasRung } from "../simulation/retry-rules.ts";
import type { AmbushRecord } from "./fleet.ts";
import type { RecipientRow, TortureTables } from "./torture-tables.ts";

export interface Evidence {
  readonly phones: readonly string[];
  readonly books: CallBooks;
  readonly tables: TortureTables;
  readonly ambushes: readonly AmbushRecord[];
  readonly limits: { readonly concurrentCalls: number; readonly callsPerSecond: number };
  /** Most creates that the servers wrote in one second. */
  readonly mostCreatesInOneSecond: number;
  /** How late this process may have seen them, ms. */
  readonly observerLagMs: number;
}

export interface Ledger {
  readonly recipients: number;
  readonly byState: Readonly<Record<string, number>>;
  readonly createRequests: number;
  readonly carrierCalls: number;
  readonly ambiguousCreates: number;
  readonly takenBack: number;
  readonly duplicates: number;
  readonly lost: number;
  readonly stuck: number;
  readonly uncertain: readonly string[];
  readonly mostOpen: number;
  readonly killedBetweenGateAndRequest: number;
  readonly killedBetweenAnswerAndCommit: number;
  readonly broken: readonly string[];
}

const ANSWERED = new Set(["reached", "voicemail"]);
const CALLED = new Set([...ANSWERED, "not_reached"]);

export function drawLedger(evidence: Evidence): Ledger {
  const { books, phones, limits, tables } = evidence;
  const summary = summarizeBooks(books);
  const broken: string[] = [];
  const byPhone = new Map<string, Call[]>();
  for (const call of books.calls())
    if (call.request !== null) byPhone.set(call.to, [...(byPhone.get(call.to) ?? []), call]);

  const count = (rule: string, found: readonly string[]): number => {
    if (found.length > 0)
      broken.push(`${rule}: ${found.length}, as ${found.slice(0, 5).join("; ")}`);
    return found.length;
  };
  const duplicates = count("called more often than allowed", findDuplicates(byPhone));
  count("a carrier call that is nobody's", findOrphans(byPhone, tables));
  const lost = count("lost", findLost(phones, byPhone, tables));
  const stuck = count("stuck", findStuck(tables));
  const uncertain = tables.recipients.filter((row) => row.state === "uncertain");
  const explained = uncertain.map((row) => explain(row, evidence, byPhone));
  count(
    "uncertain without an ambiguous create",
    explained.filter((line) => line.endsWith("?")),
  );
  const ambiguous = ambiguousCreates(books).length;
  if (uncertain.length > ambiguous)
    broken.push(`${uncertain.length} are uncertain, only ${ambiguous} creates were ambiguous`);
  const mostOpen = summary.maxOpenByAccount.total;
  if (mostOpen > limits.concurrentCalls)
    broken.push(`${mostOpen} calls open at once, the limit is ${limits.concurrentCalls}`);
  const creates = evidence.mostCreatesInOneSecond;
  const most = limits.callsPerSecond * (1 + evidence.observerLagMs / 1_000);
  if (creates > most)
    broken.push(`${creates} creates in a second, the pace is ${limits.callsPerSecond}`);
  return {
    recipients: tables.recipients.length,
    byState: countStates(tables.recipients),
    createRequests: summary.createRequests,
    carrierCalls: summary.calls,
    ambiguousCreates: ambiguous,
    takenBack: [...byPhone.values()].flat().filter(wasTakenBack).length,
    duplicates,
    lost,
    stuck,
    uncertain: explained,
    mostOpen,
    ...countAmbushes(evidence),
    broken,
  };
}

/** Anybody who was called, and then called again; or twice at once. */
function findDuplicates(byPhone: ReadonlyMap<string, readonly Call[]>): string[] {
  return [...byPhone].flatMap(([phone, calls]) => {
    const disturbed = calls.filter((call) => !wasTakenBack(call));
    const said = calls.map((call) => `${call.sid} ${call.status}`).join(", ");
    return disturbed.length > 1 || maxOpen(calls) > 1 ? [`${phone} (${said})`] : [];
  });
}

/** The call that disturbed somebody is named by our tables, or its recipient is uncertain. */
function findOrphans(
  byPhone: ReadonlyMap<string, readonly Call[]>,
  tables: TortureTables,
): string[] {
  const bound = new Set(tables.calls.map((call) => call.carrierCallId));
  const uncertain = new Set(
    tables.recipients.filter((row) => row.state === "uncertain").map((row) => row.phone),
  );
  return [...byPhone.values()]
    .flat()
    .filter((call) => !wasTakenBack(call) && !bound.has(call.sid) && !uncertain.has(call.to))
    .map((call) => `${call.to} ${call.sid} ${call.status}`);
}

function findLost(
  phones: readonly string[],
  byPhone: ReadonlyMap<string, readonly Call[]>,
  tables: TortureTables,
): string[] {
  const rows = new Map(tables.recipients.map((row) => [row.phone, row]));
  return phones.flatMap((phone) => {
    const row = rows.get(phone);
    if (row === undefined) return [`${phone} is on no list`];
    const calls = (byPhone.get(phone) ?? []).filter((call) => !wasTakenBack(call) || hasRung(call));
    if (CALLED.has(row.state) && calls.length === 0)
      return [`${phone} is ${row.state}, and the carrier never called`];
    if (ANSWERED.has(row.state) && !calls.some((call) => call.answeredAt !== null))
      return [`${phone} is ${row.state}, and nobody answered`];
    return [];
  });
}

function findStuck({ recipients, calls, heldSlots }: TortureTables): string[] {
  return [
    ...recipients
      .filter((row) => !row.settled)
      .map((row) => `${row.phone} is ${row.state}${row.reason === null ? "" : ` (${row.reason})`}`),
    ...calls.filter((call) => call.open).map((call) => `${call.id} is open and ${call.status}`),
    ...(heldSlots > 0 ? [`${heldSlots} slots are held`] : []),
  ];
}

/** Creates whose caller could not know what became of them. */
function ambiguousCreates(books: CallBooks) {
  return books.creates.filter((create) => create.callSid !== null && create.answerStatus !== 201);
}

function explain(
  row: RecipientRow,
  { books, ambushes }: Evidence,
  byPhone: ReadonlyMap<string, readonly Call[]>,
): string {
  const struck = books.creates.filter((create) => create.to === row.phone);
  const faults = struck.map(
    (create) => create.fault ?? `answered ${create.answerStatus ?? "never"}`,
  );
  const ambush = ambushes.find((each) => each.to === row.phone);
  const why = [...faults, ...(ambush === undefined ? [] : [`killed ${ambush.kind}`])];
  const calls = (byPhone.get(row.phone) ?? []).map((call) => `${call.sid} ${call.status}`);
  const said = [
    `${row.phone}: ${row.reason ?? "no reason"}`,
    `${row.unknownDials} unknown dials`,
    `creates: ${why.join(", ") || "none arrived"}`,
    `carrier's calls: ${calls.join(", ") || "none"}`,
  ].join("; ");
  return row.unknownDials > 0 ? said : `${said}?`;
}

/** Ambushes that the tables and the carrier's books bear out. */
function countAmbushes({ ambushes, books, tables }: Evidence) {
  const dials = new Map(tables.calls.map((call) => [call.to, call.dialNumber]));
  const arrived = new Map<string, number>();
  for (const { to } of books.creates) arrived.set(to, (arrived.get(to) ?? 0) + 1);
  const beforeRequest = ambushes.filter(
    // It passed the gate, and the carrier never heard of it.
    ({ kind, to }) =>
      kind === "before the request" && (dials.get(to) ?? 0) > (arrived.get(to) ?? 0),
  );
  const beforeCommit = ambushes.filter(
    // The carrier took it and said so, and the server died before it could write that down.
    ({ kind, carrierCallId, heldBytes }) =>
      kind === "before the commit" &&
      heldBytes > 0 &&
      carrierCallId !== null &&
      books.findCall(carrierCallId) !== null &&
      !tables.recordedPlacings.has(carrierCallId),
  );
  return {
    killedBetweenGateAndRequest: beforeRequest.length,
    killedBetweenAnswerAndCommit: beforeCommit.length,
  };
}

function countStates(recipients: readonly RecipientRow[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { state } of recipients) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}
