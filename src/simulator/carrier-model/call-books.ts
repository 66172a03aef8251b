// The carrier's memory: every create request that arrived, every call, and foreign calls that
// others made to the same people. Bounded: the oldest ended calls and the oldest requests are
// forgotten first, open calls never.

import type { Call } from "./call.ts";
import { isEnded } from "./call.ts";
import type { CreateRecord } from "./create-record.ts";
import {
  formatCallEntry,
  formatCreateEntry,
  formatStepEntry,
  type KeptBooks,
} from "./books-journal.ts";

export class CallBooks {
  readonly #maxCalls: number;
  readonly #write: ((line: string) => void) | null;
  readonly #numbers = new WeakMap<CreateRecord, number>();
  #nextNumber = 1;
  readonly #calls = new Map<string, Call>();
  readonly #byTo = new Map<string, Set<Call>>();
  #creates: CreateRecord[] = [];
  #forgottenCalls = 0;

  /** `write` keeps a line for a later start (books-journal.ts). */
  constructor(maxCalls: number, write: ((line: string) => void) | null = null) {
    this.#maxCalls = maxCalls;
    this.#write = write;
  }

  /** How many calls were forgotten to keep the books within their bound. */
  get forgottenCalls(): number {
    return this.#forgottenCalls;
  }

  get creates(): readonly CreateRecord[] {
    return this.#creates;
  }

  get openCallCount(): number {
    let count = 0;
    for (const call of this.#calls.values()) if (!isEnded(call)) count += 1;
    return count;
  }

  addCreate(record: CreateRecord): void {
    this.#creates.push(record);
    this.#numbers.set(record, this.#nextNumber);
    this.#nextNumber += 1;
    this.keepCreate(record);
    // Cut in blocks, so that the cost per request stays constant.
    if (this.#creates.length > this.#maxCalls * 1.1) {
      this.#creates = this.#creates.slice(-this.#maxCalls);
    }
  }

  /** A request's record has changed. */
  keepCreate(record: CreateRecord): void {
    const number = this.#numbers.get(record);
    if (number !== undefined) this.#write?.(formatCreateEntry(number, record));
  }

  /** A call has taken a step. */
  keepStep(call: Call): void {
    this.#write?.(formatStepEntry(call));
  }

  addCall(call: Call): void {
    this.#write?.(formatCallEntry(call));
    this.#hold(call);
  }

  /** Takes over what an earlier process kept. */
  restore({ creates, calls, dropped }: KeptBooks): void {
    for (const [number, create] of creates) {
      this.#creates.push(create);
      this.#numbers.set(create, number);
      this.#nextNumber = Math.max(this.#nextNumber, number + 1);
    }
    for (const call of calls) this.#hold(call);
    for (const call of dropped) this.keepStep(call);
  }

  #hold(call: Call): void {
    this.#calls.set(call.sid, call);
    const siblings = this.#byTo.get(call.to) ?? new Set();
    siblings.add(call);
    this.#byTo.set(call.to, siblings);
    if (this.#calls.size > this.#maxCalls) this.#forgetOldest();
  }

  findCall(sid: string): Call | null {
    return this.#calls.get(sid) ?? null;
  }

  removeCall(call: Call): void {
    this.#calls.delete(call.sid);
    const siblings = this.#byTo.get(call.to);
    siblings?.delete(call);
    if (siblings?.size === 0) this.#byTo.delete(call.to);
  }

  /** All calls, oldest first; only those to one phone when `to` is given. */
  calls(to: string | null = null): Iterable<Call> {
    return to === null ? this.#calls.values() : (this.#byTo.get(to) ?? []);
  }

  #forgetOldest(): void {
    for (const call of this.#calls.values()) {
      if (!isEnded(call)) continue;
      this.removeCall(call);
      this.#forgottenCalls += 1;
      return;
    }
  }
}
