// One seed's world from its first event to its end: processes start, crash and come back, people
// act, the carrier calls; first with faults (safety), then without (everything must finish). Every
// rule is checked where it can break. Nothing here reads a clock or dice of its own.

import type { CarrierEvent } from "../../src/domain/carrier-event.ts";
import { newCallId } from "../../src/domain/ids.ts";
import { openDice, type Dice } from "../../src/simulator/dice.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { carryOut, type ActParts } from "./acts.ts";
import { carrierAccounts } from "./carrier-accounts.ts";
import { CarrierDesk, type WrittenCreate } from "./carrier-desk.ts";
import {
  END_RULES,
  TABLE_RULES,
  TAKEN_RULES,
  WRITE_RULES,
  type DialRule,
  type TableRule,
} from "./checkers.ts";
import { DatabaseDesk, type WorldConnection } from "./database-desk.ts";
import { engineDependencies } from "./engine-dependencies.ts";
import { EngineHost } from "./engine-host.ts";
import {
  isQuiet,
  noEvidence,
  readDial,
  readTables,
  type Dial,
  type Evidence,
  type Tables,
} from "./evidence.ts";
import { NO_FAULTS, type FaultMix } from "./fault-mix.ts";
import { Journal } from "./journal.ts";
import { stepClock, stopProcess } from "./process-faults.ts";
import { reportsOf } from "./process-reports.ts";
import { SimulatedJobs } from "./simulated-jobs.ts";
import { SimulatedProcess } from "./simulated-process.ts";
import { askCallback } from "./mid-campaign-acts.ts";
import { noStatistics, type Statistics } from "./statistics.ts";
import { Timeline } from "./timeline.ts";
import { deadlineOf, mostTicks } from "./world-limits.ts";
import type { ActPlan, WorldPlan } from "./world-plan.ts";
import { emptyWorld, insertCampaign, insertSingle, insertTenants } from "./world-rows.ts";

export interface Finding {
  readonly rule: string;
  readonly what: string;
  readonly at: number;
}

export interface WorldResult {
  readonly finding: Finding | null;
  readonly hash: string;
}

const TABLES_EVERY_MS = 15_000;
const MEND_EVERY_MS = 20_000;
/** After the last recipient is settled: what comes late comes now. */
const REST_MS = 20_000;

/** Breaks out of the run: the first finding is the one to look at. */
class Broken extends Error {
  readonly finding: Finding;
  constructor(finding: Finding) {
    super(`${finding.rule}: ${finding.what}`);
    this.finding = finding;
  }
}

export class SimulatedWorld {
  readonly timeline: Timeline;
  readonly journal: Journal;
  readonly evidence: Evidence;
  readonly statistics: Statistics;
  readonly #plan: WorldPlan;
  readonly #connection: WorldConnection;
  readonly #database: DatabaseDesk;
  readonly #carrier: CarrierDesk;
  readonly #dice: Dice;
  readonly #acts: ActParts;
  readonly #hosts: EngineHost[] = [];
  readonly #jobs: SimulatedJobs;
  #faults: FaultMix;
  #isCalm = false;
  #broken: Broken | null = null;
  /** What people will do with the next claim. */
  #armed: ActPlan[] = [];
  #generation = 0;
  #lastWriteAt: number;
  #mendedAt = Number.NEGATIVE_INFINITY;
  #before: Tables | null = null;
  #isToldAboutUncertain = false;

  constructor(plan: WorldPlan, connection: WorldConnection) {
    this.#plan = plan;
    this.#connection = connection;
    this.#faults = plan.faults;
    this.#lastWriteAt = plan.startsAt;
    this.timeline = new Timeline(plan.startsAt);
    this.journal = new Journal(plan.startsAt);
    this.#dice = openDice(plan.seed, "scheduler");
    const recipients = plan.singles.length + plan.campaigns.flatMap((it) => it.phones).length;
    this.statistics = { ...noStatistics(), recipients };
    this.#database = new DatabaseDesk({
      connection,
      timeline: this.timeline,
      journal: this.journal,
      dice: openDice(plan.seed, "database"),
      faults: () => this.#faults.database,
      onWrite: () => this.#onWrite(),
      onClaim: () => this.#onClaim(),
    });
    this.#carrier = new CarrierDesk({
      seed: plan.seed,
      timeline: this.timeline,
      journal: this.journal,
      rates: plan.rates,
      accounts: carrierAccounts(plan),
      faults: () => this.#faults.carrier,
      onWritten: (create) => this.#onWritten(create),
      onTaken: (create) => this.#onTaken(create),
      onTalk: (create, persona, talkMs) => {
        if (persona !== "asks_callback") return;
        this.timeline.after(talkMs / 2, () => this.#askCallback(create.order.callId));
      },
      deliver: (event) => this.#deliver(event),
    });
    this.#jobs = new SimulatedJobs({
      plan,
      connection,
      timeline: this.timeline,
      journal: this.journal,
      faults: () => this.#faults.outbound,
    });
    this.evidence = noEvidence({
      plan,
      desk: this.#carrier,
      now: () => this.timeline.now(),
      skewMs: Math.max(...plan.skewsMs) - Math.min(...plan.skewsMs) + (isExact(plan) ? 0 : 1),
    });
    this.#acts = {
      desk: this.#database,
      connection,
      evidence: this.evidence,
      dice: openDice(plan.seed, "act details"),
      editDice: openDice(plan.seed, "edit details"),
      onAppended: (count) => {
        this.statistics.recipients += count;
      },
      now: () => this.timeline.now(),
    };
  }

  async run(): Promise<WorldResult> {
    try {
      await emptyWorld(this.#connection);
      await insertTenants(this.#connection, this.#plan);
      this.#prepare();
      await this.#runUntilQuiet();
    } catch (error) {
      if (!(error instanceof Broken)) throw error;
      this.#broken = error;
    } finally {
      // Nobody may write into the next world.
      await Promise.all(this.#hosts.map((host) => host.process.kill("the end")));
    }
    const { timeline, journal, statistics } = this;
    statistics.creates = this.#carrier.written.length;
    statistics.webhooks = this.#jobs.sent;
    statistics.unknown = this.#carrier.unknownAnswers;
    statistics.calls = this.#carrier.createOf.size;
    statistics.virtualMinutes = Math.round((timeline.now() - this.#plan.startsAt) / 60_000);
    return { finding: this.#broken?.finding ?? null, hash: journal.digest() };
  }

  // --- what is going to happen

  #prepare(): void {
    const { timeline } = this;
    const { plan } = this.evidence;
    for (const [index] of plan.skewsMs.entries()) this.#startProcess(index);
    for (const campaign of plan.campaigns) {
      timeline.at(campaign.createdAt, async () => {
        await insertCampaign(this.#connection, campaign);
        this.#onWrite();
      });
    }
    const random = seededRandom(plan.seed);
    for (const single of plan.singles) {
      timeline.at(single.createdAt, async () => {
        await insertSingle(this.#connection, single, newCallId(single.createdAt, random));
        this.#onWrite();
      });
    }
    for (const act of plan.acts) {
      timeline.at(act.at, () => {
        if (act.isAtClaim) this.#armed.push(act);
        else this.#act(act);
      });
    }
    this.#plagueProcesses(plan.faults.freezes, "freezes", stopProcess);
    this.#plagueProcesses(plan.faults.clockSteps, "clock steps", stepClock);
    timeline.at(plan.calmFrom, () => this.#becomeCalm());
    timeline.after(TABLES_EVERY_MS, () => this.#lookAtTables());
  }

  #plagueProcesses(count: number, stream: string, plague: typeof stopProcess): void {
    const { startsAt, calmFrom, seed } = this.#plan;
    const dice = openDice(seed, stream);
    const note = (what: string): void => this.#note(what);
    const parts = { dice, desk: this.#database, evidence: this.evidence, note };
    for (let nth = 0; nth < count; nth += 1) {
      this.timeline.at(dice.between(startsAt, calmFrom), () => {
        const host = this.#pick(dice);
        if (host !== null) plague(parts, host.process);
      });
    }
  }

  #startProcess(index: number): void {
    if (this.#broken !== null) return;
    const { plan } = this.evidence;
    this.#generation += 1;
    const name = `proc_${index}_${this.#generation}`;
    const dice = openDice(plan.seed, "process", name);
    const { meanFuse } = this.#faults;
    const process = new SimulatedProcess({
      name,
      timeline: this.timeline,
      skewMs: plan.skewsMs[index] ?? 0,
      fuse: this.#isCalm ? Number.POSITIVE_INFINITY : -Math.log(1 - dice.fraction()) * meanFuse,
      crashDice: dice,
      onCrash: (crashed, where) => this.#onCrash(crashed, where, index),
    });
    const host = new EngineHost({
      process,
      dependencies: engineDependencies({
        process,
        random: seededRandom(this.#plan.seed * 1_000 + this.#generation),
        database: this.#database.databaseOf(process),
        carrier: this.#carrier.portOf(process),
      }),
      timeline: this.timeline,
      connection: this.#connection,
      dice,
      lastWriteAt: () => this.#lastWriteAt,
      onTick: () => this.#countTick(),
      beforeTick: reportsOf(process, this.#connection),
      onTickFailed: () => this.#note(`${name} a tick failed`),
    });
    this.#hosts.push(host);
    this.#note(`${name} starts`);
    host.start();
    this.#jobs.start(process, this.#database.databaseOf(process));
  }

  async #onCrash(process: SimulatedProcess, where: string, index: number): Promise<void> {
    await this.#database.abandon(process);
    if (where === "the end") return;
    this.statistics.crashes += 1;
    this.#note(`${process.name} crashed ${where}`);
    this.#nudgeSomebody();
    const backAfterMs = this.#dice.chance(0.5) ? 0 : this.#dice.between(0, 40_000);
    this.timeline.after(backAfterMs, () => this.#startProcess(index));
  }

  #act(act: Pick<ActPlan, "kind" | "campaign">): void {
    const host = this.#pick(this.#dice);
    if (host === null) return;
    this.statistics.acts += 1;
    this.#note(`a person: ${act.kind} ${act.campaign.id} at ${host.process.name}`);
    carryOut(this.#acts, host.process, act).catch(() => this.#note(`${act.kind} failed`));
  }

  #askCallback(callId: string): void {
    const host = this.#pick(this.#dice);
    if (host === null) return;
    this.#note(`${callId} asks to be called again, at ${host.process.name}`);
    askCallback(this.#acts, host.process, callId).catch(() => this.#note("which nobody took down"));
  }

  async #deliver(event: CarrierEvent): Promise<boolean> {
    this.statistics.callbacks += 1;
    const host = this.#pick(this.#dice);
    if (host === null) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    // A process that dies or hangs with the event in hand answers nothing: the carrier gives up.
    const giveUp = this.timeline.after(4_000, () => resolve(false));
    host.engine.apply([event]).then(
      () => resolve(true),
      () => resolve(false),
    );
    return promise.finally(giveUp);
  }

  /** A living process; null when there is none. */
  #pick(dice: Dice): EngineHost | null {
    const living = this.#hosts.filter((host) => host.process.isAlive);
    return living.length === 0 ? null : dice.pick(living as [EngineHost, ...EngineHost[]]);
  }

  #onWrite(): void {
    this.#lastWriteAt = this.timeline.now();
    this.#nudgeSomebody();
    this.#jobs.nudge();
  }

  #onClaim(): void {
    for (const act of this.#armed) {
      this.timeline.after(this.#dice.between(0, 250), () => this.#act(act));
    }
    this.#armed = [];
  }

  /** Whoever is drawn looks soon; the others when their own time comes. */
  #nudgeSomebody(): void {
    const awake = this.#hosts.filter((host) => host.process.isAlive && !host.process.isFrozen);
    if (awake.length === 0) return;
    const first = this.#dice.pick(awake as [EngineHost, ...EngineHost[]]);
    for (const host of awake) if (host === first || this.#dice.chance(0.15)) host.nudge();
  }

  #note(what: string): void {
    this.journal.note(this.timeline.now(), what);
  }

  // --- calm, and the end

  #becomeCalm(): void {
    this.#isCalm = true;
    this.#faults = { ...NO_FAULTS };
    this.#note("from here on nothing goes wrong");
    for (const host of this.#hosts) host.process.disarm();
    this.#nudgeSomebody();
    this.timeline.after(MEND_EVERY_MS, () => this.#mend());
  }

  /** A person resumes what a fault or somebody else has paused. */
  async #mend(): Promise<void> {
    const quietMs = this.timeline.now() - this.#lastWriteAt;
    this.timeline.after(Math.max(MEND_EVERY_MS, Math.min(quietMs, 600_000)), () => this.#mend());
    if (this.#mendedAt > this.#lastWriteAt) return;
    this.#mendedAt = this.timeline.now();
    const rows = await this.#connection.observe<{ id: string }>(
      "select id from campaigns where status = 'paused' order by id",
    );
    const [first] = this.#plan.campaigns;
    if (first !== undefined && this.evidence.stops.at(-1)?.isStopped === true) {
      this.#act({ kind: "restart_dialing", campaign: first });
    }
    for (const { id } of rows) {
      const campaign = this.evidence.campaigns.get(id);
      if (campaign !== undefined) this.#act({ kind: "resume", campaign });
    }
  }

  #countTick(): void {
    const { statistics } = this;
    statistics.ticks += 1;
    if (statistics.ticks > mostTicks(statistics.recipients)) {
      this.#fail("work comes to an end", `${statistics.ticks} ticks and not done`);
    }
  }

  async #runUntilQuiet(): Promise<void> {
    const deadline = deadlineOf(this.#plan, this.statistics.recipients);
    let lookedAt = Number.NEGATIVE_INFINITY;
    while (this.timeline.now() < deadline && (await this.timeline.step())) {
      if (this.#broken !== null) throw this.#broken;
      const quietMs = this.timeline.now() - this.#lastWriteAt;
      if (!this.#isCalm || quietMs < 2_000 || lookedAt === this.#lastWriteAt) continue;
      lookedAt = this.#lastWriteAt;
      if (!(await isQuiet(this.#connection)) || !(await this.#jobs.isQuiet())) continue;
      if (this.#isToldAboutUncertain) break;
      this.#tellAboutUncertain();
    }
    // The carrier still ends what it holds, and whatever it says changes nothing.
    const restUntil = this.timeline.now() + REST_MS;
    while (this.timeline.now() < restUntil && (await this.timeline.step())) {
      if (this.#broken !== null) throw this.#broken;
    }
    const tables = await readTables(this.#connection);
    this.#checkTables(TABLE_RULES, tables);
    this.#checkTables(END_RULES, tables);
    await this.#jobs.check((rule, what) => this.#fail(rule, what));
    if (this.#broken !== null) throw this.#broken;
    const uncertain = tables.recipients.filter((it) => it.state === "uncertain");
    this.statistics.uncertain = uncertain.length + this.evidence.handWords.length;
    for (const row of tables.recipients) this.#note(`recipient ${row.id} ${row.state}`);
  }

  /** Somebody decides about what is uncertain; then everything must come to rest again. */
  #tellAboutUncertain(): void {
    this.#isToldAboutUncertain = true;
    for (const campaign of this.#plan.campaigns) this.#act({ kind: "settle_by_hand", campaign });
    this.#lastWriteAt = this.timeline.now();
  }

  // --- rules

  async #onWritten(create: WrittenCreate): Promise<void> {
    const dial = await readDial(this.#connection, create);
    if (dial === null) return this.#fail("every create is for a call", create.order.callId);
    this.evidence.dials.set(create, dial);
    this.#checkDial(WRITE_RULES, dial);
  }

  #onTaken(create: WrittenCreate): void {
    const dial = this.evidence.dials.get(create);
    if (dial !== undefined) this.#checkDial(TAKEN_RULES, dial);
  }

  #checkDial(rules: readonly DialRule[], dial: Dial): void {
    for (const rule of rules) {
      const what = rule.check(this.evidence, dial);
      if (what === null) continue;
      const { order } = dial.create;
      this.#fail(rule.name, `${order.callId}.${order.dialNumber} to ${order.to}: ${what}`);
    }
  }

  async #lookAtTables(): Promise<void> {
    const quietMs = this.timeline.now() - this.#lastWriteAt;
    if (quietMs < TABLES_EVERY_MS * 2) {
      this.#checkTables(TABLE_RULES, await readTables(this.#connection));
    }
    this.timeline.after(Math.max(TABLES_EVERY_MS, quietMs / 4), () => this.#lookAtTables());
  }

  #checkTables(rules: readonly TableRule[], tables: Tables): void {
    for (const rule of rules) {
      const what = rule.check(tables, this.#before, this.evidence);
      if (what !== null) this.#fail(rule.name, what);
    }
    this.#before = tables;
  }

  #fail(rule: string, what: string): void {
    this.#note(`BROKEN ${rule}: ${what}`);
    this.#broken ??= new Broken({ rule, what, at: this.timeline.now() });
  }
}

function isExact(plan: WorldPlan): boolean {
  return plan.skewsMs.every((skewMs) => skewMs === 0);
}
