// The carrier's memory: every create request that arrived, every call, and foreign calls that
// others made to the same people. Bounded: the oldest ended calls and the oldest requests are
// forgotten first, open calls never.

import type { Call } from "./call.ts";
import { isEnded } from "./call.ts";

/** One request to create a call, also when it was refused or never answered. */
export interface CreateRecord {
  /** When the first byte of the request's headers had arrived. */
  readonly arrivedAt: number;
  readonly accountSid: string;
  readonly to: string;
  readonly from: string;
  /** null when no call was made. */
  callSid: string | null;
  /** HTTP status of the answer; null when none was given (or not yet). */
  answerStatus: number | null;
  /** The carrier's code when refused, else null. */
  errorCode: number | null;
  /** Name of the fault that struck this request, else null. */
  fault: string | null;
}

export class CallBooks {
  readonly #maxCalls: number;
  readonly #calls = new Map<string, Call>();
  readonly #byTo = new Map<string, Set<Call>>();
  #creates: CreateRecord[] = [];
  #forgottenCalls = 0;

  constructor(maxCalls: number) {
    this.#maxCalls = maxCalls;
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
    // Cut in blocks, so that the cost per request stays constant.
    if (this.#creates.length > this.#maxCalls * 1.1) {
      this.#creates = this.#creates.slice(-this.#maxCalls);
    }
  }

  addCall(call: Call): void {
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
