// The carrier's rules without any network: accepting a create, the queue, dialing, ringing, answer,
// end, cancel. Driven by the clock it is given and by its callers; what follows (callbacks, markup,
// conversation) is the listener's. Guarantees: a call reaches exactly one final status, and
// `completed` is announced exactly once, after everything else.

import type { Account } from "./account.ts";
import { createCallRecord, isEnded, moveCall } from "./call.ts";
import type { Call, CallStatus } from "./call.ts";
import type { CallBooks } from "./call-books.ts";
import { checkCallPermission } from "./call-permission.ts";
import { drawDelay } from "./carrier-delays.ts";
import type { CarrierDelays } from "./carrier-delays.ts";
import type { CreateCallRequest, ProgressEvent } from "./create-call-request.ts";
import { DialQueue } from "./dial-queue.ts";
import type { Dice } from "../dice.ts";
import type { Pace } from "../pace.ts";
import type { PhoneBook, PhoneLine } from "./phone-line.ts";
import { restError } from "./rest-error.ts";
import type { RestError } from "./rest-error.ts";
import type { Cancel } from "../simulator-clock.ts";

export interface CarrierListener {
  /** A call reached a point for which a status callback may be subscribed. */
  progressed(call: Call, event: ProgressEvent): void;
  /** Somebody (or something) picked up. */
  answered(call: Call): void;
  /**
   * An answered call ended. The listener runs `done` when the script's last request has been sent;
   * the `completed` callback follows it, as on the real carrier.
   */
  ended(call: Call, done: () => void): void;
}

export interface CarrierParts {
  readonly pace: Pace;
  readonly books: CallBooks;
  readonly phoneBook: PhoneBook;
  readonly delays: CarrierDelays;
  readonly dice: Dice;
  readonly listener: CarrierListener;
  /** Makes the id of a new call. */
  readonly createCallSid: () => string;
  /** How long a new call stays out of the list. Never divided by the speed. */
  readonly drawListLagMs: (callSid: string) => number;
}

// The network adds a buffer to the ring time-out it was asked for (about 5 s on the real carrier).
const RING_BUFFER_MS = 5_000;
/** The carrier's default cap of a call's length. */
const DEFAULT_TIME_LIMIT_SECONDS = 4 * 3600;

/** What the carrier keeps per account besides the calls themselves. */
interface Desk {
  account: Account;
  readonly queue: DialQueue;
  /** Calls dialed and not ended. */
  readonly up: Set<Call>;
}

export class Carrier {
  readonly #parts: CarrierParts;
  readonly #desks = new Map<string, Desk>();
  /** The next step of a call that is being dialed or rings; the time limit of one in progress. */
  readonly #steps = new Map<Call, Cancel>();

  constructor(parts: CarrierParts) {
    this.#parts = parts;
  }

  /** Accepts or refuses a create. An accepted call is queued and will be dialed at its turn. */
  create(account: Account, request: CreateCallRequest): Call | RestError {
    const refusal = checkCallPermission(account, request.from, request.to);
    if (refusal !== null) return refusal;
    const desk = this.#deskOf(account);
    const { queue } = desk;
    if (queue.length >= account.maxQueuedCalls) return restError(22005, `${queue.length} waiting`);
    const call = this.#book(account, request, queue.estimatedWaitMs());
    queue.join(call.sid, () => this.#dial(desk, call));
    return call;
  }

  /** A new pace or limit, also for calls that wait already. */
  accountChanged(account: Account): void {
    const desk = this.#desks.get(account.sid);
    if (desk === undefined) return;
    desk.account = account;
    desk.queue.setPace(account.maxCallsPerSecond);
  }

  /** Ends a call that is not answered yet. False when it is too late. */
  cancel(call: Call): boolean {
    if (call.status !== "queued" && call.status !== "ringing") return false;
    this.#desks.get(call.accountSid)?.queue.leave(call.sid);
    this.#endUnanswered(call, "canceled", null, "canceled through the API");
    return true;
  }

  /** Ends a call whatever it does. False when it had ended. */
  hangUp(call: Call, because: string): boolean {
    if (isEnded(call)) return false;
    if (call.status !== "in-progress") return this.cancel(call);
    const { pace, delays, dice, listener } = this.#parts;
    this.#release(call);
    call.endedBecause = because;
    call.sipResponseCode = 200;
    this.#move(call, "completed");
    listener.ended(call, () => {
      pace.after(drawDelay(dice, delays.actionToCompleted), () => {
        listener.progressed(call, "completed");
      });
    });
    return true;
  }

  #deskOf(account: Account): Desk {
    const known = this.#desks.get(account.sid);
    if (known !== undefined) return known;
    const queue = new DialQueue(this.#parts.pace, account.maxCallsPerSecond);
    const desk: Desk = { account, queue, up: new Set() };
    this.#desks.set(account.sid, desk);
    return desk;
  }

  #book(account: Account, request: CreateCallRequest, queueTimeMs: number): Call {
    const { pace, books, createCallSid, drawListLagMs, phoneBook } = this.#parts;
    const sid = createCallSid();
    const now = pace.now();
    const call = createCallRecord({
      sid,
      accountSid: account.sid,
      to: request.to,
      from: request.from,
      numberSid: account.numbers.find((number) => number.phone === request.from)?.sid ?? null,
      direction: "outbound-api",
      request,
      createdAt: now,
      listedAt: now + drawListLagMs(sid),
    });
    call.queueTimeMs = Math.round(queueTimeMs);
    call.persona = phoneBook.personaOf(request.to);
    books.addCall(call);
    return call;
  }

  #dial(desk: Desk, call: Call): void {
    const { pace, books, delays, dice, listener } = this.#parts;
    const limit = desk.account.maxConcurrentCalls;
    if (limit !== null && desk.up.size >= limit) {
      call.notifications.push({ sid: `NO${dice.hex(32)}`, code: 10004, at: pace.now() });
      this.#endUnanswered(call, "busy", null, "account concurrency exceeded");
      return;
    }
    desk.up.add(call);
    this.#step(call, drawDelay(dice, delays.queueToInitiated), () => {
      call.dialedAt = pace.now();
      call.updatedAt = call.dialedAt;
      call.history.push({ status: "initiated", at: call.dialedAt });
      books.keepStep(call);
      listener.progressed(call, "initiated");
      this.#step(call, drawDelay(dice, delays.initiatedToRinging), () => this.#reach(call));
    });
  }

  /** The network has looked for the phone. */
  #reach(call: Call): void {
    const line = this.#lineFor(call);
    switch (line.kind) {
      case "busy":
        return this.#endUnanswered(call, "busy", 486, "the phone was busy");
      case "unallocated":
        return this.#endUnanswered(call, "failed", 404, "no such number");
      case "network_fails":
        return this.#endUnanswered(call, "failed", 503, "the network failed");
      case "answers":
      case "rings_out":
      case "rejects":
        return this.#ring(call, line);
    }
  }

  #lineFor(call: Call): PhoneLine {
    const { books, phoneBook } = this.#parts;
    // A phone takes one call at a time.
    for (const other of books.calls(call.to)) {
      if (other !== call && (other.status === "ringing" || other.status === "in-progress")) {
        return { kind: "busy" };
      }
    }
    return phoneBook.lineOf(call.to);
  }

  #ring(call: Call, line: Extract<PhoneLine, { kind: "answers" | "rings_out" | "rejects" }>): void {
    const { pace, listener } = this.#parts;
    this.#move(call, "ringing");
    listener.progressed(call, "ringing");
    const maxRingMs = (call.request?.ringTimeoutSeconds ?? 60) * 1000;
    const [ringMs, then] =
      line.kind === "rings_out" || line.ringMs > maxRingMs + RING_BUFFER_MS
        ? [maxRingMs, () => this.#endUnanswered(call, "no-answer", 487, "nobody answered")]
        : line.kind === "rejects"
          ? [line.ringMs, () => this.#endUnanswered(call, "no-answer", 603, "declined")]
          : [line.ringMs, () => this.#answer(call)];
    this.#keepStep(call, pace.afterTalk(ringMs, then));
  }

  #answer(call: Call): void {
    const { listener } = this.#parts;
    this.#move(call, "in-progress");
    const limitSeconds = call.request?.timeLimitSeconds ?? DEFAULT_TIME_LIMIT_SECONDS;
    this.#step(call, limitSeconds * 1000, () => this.hangUp(call, "time limit"));
    listener.progressed(call, "answered");
    listener.answered(call);
  }

  #endUnanswered(call: Call, status: CallStatus, sip: number | null, because: string): void {
    const { pace, delays, dice, listener } = this.#parts;
    this.#release(call);
    call.sipResponseCode = sip;
    call.endedBecause = because;
    this.#move(call, status);
    pace.after(drawDelay(dice, delays.endToCompleted), () => {
      listener.progressed(call, "completed");
    });
  }

  // Kept before anybody is told of it.
  #move(call: Call, status: CallStatus): void {
    moveCall(call, status, this.#parts.pace.now());
    this.#parts.books.keepStep(call);
  }

  #step(call: Call, delayMs: number, run: () => void): void {
    this.#keepStep(call, this.#parts.pace.after(delayMs, run));
  }

  #keepStep(call: Call, cancel: Cancel): void {
    this.#steps.get(call)?.();
    this.#steps.set(call, cancel);
  }

  #release(call: Call): void {
    this.#steps.get(call)?.();
    this.#steps.delete(call);
    this.#desks.get(call.accountSid)?.up.delete(call);
  }
}
