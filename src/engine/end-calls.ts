// Ends calls at the carrier: those that were asked to end, and those that are not ours any more.

import type { CarrierCredentials } from "../ports/carrier.ts";
import { claimEndRequests, type EngineCall } from "../store/engine-calls.ts";
import { applyEvents, type StrayCall } from "./apply.ts";
import type { EngineDependencies } from "./engine-dependencies.ts";
import { credentialsOf, foundEvent, lookAgain, MAX_LOOK_UPS } from "./reconcile.ts";

/** A request to end a call is repeated this often until the call has ended. */
const END_AGAIN_MS = 5_000;

/** Tells the carrier to end the calls that were asked to end. Answers strays to be ended. */
export async function endRequestedCalls(deps: EngineDependencies): Promise<readonly StrayCall[]> {
  const now = deps.clock.now();
  const due = await deps.database.transaction((tx) =>
    claimEndRequests(tx, { now, againAt: now + END_AGAIN_MS, limit: MAX_LOOK_UPS }),
  );
  const bound = due.filter((call) => call.carrierCallId !== null && call.open);
  const credentials = await credentialsOf(deps, bound);
  const strays = await Promise.all(
    bound.map((call) => endOne(deps, call, credentials.get(call.accountId))),
  );
  return strays.flat();
}

/**
 * Ends calls at the carrier that are not ours any more. A failure is only logged: they end by
 * themselves.
 */
export async function endStrays(
  deps: EngineDependencies,
  strays: readonly StrayCall[],
): Promise<void> {
  if (strays.length === 0) return;
  const credentials = await credentialsOf(deps, strays);
  for (const stray of strays) {
    const account = credentials.get(stray.accountId);
    if (account === undefined) continue;
    const outcome = await deps.carrier.end(account, stray.carrierCallId, "hang_up");
    deps.log.warn(
      { ...stray, outcome: outcome.kind },
      "ended a carrier call that belongs to an earlier dial",
    );
  }
}

async function endOne(
  deps: EngineDependencies,
  call: EngineCall,
  credentials: CarrierCredentials | undefined,
): Promise<readonly StrayCall[]> {
  if (credentials === undefined || call.carrierCallId === null) return [];
  if (call.endRequested === "cancel") {
    // The carrier also cancels what rings already, and its person would be called once more.
    if (call.status !== "dialing") return [];
    const found = await deps.carrier.lookUp(credentials, call.carrierCallId);
    // It is asked again in a few seconds: not cancel, but knowing nothing, is the safe side.
    if (found.kind !== "found") return [];
    if (found.call.status !== "queued")
      return applyEvents(deps, [foundEvent(deps, call, found.call)]);
  }
  const outcome = await deps.carrier.end(
    credentials,
    call.carrierCallId,
    call.endRequested ?? "cancel",
  );
  deps.log.info(
    { callId: call.id, how: call.endRequested, outcome: outcome.kind },
    "asked the carrier to end a call",
  );
  if (outcome.kind === "too_late" || outcome.kind === "absent") await lookAgain(deps, call, 0);
  return [];
}
