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
import { applyEvents } from "./apply.ts";
import { nextCampaignInstant, runCampaignSteps, sweep } from "./campaign-steps.ts";
import { claimCalls, type Reservation } from "./claim.ts";
import type { EngineDependencies } from "./engine-dependencies.ts";
import { DIALING_SILENCE_MS } from "./look-up-times.ts";
import { placeCall, releaseHeldBack } from "./place.ts";
import { endRequestedCalls, endStrays, lookUpSilentCalls } from "./reconcile.ts";

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
  /** Stops claiming, gives reservations back and waits for what is being placed. */
  drain(): Promise<void>;
  /** Requests to the carrier under way in this process. */
  placingCount(): number;
}

export function createEngine(deps: EngineDependencies): Engine {
  let reservations: Reservation[] = [];
  let isDraining = false;
  let stepsDueAt = Number.NEGATIVE_INFINITY;
  let sweepDueAt = Number.NEGATIVE_INFINITY;
  let reconcileDueAt = Number.NEGATIVE_INFINITY;
  let claimDueAt = Number.NEGATIVE_INFINITY;
  const placings = new Set<Promise<void>>();

  async function tick(): Promise<TickOutcome> {
    const state = deps.clock.state();
    if (state.kind === "degraded") {
      deps.log.warn({ reason: state.reason }, "the clock cannot be trusted; nothing is dialed");
      return { nextWakeAt: deps.clock.now() + DEGRADED_SLEEP_MS };
    }
    await campaignSteps();
    if (!isDraining) await claim();
    await gateAndPlace();
    await reconcile();
    return { nextWakeAt: nextWakeAt() };
  }

  async function campaignSteps(): Promise<void> {
    if (deps.clock.now() >= sweepDueAt) {
      await sweep(deps);
      sweepDueAt = deps.clock.now() + SWEEP_MS;
    }
    if (deps.clock.now() < stepsDueAt) return;
    const { more } = await runCampaignSteps(deps);
    const now = deps.clock.now();
    const change = await nextCampaignInstant(deps);
    stepsDueAt = more ? now : Math.min(now + CAMPAIGN_STEPS_MS, change ?? Number.POSITIVE_INFINITY);
  }

  async function claim(): Promise<void> {
    const outcome = await claimCalls(deps);
    reservations.push(...outcome.reservations);
    claimDueAt = outcome.nextClaimAt ?? Number.POSITIVE_INFINITY;
  }

  async function gateAndPlace(): Promise<void> {
    const now = deps.clock.now();
    const due = reservations.filter((reservation) => reservation.dialAt <= now + GATE_LEAD_MS);
    if (due.length === 0) return;
    reservations = reservations.filter((reservation) => reservation.dialAt > now + GATE_LEAD_MS);
    const ids = due.map((reservation) => reservation.callId);
    const gated = await gateCalls(deps.database, ids, {
      owner: deps.owner,
      now,
      maxLatenessMs: MAX_LATENESS_MS,
      leaseMarginMs: LEASE_MARGIN_MS,
      silentAfterMs: DIALING_SILENCE_MS,
    });
    for (const call of gated) track(placeCall(deps, call), call.id);
    const passed = new Set(gated.map((call) => call.id));
    await releaseHeldBack(
      deps,
      ids.filter((id) => !passed.has(id)),
    );
  }

  // A failed placing is not lost: the call says `dialing` and is looked up like any other silent
  // one.
  function track(placing: Promise<void>, callId: string): void {
    const tracked = placing
      .catch((error: unknown) => {
        deps.log.error({ callId, err: error }, "the answer of a placing could not be recorded");
      })
      .finally(() => placings.delete(tracked));
    placings.add(tracked);
  }

  async function reconcile(): Promise<void> {
    if (deps.clock.now() < reconcileDueAt) return;
    reconcileDueAt = deps.clock.now() + RECONCILE_MS;
    track(endRequestedCalls(deps), "requested ends");
    track(
      lookUpSilentCalls(deps).then((strays) => endStrays(deps, strays)),
      "look-ups",
    );
  }

  function nextWakeAt(): Instant {
    const now = deps.clock.now();
    const firstGate = reservations.reduce(
      (first, reservation) => Math.min(first, reservation.dialAt - GATE_LEAD_MS),
      Number.POSITIVE_INFINITY,
    );
    return Math.min(now + MAX_SLEEP_MS, firstGate, claimDueAt, stepsDueAt, reconcileDueAt);
  }

  return {
    tick,
    async apply(events) {
      const strays = await applyEvents(deps, events);
      if (strays.length > 0) track(endStrays(deps, strays), "strays");
    },
    async drain() {
      isDraining = true;
      const ids = reservations.map((reservation) => reservation.callId);
      reservations = [];
      await releaseHeldBack(deps, ids);
      await Promise.allSettled(placings);
    },
    placingCount: () => placings.size,
  };
}
