// The dialer as two functions: tick() does what is due now and says when it next wants to be woken;
// apply() merges what the carrier reported. It owns no timer and no clock. Nothing here is correct
// because of a wake-up: they only make it sooner.
//
// One tick: campaign steps -> claim -> gate and place -> look up the silent -> end what was asked
// to end -> when to wake.

import type { CarrierEvent } from "../domain/carrier-event.ts";
import { MAX_LATENESS_MS } from "../domain/claim-plan.ts";
import type { Instant } from "../domain/instant.ts";
import { gateCalls } from "../store/gate.ts";
import { applyEvents, type StrayCall } from "./apply.ts";
import { runCampaignSteps, sweep } from "./campaign-steps.ts";
import { claimCalls, type Reservation } from "./claim.ts";
import { endRequestedCalls, endStrays } from "./end-calls.ts";
import type { EngineDependencies } from "./engine-dependencies.ts";
import { DIALING_SILENCE_MS } from "./look-up-times.ts";
import { placeCall, releaseHeldBack } from "./place.ts";
import { lookUpSilentCalls } from "./reconcile.ts";
import { reconcileRestored } from "./reconcile-restored.ts";

/**
 * Calls pass the gate this long before their instant, so that the database's answer is there in
 * time.
 */
const GATE_LEAD_MS = 200;
/** A lease must outlast the latest possible write by this much: clocks agree to far less. */
const LEASE_MARGIN_MS = 1_000;
/**
 * Campaign steps run this often while calls are made; a window's change wakes them at its instant.
 */
const CAMPAIGN_STEPS_MS = 500;
const SWEEP_MS = 60_000;
/** Longest sleep: a lost notification costs no more. */
const MAX_SLEEP_MS = 2_000;
/** While the clock cannot be trusted nothing is claimed; it is looked at again this soon. */
const DEGRADED_SLEEP_MS = 500;
/** Looking for silent calls and requested ends. */
const RECONCILE_MS = 250;
/** Looking for accounts of a restored database that may not dial yet. */
const RESTORED_MS = 2_000;

export interface TickOutcome {
  /** When it next wants to be woken; sooner does no harm. */
  readonly nextWakeAt: Instant;
}

export interface Engine {
  /**
   * Does what is due. Not reentrant: one at a time in a process, any number of processes. Throws as
   * the database does.
   */
  tick(): Promise<TickOutcome>;
  /**
   * Merges carrier events in one transaction: idempotent, order-independent. Resolves after the
   * commit.
   */
  apply(events: readonly CarrierEvent[]): Promise<void>;
  /**
   * Stops claiming and dialing, gives reservations back and waits for what is being placed. Never
   * throws: what the database does not take back, its lease gives back. May be called again.
   */
  drain(): Promise<void>;
  /** Requests to the carrier under way in this process. */
  placingCount(): number;
}

export function createEngine(deps: EngineDependencies): Engine {
  const dialer = new Dialer(deps);
  return {
    tick: () => dialer.tick(),
    apply: (events) => dialer.apply(events),
    drain: () => dialer.drain(),
    placingCount: () => dialer.placingCount(),
  };
}

/** What one process remembers between ticks. Losing it costs a lease's time and nothing else. */
class Dialer {
  readonly #deps: EngineDependencies;
  #reservations: Reservation[] = [];
  #isDraining = false;
  #stepsDueAt = Number.NEGATIVE_INFINITY;
  #sweepDueAt = Number.NEGATIVE_INFINITY;
  #reconcileDueAt = Number.NEGATIVE_INFINITY;
  #restoredDueAt = Number.NEGATIVE_INFINITY;
  #claimDueAt = Number.NEGATIVE_INFINITY;
  readonly #placings = new Set<Promise<void>>();

  constructor(deps: EngineDependencies) {
    this.#deps = deps;
  }

  placingCount(): number {
    return this.#placings.size;
  }

  async tick(): Promise<TickOutcome> {
    const { clock, log } = this.#deps;
    const state = clock.state();
    if (state.kind === "degraded") {
      log.warn({ reason: state.reason }, "the clock cannot be trusted; nothing is dialed");
      return { nextWakeAt: clock.now() + DEGRADED_SLEEP_MS };
    }
    await this.#runSteps();
    if (!this.#isDraining) await this.#claim();
    if (!this.#isDraining) await this.#gateAndPlace();
    this.#reconcile();
    return { nextWakeAt: this.#nextWakeAt() };
  }

  async apply(events: readonly CarrierEvent[]): Promise<void> {
    const strays = await applyEvents(this.#deps, events);
    if (strays.length > 0) this.#track(endStrays(this.#deps, strays), "strays");
  }

  async drain(): Promise<void> {
    this.#isDraining = true;
    const ids = this.#reservations.map((reservation) => reservation.callId);
    this.#reservations = [];
    this.#track(releaseHeldBack(this.#deps, ids), "giving reservations back");
    await Promise.all(this.#placings);
  }

  async #runSteps(): Promise<void> {
    const { clock } = this.#deps;
    if (clock.now() >= this.#sweepDueAt) {
      await sweep(this.#deps);
      this.#sweepDueAt = clock.now() + SWEEP_MS;
    }
    const now = clock.now();
    if (now < this.#stepsDueAt) return;
    // An instant that passes while the steps run is still ahead of their look, and due at once.
    const { more, nextChangeAt } = await runCampaignSteps(this.#deps);
    this.#stepsDueAt = more
      ? now
      : Math.min(now + CAMPAIGN_STEPS_MS, nextChangeAt ?? Number.POSITIVE_INFINITY);
  }

  async #claim(): Promise<void> {
    const outcome = await claimCalls(this.#deps);
    this.#reservations.push(...outcome.reservations);
    this.#deps.meters.claimed(outcome.reservations.length);
    this.#claimDueAt = outcome.nextClaimAt ?? Number.POSITIVE_INFINITY;
  }

  async #gateAndPlace(): Promise<void> {
    const now = this.#deps.clock.now();
    const isDue = (reservation: Reservation): boolean => reservation.dialAt <= now + GATE_LEAD_MS;
    const ids = this.#reservations.filter(isDue).map((reservation) => reservation.callId);
    if (ids.length === 0) return;
    this.#reservations = this.#reservations.filter((reservation) => !isDue(reservation));
    const gated = await gateCalls(this.#deps.database, ids, {
      owner: this.#deps.owner,
      now,
      maxLatenessMs: MAX_LATENESS_MS,
      leaseMarginMs: LEASE_MARGIN_MS,
      silentAfterMs: DIALING_SILENCE_MS,
    });
    for (const call of gated) this.#track(placeCall(this.#deps, call), call.id);
    const passed = new Set(gated.map((call) => call.id));
    await releaseHeldBack(
      this.#deps,
      ids.filter((id) => !passed.has(id)),
    );
  }

  #reconcile(): void {
    const { clock } = this.#deps;
    if (clock.now() < this.#reconcileDueAt) return;
    this.#reconcileDueAt = clock.now() + RECONCILE_MS;
    this.#track(this.#endStraysOf(endRequestedCalls(this.#deps)), "requested ends");
    this.#track(this.#endStraysOf(lookUpSilentCalls(this.#deps)), "look-ups");
    if (clock.now() < this.#restoredDueAt) return;
    this.#restoredDueAt = clock.now() + RESTORED_MS;
    this.#track(reconcileRestored(this.#deps), "a restored account");
  }

  async #endStraysOf(found: Promise<readonly StrayCall[]>): Promise<void> {
    await endStrays(this.#deps, await found);
  }

  // A failed placing is not lost: the call says `dialing` and is looked up like any other silent
  // one.
  #track(placing: Promise<void>, what: string): void {
    const tracked = placing
      .catch((error: unknown) => {
        this.#deps.log.error({ what, err: error }, "work beside the tick failed");
      })
      .finally(() => this.#placings.delete(tracked));
    this.#placings.add(tracked);
  }

  #nextWakeAt(): Instant {
    const firstGate = this.#reservations.reduce(
      (first, reservation) => Math.min(first, reservation.dialAt - GATE_LEAD_MS),
      Number.POSITIVE_INFINITY,
    );
    return Math.min(
      this.#deps.clock.now() + MAX_SLEEP_MS,
      firstGate,
      this.#claimDueAt,
      this.#stepsDueAt,
      this.#reconcileDueAt,
    );
  }
}
