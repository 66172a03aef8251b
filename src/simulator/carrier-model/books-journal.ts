// The carrier's books as lines of text, so that a carrier that was killed comes back with them: a
// line for every request as it arrives, for every call before its create is answered, and for every
// step of a call before anybody is told of it. Talks are not kept. A real carrier forgets nothing
// either; whoever asks a simulator that does would be told that calls never existed.

import { isEnded, moveCall, type Call } from "./call.ts";
import type { CreateRecord } from "./create-record.ts";

/** Where the lines are kept. `write` returns when the line survives the end of this process. */
export interface BooksJournal {
  /** What was written before this start, in order. Lines may be torn. */
  readonly lines: readonly string[];
  readonly write: (line: string) => void;
}

type Entry =
  | { readonly kind: "create"; readonly number: number; readonly create: CreateRecord }
  | { readonly kind: "call"; readonly call: Call }
  | { readonly kind: "step"; readonly sid: string; readonly step: Partial<Call> }
  | { readonly kind: "reset" };

export function formatCreateEntry(number: number, create: CreateRecord): string {
  return format({ kind: "create", number, create });
}

export function formatCallEntry(call: Call): string {
  return format({ kind: "call", call: { ...call, transcript: [] } });
}

export function formatStepEntry(call: Call): string {
  const { sid, status, updatedAt, dialedAt, answeredAt, endedAt, answeredBy, history } = call;
  const { sipResponseCode, endedBecause, isDeleted, notifications } = call;
  const instants = { updatedAt, dialedAt, answeredAt, endedAt };
  const end = { answeredBy, sipResponseCode, endedBecause, isDeleted };
  return format({
    kind: "step",
    sid,
    step: { status, ...instants, ...end, history, notifications },
  });
}

export const RESET_ENTRY = format({ kind: "reset" });

export interface KeptBooks {
  readonly creates: ReadonlyMap<number, CreateRecord>;
  readonly calls: readonly Call[];
  /** Those of the calls that were open. They have ended now. */
  readonly dropped: readonly Call[];
}

/**
 * What was written before. Calls that were open then have ended: whatever carried them is gone, and
 * nobody was told.
 */
export function readBooks(lines: readonly string[], now: number): KeptBooks {
  const creates = new Map<number, CreateRecord>();
  const calls = new Map<string, Call>();
  for (const line of lines) {
    const entry = parse(line);
    if (entry === null) continue;
    switch (entry.kind) {
      case "create":
        creates.set(entry.number, entry.create);
        break;
      case "call":
        calls.set(entry.call.sid, entry.call);
        break;
      case "step":
        Object.assign(calls.get(entry.sid) ?? {}, entry.step);
        break;
      case "reset":
        creates.clear();
        calls.clear();
        break;
    }
  }
  const dropped = [...calls.values()].filter((call) => !isEnded(call));
  for (const call of dropped) drop(call, now);
  return { creates, calls: [...calls.values()], dropped };
}

function drop(call: Call, now: number): void {
  call.endedBecause = "the carrier was restarted";
  call.sipResponseCode = call.status === "in-progress" ? 200 : 503;
  moveCall(call, call.status === "in-progress" ? "completed" : "failed", now);
}

// A set is written as the list of its members, which only the events of a request are.
function format(entry: Entry): string {
  return JSON.stringify(entry, (_key, value: unknown) =>
    value instanceof Set ? [...value] : value,
  );
}

// A torn line is one whose writer was killed in the middle: nobody was told of it.
function parse(line: string): Entry | null {
  if (line === "") return null;
  try {
    return JSON.parse(line, (key, value: unknown) =>
      key === "statusEvents" && Array.isArray(value) ? new Set(value) : value,
    ) as Entry;
  } catch {
    return null;
  }
}
