// One run of the simulator: carrier, people, callbacks and live calls, put together around one
// clock and one seed. A reset throws the run away and starts another; nothing of the old one may
// still happen then.

import type { WebSocket } from "ws";
import { AccountRegistry } from "./carrier-model/account-registry.ts";
import type { Call } from "./carrier-model/call.ts";
import { CallBooks } from "./carrier-model/call-books.ts";
import { Carrier } from "./carrier-model/carrier.ts";
import type { CarrierDelays } from "./carrier-model/carrier-delays.ts";
import type { ProgressEvent } from "./carrier-model/create-call-request.ts";
import { Faults } from "./control/faults.ts";
import { openDice, type Dice } from "./dice.ts";
import { LiveCall } from "./live-call.ts";
import { createPace, type Pace } from "./pace.ts";
import { createPerson } from "./people/create-person.ts";
import { createPeople, pickedUpBy, type People } from "./people/people.ts";
import { DEFAULT_GREETING } from "./people/mailbox-greetings.ts";
import type { Persona, PersonaRates } from "./people/persona.ts";
import { mailboxGreetingMs } from "./people/recorded-line.ts";
import { runAside } from "./run-aside.ts";
import type { SimulatorClock } from "./simulator-clock.ts";
import type { SimulatorLog } from "./simulator-log.ts";
import { decideMachineVerdict } from "./webhooks/machine-detection.ts";
import { standardFields } from "./webhooks/call-fields.ts";
import { createCallbackSender, type CallbackSender } from "./webhooks/status-callbacks.ts";
import { createWebhookClient, type WebhookClient } from "./webhooks/webhook-client.ts";

export interface RunOptions {
  readonly clock: SimulatorClock;
  readonly log: SimulatorLog;
  readonly seed: number;
  readonly speed: number;
  readonly rates: PersonaRates;
  readonly delays: CarrierDelays;
  readonly maxCalls: number;
  /** Keeps the books for a later start. */
  readonly keep: ((line: string) => void) | null;
  /** Accounts outlive a reset. */
  readonly accounts: AccountRegistry;
}

export class SimulatorRun {
  readonly pace: Pace;
  readonly books: CallBooks;
  readonly people: People;
  readonly carrier: Carrier;
  readonly accounts: AccountRegistry;
  faults: Faults = Faults.parse({});
  readonly #options: RunOptions;
  readonly #dice: Dice;
  readonly #webhooks: WebhookClient;
  readonly #callbacks: CallbackSender;
  readonly #live = new Map<Call, LiveCall>();
  readonly #sockets = new Set<WebSocket>();

  constructor(options: RunOptions) {
    const { clock, log, seed, accounts } = options;
    this.#options = options;
    this.accounts = accounts;
    this.pace = createPace(clock, options.speed);
    this.books = new CallBooks(options.maxCalls, options.keep);
    this.people = createPeople(seed, options.rates);
    this.#dice = openDice(seed, "run");
    this.#webhooks = createWebhookClient(this.pace);
    this.#callbacks = createCallbackSender({
      pace: this.pace,
      webhooks: this.#webhooks,
      dice: openDice(seed, "callbacks"),
      log,
      faults: () => this.faults,
      findAccount: (sid) => accounts.find(sid),
    });
    // Ids must not repeat when a simulator is started again or reset: whoever dialed the last one
    // still has its ids.
    const sids = openDice(seed, "sids", this.pace.now());
    this.carrier = new Carrier({
      pace: this.pace,
      books: this.books,
      phoneBook: this.people,
      delays: options.delays,
      dice: openDice(seed, "carrier"),
      listener: this,
      createCallSid: () => `CA${sids.hex(32)}`,
      drawListLagMs: (sid) => openDice(seed, "lag", sid).between(0, this.faults.list.max_lag_ms),
    });
  }

  /** The live half of a call in progress; null when nobody is on the line. */
  liveCall(call: Call): LiveCall | null {
    return this.#live.get(call) ?? null;
  }

  progressed(call: Call, event: ProgressEvent): void {
    this.#callbacks.sendStatus(call, event);
  }

  answered(call: Call): void {
    const live = new LiveCall(this.#liveParts(), call);
    this.#live.set(call, live);
    live.pickUp();
    const detection = call.request?.machineDetection ?? null;
    if (detection === null || detection.isAsync) this.#runScript(live, {});
    if (detection !== null) this.#detectMachine(live);
  }

  ended(call: Call, finished: () => void): void {
    const live = this.#live.get(call);
    this.#live.delete(call);
    const ending = live?.end() ?? Promise.resolve();
    runAside(ending.finally(finished), this.#options.log, "the end of a call");
  }

  /** Stops everything; what was under way is cut off. */
  async close(): Promise<void> {
    this.pace.stop();
    for (const socket of this.#sockets) socket.terminate();
    this.#live.clear();
    await this.#webhooks.close();
  }

  #runScript(live: LiveCall, fields: Readonly<Record<string, string>>): void {
    const script = live.call.request?.script;
    if (script !== undefined) live.run(script, fields);
  }

  #detectMachine(live: LiveCall): void {
    const { call } = live;
    const detection = call.request?.machineDetection;
    if (detection === undefined || detection === null) return;
    const { seed } = this.#options;
    const who = pickedUpBy(this.people.personaOf(call.to));
    const dice = openDice(seed, "amd", call.to);
    const verdict = decideMachineVerdict(
      detection,
      who,
      mailboxGreetingMs(this.people.firstWordsOf(call.to) ?? DEFAULT_GREETING),
      this.faults.amd,
      dice,
    );
    this.pace.afterTalk(verdict.afterMs, () => {
      if (this.#live.get(call) !== live) return;
      call.answeredBy = verdict.answeredBy;
      const fields = {
        AnsweredBy: verdict.answeredBy,
        MachineDetectionDuration: String(Math.round(verdict.afterMs)),
      };
      // Synchronous detection holds the script back until it knows.
      if (!detection.isAsync) this.#runScript(live, fields);
      else if (detection.callback !== null) {
        const form = standardFields(call, call.status);
        for (const [name, value] of Object.entries(fields)) form.set(name, value);
        this.#callbacks.send(call, detection.callback, form);
      }
    });
  }

  #liveParts() {
    const { log, seed, delays, accounts } = this.#options;
    return {
      pace: this.pace,
      dice: this.#dice,
      log,
      delays,
      faults: () => this.faults,
      findAccount: (sid: string) => accounts.find(sid),
      webhooks: this.#webhooks,
      callbacks: this.#callbacks,
      carrier: () => this.carrier,
      lineOf: (phone: string) => this.people.lineOf(phone),
      sockets: this.#sockets,
      createPerson: (call: Call, parts: Parameters<typeof createPerson>[3]) =>
        createPerson(
          seed,
          call.to,
          (call.persona ?? "terse") as Persona,
          parts,
          this.people.firstWordsOf(call.to),
        ),
    };
  }
}
