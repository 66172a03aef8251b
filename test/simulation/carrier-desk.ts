// The simulator's carrier, in process and on virtual time, behind the Carrier port of each process.
// The network between is here: requests late, refused, lost before or after the carrier took them,
// answers late or never, callbacks lost, doubled, late and out of order, books that lag or fail.
// What the carrier did is in its own books, whatever the engine was told.

import { parseAnsweredBy, parseCallStatus } from "../../src/carrier/twilio/call-status.ts";
import { classifyAnswer } from "../../src/carrier/twilio/refusal-class.ts";
import { MAX_LATENESS_MS } from "../../src/domain/claim-plan.ts";
import type { CarrierEvent } from "../../src/domain/carrier-event.ts";
import type {
  Carrier as CarrierPort,
  CarrierCallSnapshot,
  DialOrder,
  DialSlotOfTime,
  PlaceOutcome,
} from "../../src/ports/carrier.ts";
import type { Account } from "../../src/simulator/carrier-model/account.ts";
import { connectedSeconds, isEnded, type Call } from "../../src/simulator/carrier-model/call.ts";
import { CallBooks } from "../../src/simulator/carrier-model/call-books.ts";
import { REAL_DELAYS } from "../../src/simulator/carrier-model/carrier-delays.ts";
import { Carrier } from "../../src/simulator/carrier-model/carrier.ts";
import type { ProgressEvent } from "../../src/simulator/carrier-model/create-call-request.ts";
import { createForeignCall } from "../../src/simulator/carrier-model/foreign-calls.ts";
import type { RestError } from "../../src/simulator/carrier-model/rest-error.ts";
import { openDice, type Dice } from "../../src/simulator/dice.ts";
import { createPace } from "../../src/simulator/pace.ts";
import { createPeople, pickedUpBy } from "../../src/simulator/people/people.ts";
import type { Persona, PersonaRates } from "../../src/simulator/people/persona.ts";
import { decideMachineVerdict } from "../../src/simulator/webhooks/machine-detection.ts";
import { createRequestOf } from "./create-request.ts";
import type { CarrierFaults } from "./fault-mix.ts";
import type { Journal } from "./journal.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import { talkMsOf } from "./talk.ts";
import type { Timeline } from "./timeline.ts";

/** One request to create a call whose bytes were written. */
export interface WrittenCreate {
  readonly at: number;
  readonly processName: string;
  readonly carrierAccountId: string;
  readonly order: DialOrder;
  /** null until the carrier has taken it, and for ever when it has not. */
  call: Call | null;
  /** null until the process heard it, and for ever when it died before. */
  answer: PlaceOutcome["kind"] | null;
}

export interface CarrierDeskParts {
  readonly seed: number;
  readonly timeline: Timeline;
  readonly journal: Journal;
  readonly rates: PersonaRates;
  readonly accounts: readonly Account[];
  readonly faults: () => CarrierFaults;
  /** Bytes of a create went out: what the rules about dialing look at. */
  readonly onWritten: (create: WrittenCreate) => Promise<void>;
  readonly onTaken: (create: WrittenCreate) => void;
  /** Somebody answered and goes on talking for so long. */
  readonly onTalk: (create: WrittenCreate, persona: Persona, talkMs: number) => void;
  /** The carrier comes to us. Answers false when nobody took it: it tries again. */
  readonly deliver: (event: CarrierEvent) => Promise<boolean>;
}

/** How the product's HTTP client cuts a request that is not answered. */
const ANSWER_TIMEOUT_MS = 15_000;
const PLACE_CRASH_WEIGHT = 12;
const MAX_DELIVERIES = 4;
const MAX_CALLS = 100_000;

interface Sent {
  readonly create: WrittenCreate;
  readonly outcome: () => PlaceOutcome;
  readonly answerAfterMs: number;
}

export class CarrierDesk {
  readonly books = new CallBooks(MAX_CALLS);
  readonly written: WrittenCreate[] = [];
  readonly createOf = new Map<Call, WrittenCreate>();
  /** Accounts that a callback of theirs was brought to us for. */
  readonly calledBack = new Set<string>();
  /** When a process last learned from the books that a call, open then, is where it is. */
  readonly lookedAt = new Map<Call, number>();
  unknownAnswers = 0;
  readonly #parts: CarrierDeskParts;
  readonly #accounts: ReadonlyMap<string, Account>;
  readonly #carrier: Carrier;
  readonly #people: ReturnType<typeof createPeople>;
  readonly #dice: Dice;
  readonly #callbackDice: Dice;
  readonly #endTalk = new Map<Call, () => void>();

  constructor(parts: CarrierDeskParts) {
    const { seed, timeline } = parts;
    this.#parts = parts;
    this.#accounts = new Map(parts.accounts.map((account) => [account.sid, account]));
    this.#people = createPeople(seed, parts.rates);
    this.#dice = openDice(seed, "carrier faults");
    this.#callbackDice = openDice(seed, "callbacks");
    const sids = openDice(seed, "sids");
    this.#carrier = new Carrier({
      pace: createPace(timeline, 1),
      books: this.books,
      phoneBook: this.#people,
      delays: REAL_DELAYS,
      dice: openDice(seed, "carrier"),
      listener: this,
      createCallSid: () => `CA${sids.hex(32)}`,
      drawListLagMs: (sid) => openDice(seed, "lag", sid).between(0, parts.faults().listLagMs),
    });
  }

  /** The Carrier port of one process. */
  portOf(process: SimulatedProcess): CarrierPort {
    return {
      place: (credentials, order, slot) =>
        this.#place(process, credentials.carrierAccountId, order, slot),
      end: (_credentials, sid, how) =>
        this.#request(process, `end ${sid}`, "failed", () => this.#end(sid, how)),
      lookUp: (_credentials, sid) =>
        this.#request(process, `look up ${sid}`, "failed", () => this.#lookUp(sid)),
      list: (credentials, pair) =>
        this.#request(process, `list ${pair.to}`, "failed", () => ({
          kind: "listed",
          calls: this.#list(credentials.carrierAccountId, pair),
        })),
      listSince: notSimulated,
      explainBusy: async (_credentials, sid) => {
        const answer = await this.#request(process, `explain ${sid}`, "failed", () => {
          const isFull = this.books.findCall(sid)?.notifications.some((it) => it.code === 10004);
          return { kind: isFull === true ? ("concurrency" as const) : ("busy" as const) };
        });
        return answer.kind;
      },
      findRecording: notSimulated,
      openRecording: notSimulated,
      deleteRecordings: notSimulated,
      checkAccount: notSimulated,
      checkNumber: notSimulated,
    };
  }

  // --- what the carrier model tells us

  progressed(call: Call, event: ProgressEvent): void {
    const word = event === "completed" ? call.status : event === "answered" ? "in-progress" : event;
    const status = parseCallStatus(word);
    const create = this.createOf.get(call);
    if (status === null || create === undefined) return;
    this.#send({
      kind: "status",
      callId: create.order.callId,
      dialNumber: create.order.dialNumber,
      carrierCallId: call.sid,
      at: Math.floor(this.#parts.timeline.now()),
      source: "callback",
      status,
      durationSeconds: event === "completed" ? connectedSeconds(call) : null,
      sipResponseCode: event === "completed" ? call.sipResponseCode : null,
    });
  }

  answered(call: Call): void {
    const { timeline, seed } = this.#parts;
    const persona = this.#people.personaOf(call.to);
    const dice = openDice(seed, "talk", call.sid);
    const talkMs = talkMsOf(persona, dice);
    const endTalk = timeline.after(talkMs, () => {
      this.#carrier.hangUp(call, "the talk is over");
    });
    const create = this.createOf.get(call);
    if (create !== undefined) this.#parts.onTalk(create, persona, talkMs);
    const verdict = decideMachineVerdict(
      { mode: "Enable", isAsync: true, timeoutSeconds: 30, callback: null },
      pickedUpBy(persona),
      0,
      { false_positive: 0.04, false_negative: 0.06, unknown: 0.03 },
      dice,
    );
    const endListening = timeline.after(verdict.afterMs, () =>
      this.#sayVerdict(call, verdict.answeredBy),
    );
    this.#endTalk.set(call, () => {
      endTalk();
      endListening();
    });
  }

  ended(call: Call, done: () => void): void {
    this.#endTalk.get(call)?.();
    this.#endTalk.delete(call);
    done();
  }

  #sayVerdict(call: Call, answeredBy: string): void {
    call.answeredBy = answeredBy;
    const create = this.createOf.get(call);
    if (create === undefined) return;
    this.#send({
      kind: "machine_verdict",
      callId: create.order.callId,
      dialNumber: create.order.dialNumber,
      carrierCallId: call.sid,
      at: Math.floor(this.#parts.timeline.now()),
      source: "callback",
      answeredBy: parseAnsweredBy(answeredBy),
      carrierVerdict: answeredBy,
    });
  }

  // --- requests

  async #place(
    process: SimulatedProcess,
    carrierAccountId: string,
    order: DialOrder,
    slot: DialSlotOfTime,
  ): Promise<PlaceOutcome> {
    const lagMs = this.#drawLagMs();
    const waitMs = Math.max(0, slot.notBeforeAt - process.clock.now());
    const sent = await process.ask({
      what: `create ${order.callId}`,
      latencyMs: waitMs + lagMs,
      crashWeight: PLACE_CRASH_WEIGHT,
      run: () => this.#write(process, carrierAccountId, order, slot),
    });
    if (sent === null) {
      const message = "The deadline had passed";
      return { kind: "refused", refusal: { class: "unsent", carrierCode: null, message } };
    }
    return process.ask({
      what: `answer ${order.callId}`,
      latencyMs: sent.answerAfterMs,
      crashWeight: PLACE_CRASH_WEIGHT,
      run: () => {
        const outcome = sent.outcome();
        sent.create.answer = outcome.kind;
        if (outcome.kind === "unknown") this.unknownAnswers += 1;
        this.#note(`${process.name} placing ${order.callId}.${order.dialNumber} ${outcome.kind}`);
        return outcome;
      },
    });
  }

  /** From its instant to the write: often at once, sometimes at the edge of too late or past it. */
  #drawLagMs(): number {
    const isLate = this.#dice.chance(this.#parts.faults().lateWrites);
    const isEdge = this.#dice.chance(0.5);
    if (!isLate) return this.#dice.between(0, 3);
    return isEdge ? MAX_LATENESS_MS : this.#dice.between(0, MAX_LATENESS_MS * 1.2);
  }

  async #write(
    process: SimulatedProcess,
    carrierAccountId: string,
    order: DialOrder,
    slot: DialSlotOfTime,
  ): Promise<Sent | null> {
    const now = process.clock.now();
    if (now > slot.notAfterAt || process.clock.state().kind === "degraded") return null;
    const { timeline, faults } = this.#parts;
    const create: WrittenCreate = {
      at: Math.floor(timeline.now()),
      processName: process.name,
      carrierAccountId,
      order,
      call: null,
      answer: null,
    };
    this.written.push(create);
    this.#note(`${process.name} create ${order.callId}.${order.dialNumber} to ${order.to}`);
    await this.#parts.onWritten(create);
    return { create, ...this.#carryOver(create, faults()) };
  }

  #carryOver(create: WrittenCreate, faults: CarrierFaults): Omit<Sent, "create"> {
    const dice = this.#dice;
    const travelMs = dice.chance(faults.travelSlow)
      ? dice.between(0, 4_000)
      : dice.between(20, 120);
    const answerAfterMs =
      travelMs +
      (dice.chance(faults.answerSlow) ? dice.between(500, 6_000) : dice.between(50, 250));
    // Every fault is drawn each time, so that changing one leaves the others' dice alone.
    const code = dice.chance(faults.refuse) ? dice.pick(faults.refuseCodes) : null;
    const isRefusedBefore = dice.chance(faults.errorBefore);
    const isErrorAfter = dice.chance(faults.errorAfter);
    const isLostBefore = dice.chance(faults.hangBefore);
    const isLostAfter = dice.chance(faults.hangAfter);
    const lost: PlaceOutcome = { kind: "unknown", reason: "no whole answer within 15000 ms" };
    const broken: PlaceOutcome = { kind: "unknown", reason: "HTTP 500 (20500)" };
    if (code !== null) return { outcome: () => refused(code), answerAfterMs };
    if (isRefusedBefore) return { outcome: () => broken, answerAfterMs };
    if (isLostBefore) return { outcome: () => lost, answerAfterMs: ANSWER_TIMEOUT_MS };
    let taken: Call | RestError | null = null;
    this.#parts.timeline.after(travelMs, () => {
      taken = this.#take(create);
    });
    if (isErrorAfter) return { outcome: () => broken, answerAfterMs };
    if (isLostAfter) return { outcome: () => lost, answerAfterMs: ANSWER_TIMEOUT_MS };
    return { outcome: () => outcomeOf(taken), answerAfterMs };
  }

  #take(create: WrittenCreate): Call | RestError {
    const account = this.#accounts.get(create.carrierAccountId);
    if (account === undefined) throw new Error(`no account ${create.carrierAccountId}`);
    const taken = this.#carrier.create(account, createRequestOf(create.order));
    if ("kind" in taken) return taken;
    create.call = taken;
    this.createOf.set(taken, create);
    const isForeign = this.#dice.chance(this.#parts.faults().foreign);
    const isNear = this.#dice.chance(0.3);
    if (isForeign) this.books.addCall(createForeignCall(taken, isNear, this.#dice));
    this.#note(`carrier took ${create.order.callId}.${create.order.dialNumber} as ${taken.sid}`);
    this.#parts.onTaken(create);
    return taken;
  }

  #request<A extends { readonly kind: string }>(
    process: SimulatedProcess,
    what: string,
    failed: "failed",
    answer: () => A,
  ): Promise<A | { readonly kind: "failed"; readonly reason: string }> {
    const faults = this.#parts.faults();
    const isFailed = this.#dice.chance(faults.requestFails);
    const latencyMs = this.#dice.chance(faults.answerSlow)
      ? this.#dice.between(500, ANSWER_TIMEOUT_MS)
      : this.#dice.between(50, 300);
    const isBefore = this.#dice.chance(0.5);
    return process.ask({
      what,
      latencyMs,
      crashWeight: 3,
      run: () => {
        if (isFailed && isBefore) return { kind: failed, reason: "HTTP 500 (20500)" };
        const given = answer();
        this.#note(`${process.name} ${what}: ${isFailed ? failed : given.kind}`);
        return isFailed ? { kind: failed, reason: "the connection broke" } : given;
      },
    });
  }

  #end(sid: string, how: "cancel" | "hang_up") {
    const call = this.books.findCall(sid);
    if (call === null) return { kind: "absent" as const };
    const isDone =
      how === "cancel"
        ? this.#carrier.cancel(call)
        : this.#carrier.hangUp(call, "hung up through the API");
    return { kind: isDone ? ("accepted" as const) : ("too_late" as const) };
  }

  #lookUp(sid: string) {
    const call = this.books.findCall(sid);
    const { timeline, faults } = this.#parts;
    const isBehind =
      call !== null &&
      timeline.now() - call.createdAt < faults().readLagMs * openDice(sid, "read lag").fraction();
    if (call === null || isBehind) return { kind: "absent" as const };
    if (!isEnded(call)) this.lookedAt.set(call, timeline.now());
    return { kind: "found" as const, call: snapshotOf(call) };
  }

  #list(
    carrierAccountId: string,
    pair: { readonly to: string; readonly from: string },
  ): readonly CarrierCallSnapshot[] {
    const now = this.#parts.timeline.now();
    return [...this.books.calls(pair.to)]
      .filter(
        (call) =>
          call.accountSid === carrierAccountId && call.from === pair.from && call.listedAt <= now,
      )
      .map(snapshotOf);
  }

  // --- callbacks

  #send(event: CarrierEvent): void {
    const { timeline, faults } = this.#parts;
    const dice = this.#callbackDice;
    const { lost, doubled, late, lateMs, reordered } = faults().callbacks;
    const isLost = dice.chance(lost);
    const copies = dice.chance(doubled) ? 2 : 1;
    const delayMs =
      (dice.chance(late) ? dice.between(500, lateMs) : 0) +
      (dice.chance(reordered) ? dice.between(650, 2_500) : 0);
    if (isLost) return;
    for (let copy = 0; copy < copies; copy += 1) {
      const travelMs = dice.between(20, 120) + (copy === 0 ? 0 : dice.between(0, 3_000));
      timeline.after(delayMs + travelMs, () => this.#deliver(event, 1));
    }
  }

  #deliver(event: CarrierEvent, times: number): void {
    const word = event.kind === "status" ? event.status : event.answeredBy;
    const account = this.books.findCall(event.carrierCallId)?.accountSid;
    if (account !== undefined) this.calledBack.add(account);
    this.#note(`callback ${event.callId}.${event.dialNumber} ${word}`);
    this.#parts
      .deliver(event)
      .then((isTaken) => {
        if (isTaken || times >= MAX_DELIVERIES) return;
        this.#parts.timeline.after(1_000 * times, () => this.#deliver(event, times + 1));
      })
      .catch((error: unknown) => {
        throw error;
      });
  }

  #note(what: string): void {
    this.#parts.journal.note(this.#parts.timeline.now(), what);
  }
}

function outcomeOf(taken: Call | RestError | null): PlaceOutcome {
  if (taken === null) throw new Error("the carrier answered before the request arrived");
  if ("kind" in taken) return refused(taken.code);
  return { kind: "placed", carrierCallId: taken.sid, queueTimeMs: taken.queueTimeMs };
}

function refused(code: number): PlaceOutcome {
  const status = code === 20429 ? 429 : 400;
  const found = classifyAnswer(status, code);
  if (found === "unknown") return { kind: "unknown", reason: `HTTP 500 (${code})` };
  const refusal = { class: found, carrierCode: code, message: `refused with ${code}` };
  return { kind: "refused", refusal };
}

function snapshotOf(call: Call): CarrierCallSnapshot {
  const status = parseCallStatus(call.status);
  if (status === null) throw new Error(`a call that is ${call.status}`);
  return {
    carrierCallId: call.sid,
    to: call.to,
    from: call.from,
    status,
    answeredBy: call.answeredBy === null ? null : parseAnsweredBy(call.answeredBy),
    // The carrier's books know whole seconds.
    createdAt: Math.floor(call.createdAt / 1_000) * 1_000,
    durationSeconds: isEnded(call) ? connectedSeconds(call) : null,
    isOutboundApi: call.direction === "outbound-api",
  };
}

function notSimulated(): never {
  throw new Error("the engine checks no account and no number");
}
