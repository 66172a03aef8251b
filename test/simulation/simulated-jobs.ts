// The background work of all processes of a world, the addresses it tells, and its rules. Where
// nobody has a webhook there is nothing for it to show, and none is run.

import type { Database } from "../../src/ports/database.ts";
import { openDice } from "../../src/simulator/dice.ts";
import { seededRandom } from "../support/seeded-random.ts";
import type { WorldConnection } from "./database-desk.ts";
import type { OutboundFaults } from "./fault-mix.ts";
import { jobsDependencies } from "./jobs-dependencies.ts";
import { JobsHost } from "./jobs-host.ts";
import type { Journal } from "./journal.ts";
import { OutboundDesk } from "./outbound-desk.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { Timeline } from "./timeline.ts";
import { areJobsQuiet, readWebhooks, WEBHOOK_RULES } from "./webhook-rules.ts";
import type { WorldPlan } from "./world-plan.ts";

export interface SimulatedJobsParts {
  readonly plan: WorldPlan;
  readonly connection: WorldConnection;
  readonly timeline: Timeline;
  readonly journal: Journal;
  readonly faults: () => OutboundFaults;
}

export class SimulatedJobs {
  readonly #parts: SimulatedJobsParts;
  readonly #isOn: boolean;
  readonly #outbound: OutboundDesk;
  readonly #hosts: JobsHost[] = [];

  constructor(parts: SimulatedJobsParts) {
    const { plan, timeline, journal, faults } = parts;
    this.#parts = parts;
    this.#isOn = plan.keys.some((key) => key.hasWebhook);
    const dice = openDice(plan.seed, "outbound");
    this.#outbound = new OutboundDesk({ timeline, journal, dice, faults });
  }

  /** Webhooks whose bytes were written. */
  get sent(): number {
    return this.#outbound.sent.length;
  }

  start(process: SimulatedProcess, database: Database): void {
    if (!this.#isOn) return;
    const { plan, connection, timeline, journal } = this.#parts;
    const host = new JobsHost({
      process,
      dependencies: jobsDependencies({
        process,
        random: seededRandom(plan.seed * 1_000 + 500 + this.#hosts.length),
        database,
        outbound: this.#outbound.portOf(process),
      }),
      timeline,
      connection,
      dice: openDice(plan.seed, "jobs", process.name),
      onTickFailed: () => journal.note(timeline.now(), `${process.name} its jobs failed`),
    });
    this.#hosts.push(host);
    host.start();
  }

  /** Something was written. */
  nudge(): void {
    for (const host of this.#hosts) host.nudge();
  }

  async isQuiet(): Promise<boolean> {
    return !this.#isOn || areJobsQuiet(this.#parts.connection);
  }

  /** When a world has become quiet: `onBroken` is told each rule that does not hold. */
  async check(onBroken: (rule: string, what: string) => void): Promise<void> {
    if (!this.#isOn) return;
    const books = await readWebhooks(this.#parts.connection, this.#outbound.sent);
    for (const rule of WEBHOOK_RULES) {
      const what = rule.check(books);
      if (what !== null) onBroken(rule.name, what);
    }
  }
}
