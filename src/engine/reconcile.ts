// Calls that have gone silent. A reservation whose process died was never sent and goes back; a
// request whose fate is unknown is looked for in the carrier's list, three times, by a written
// rule; a call the carrier knows is looked up. Nothing here dials.

import { isEnded } from "../domain/call-life.ts";
import type { CarrierEvent } from "../domain/carrier-event.ts";
import type { CarrierCallSnapshot, CarrierCredentials } from "../ports/carrier.ts";
import { learnConcurrency, slowAccount } from "../store/account-pace.ts";
import { requeueCalls, settleCalls } from "../store/call-endings.ts";
import { recordConnectionLost, recordConversationDied } from "../store/conversations.ts";
import { listCredentials } from "../store/carrier-credentials.ts";
import {
  appendCallEvents,
  claimLookUps,
  listBoundCarrierCalls,
  lockCalls,
  scheduleLookUps,
  writeCalls,
  type EngineCall,
} from "../store/engine-calls.ts";
import { countUnknownDials, markUnknown, requestEnd } from "../store/gate.ts";
import { applyEvents, type StrayCall } from "./apply.ts";
import type { EngineDependencies } from "./engine-dependencies.ts";
import { lookEvent } from "./look-event.ts";
import {
  IN_PROGRESS_SILENCE_MS,
  LOOK_UP_LEASE_MS,
  LOOK_UP_RETRY_MS,
  silenceEndsAt,
  UNKNOWN_LOOKS_MS,
} from "./look-up-times.ts";
import { PACE_RECOVERY_MS } from "./place.ts";

/**
 * Looks at the carrier in one tick: enough for hundreds of calls a minute, few enough to leave its
 * request limit alone.
 */
export const MAX_LOOK_UPS = 20;
/**
 * The carrier's clock and ours may differ by this much when a listed call is matched with a
 * request.
 */
const CREATED_BEFORE_MS = 5_000;
const CREATED_AFTER_MS = 60_000;
/**
 * The carrier says it does not know a call it once gave an id to: believed after this many times.
 */
const MAX_ABSENT = 3;
/** So long after a request, or the last word of the call itself, its not knowing says nothing. */
const READS_LAG_MS = 60_000;
/**
 * Why a line was busy is asked this often, for about ten minutes, before the word itself is
 * believed: a carrier that cannot answer for a while must not cost anybody the call.
 */
const MAX_BUSY_QUESTIONS = 60;
/** A connected call without a frame from its conversation for this long has lost it. */
const LOST_CONVERSATION_MS = 60_000;
/** Processes report every second; one that is silent for longer than this has died. */
const DEAD_PROCESS_MS = 10_000;
/** How long a concurrency limit learned from a refusal holds. */
const LEARNED_CONCURRENCY_MS = 10 * 60_000;

/** Asks the carrier about every open call whose silence is over. Answers strays to be ended. */
export async function lookUpSilentCalls(deps: EngineDependencies): Promise<readonly StrayCall[]> {
  const now = deps.clock.now();
  const due = await deps.database.transaction((tx) =>
    claimLookUps(tx, { now, leaseUntil: now + LOOK_UP_LEASE_MS, limit: MAX_LOOK_UPS }),
  );
  if (due.length === 0) return [];
  await requeueExpired(
    deps,
    due.filter((call) => call.status === "reserved"),
  );
  const asked = due.filter((call) => call.status !== "reserved");
  const credentials = await credentialsOf(deps, asked);
  const strays = await Promise.all(
    asked.map((call) => lookUpOne(deps, call, credentials.get(call.accountId))),
  );
  return strays.flat();
}

/** Credentials of the accounts of these calls, by account. */
export async function credentialsOf(
  deps: EngineDependencies,
  calls: readonly { readonly accountId: string }[],
): Promise<ReadonlyMap<string, CarrierCredentials>> {
  if (calls.length === 0) return new Map();
  const rows = await listCredentials(deps.database, [
    ...new Set(calls.map((call) => call.accountId)),
  ]);
  return new Map(
    rows.map((row) => [
      row.id,
      {
        carrierAccountId: row.carrierAccountId,
        authToken: deps.decryptToken(row.authTokenEncrypted),
      },
    ]),
  );
}

// Never sent: dialable at once, the same call.
async function requeueExpired(
  deps: EngineDependencies,
  calls: readonly EngineCall[],
): Promise<void> {
  if (calls.length === 0) return;
  await deps.database.transaction(async (tx) => {
    const now = deps.clock.now();
    const locked = await lockCalls(
      tx,
      calls.map((call) => call.id),
    );
    const expired = locked.filter(
      (call) => call.status === "reserved" && (call.leaseUntil ?? 0) <= now,
    );
    deps.meters.reconciled("requeued", expired.length);
    await requeueCalls(
      tx,
      expired.map((call) => ({
        callId: call.id,
        recipientId: call.recipientId,
        dueAt: now,
        closesDial: false,
      })),
      now,
    );
  });
}

async function lookUpOne(
  deps: EngineDependencies,
  call: EngineCall,
  credentials: CarrierCredentials | undefined,
): Promise<readonly StrayCall[]> {
  if (credentials === undefined) return [];
  if (call.carrierCallId === null) return lookForUnknown(deps, call, credentials);
  if (call.busyAt !== null) return explainBusy(deps, call, call.carrierCallId, credentials);
  const outcome = await deps.carrier.lookUp(credentials, call.carrierCallId);
  switch (outcome.kind) {
    case "failed":
      await lookAgain(deps, call, LOOK_UP_RETRY_MS);
      return [];
    case "absent":
      await recordAbsent(deps, call);
      return [];
    case "found":
      return recordFound(deps, call, outcome.call);
  }
}

async function recordFound(
  deps: EngineDependencies,
  call: EngineCall,
  found: CarrierCallSnapshot,
): Promise<readonly StrayCall[]> {
  if (found.status === "completed") {
    await recordConversationDied(deps.database, call.id, deps.clock.now() - DEAD_PROCESS_MS);
  }
  const strays = await applyEvents(deps, [foundEvent(deps, call, found)]);
  deps.meters.reconciled("found", 1);
  const now = deps.clock.now();
  if (found.status === "queued" && call.endRequested === null) {
    // Seconds after the request it still waits in the carrier's own queue: our pace is above the
    // carrier's.
    await requestEnd(deps.database, call.id, { how: "cancel", andThen: "requeue", now });
    await slowAccount(deps.database, call.accountId, now + PACE_RECOVERY_MS);
  }
  const lastHeardAt = call.lastFrameAt ?? call.answeredAt ?? now;
  if (
    found.status === "in_progress" &&
    now - lastHeardAt > LOST_CONVERSATION_MS &&
    deps.clock.state().kind === "steady" &&
    // They talk to a colleague, without us.
    call.endCause !== "transferred" &&
    call.endRequested === null
  ) {
    await recordConnectionLost(deps.database, call.id);
    await requestEnd(deps.database, call.id, { how: "hang_up", andThen: "settle", now });
  }
  await lookAgain(deps, call, silenceEndsAt(call.status, now) - now);
  return strays;
}

/** What a look has found, as an event of this call. */
export function foundEvent(
  deps: EngineDependencies,
  call: EngineCall,
  found: CarrierCallSnapshot,
): CarrierEvent {
  return {
    kind: "status",
    callId: call.id,
    dialNumber: call.dialNumber,
    carrierCallId: found.carrierCallId,
    at: deps.clock.now(),
    source: "look_up",
    status: found.status,
    durationSeconds: found.durationSeconds,
    sipResponseCode: null,
  };
}

async function explainBusy(
  deps: EngineDependencies,
  call: EngineCall,
  carrierCallId: string,
  credentials: CarrierCredentials,
): Promise<readonly StrayCall[]> {
  const why = await deps.carrier.explainBusy(credentials, carrierCallId);
  if (why === "failed" && call.lookUps + 1 < MAX_BUSY_QUESTIONS) {
    await lookAgain(deps, call, LOOK_UP_RETRY_MS, call.lookUps + 1);
    return [];
  }
  if (why === "concurrency") {
    await requeueOverLimit(deps, call);
    return [];
  }
  const snapshot = { carrierCallId, status: "busy", durationSeconds: null } as CarrierCallSnapshot;
  return applyEvents(deps, [{ ...foundEvent(deps, call, snapshot), source: "explanation" }]);
}

// Refused for the account's concurrency: nobody's phone rang. Not an attempt, and the limit is now
// known.
async function requeueOverLimit(deps: EngineDependencies, call: EngineCall): Promise<void> {
  await deps.database.transaction(async (tx) => {
    const now = deps.clock.now();
    const [locked] = await lockCalls(tx, [call.id]);
    if (locked === undefined || !locked.open || locked.busyAt === null) return;
    await learnConcurrency(tx, call.accountId, now + LEARNED_CONCURRENCY_MS);
    await requeueCalls(
      tx,
      [{ callId: call.id, recipientId: call.recipientId, dueAt: now, closesDial: true }],
      now,
    );
  });
}

/** The written rule for a request whose fate is unknown. DESIGN §2 (Place). */
async function lookForUnknown(
  deps: EngineDependencies,
  call: EngineCall,
  credentials: CarrierCredentials,
): Promise<readonly StrayCall[]> {
  const now = deps.clock.now();
  const lookAt = (look: number) => (call.lastByteAt ?? now) + (UNKNOWN_LOOKS_MS[look] ?? 0);
  if (now < lookAt(call.lookUps)) {
    await lookAgain(deps, call, lookAt(call.lookUps) - now, call.lookUps);
    return [];
  }
  await markUnknown(deps.database, call.id, { now, lookUpAt: now + LOOK_UP_LEASE_MS });
  const outcome = await deps.carrier.list(credentials, {
    to: call.toNumber,
    from: call.fromNumber,
  });
  if (outcome.kind === "failed") {
    await lookAgain(deps, call, LOOK_UP_RETRY_MS, call.lookUps);
    return [];
  }
  const candidates = await unboundCandidates(deps, call, outcome.calls);
  await appendCallEvents(deps.database, [
    lookEvent(call, now, { listed: outcome.calls.length, candidates }),
  ]);
  const [only] = candidates;
  if (only !== undefined && candidates.length === 1) {
    deps.meters.reconciled("adopted", 1);
    return applyEvents(deps, [foundEvent(deps, call, only)]);
  }
  if (candidates.length > 1) {
    // One of them is their phone's, and nobody else may call it before that call is over.
    if (candidates.some((each) => !isEnded(each.status))) {
      await lookAgain(deps, call, IN_PROGRESS_SILENCE_MS, call.lookUps);
      return [];
    }
    await becomeUncertain(
      deps,
      call,
      `the carrier lists ${candidates.length} calls that could be this one`,
    );
    return [];
  }
  const looks = call.lookUps + 1;
  if (looks < UNKNOWN_LOOKS_MS.length)
    await lookAgain(deps, call, Math.max(0, lookAt(looks) - now), looks);
  else await becomeAbsent(deps, call);
  return [];
}

async function unboundCandidates(
  deps: EngineDependencies,
  call: EngineCall,
  listed: readonly CarrierCallSnapshot[],
): Promise<readonly CarrierCallSnapshot[]> {
  const from = (call.sentAt ?? 0) - CREATED_BEFORE_MS;
  const until = (call.lastByteAt ?? 0) + CREATED_AFTER_MS;
  const matching = listed.filter(
    (each) =>
      each.isOutboundApi &&
      each.to === call.toNumber &&
      each.from === call.fromNumber &&
      (each.createdAt === null || (each.createdAt >= from && each.createdAt <= until)),
  );
  if (matching.length === 0) return [];
  const ids = matching.map((each) => each.carrierCallId);
  const bound = await listBoundCarrierCalls(deps.database, call.accountId, ids);
  return matching.filter((each) => !bound.has(each.carrierCallId));
}

// Three looks found nothing: the carrier never took it. Once more; a second unknown is for a
// person.
async function becomeAbsent(deps: EngineDependencies, call: EngineCall): Promise<void> {
  const unknownDials = await countUnknownDials(deps.database, call.recipientId);
  if (unknownDials >= 2) {
    await becomeUncertain(
      deps,
      call,
      "two requests to the carrier stayed without an answer and are not in its list",
    );
    return;
  }
  deps.meters.reconciled("absent", 1);
  await deps.database.transaction(async (tx) => {
    const now = deps.clock.now();
    const [locked] = await lockCalls(tx, [call.id]);
    if (locked === undefined || locked.status !== "dialing" || locked.carrierCallId !== null)
      return;
    await appendCallEvents(tx, [
      { callId: call.id, at: now, kind: "absent", facts: { looks: UNKNOWN_LOOKS_MS.length } },
    ]);
    // Should the call show itself after all, its callbacks still name this dial and are taken up.
    await requeueCalls(
      tx,
      [{ callId: call.id, recipientId: call.recipientId, dueAt: now, closesDial: false }],
      now,
    );
  });
}

async function becomeUncertain(
  deps: EngineDependencies,
  call: EngineCall,
  reason: string,
): Promise<void> {
  await endUnanswered(deps, call, { status: "uncertain", reason });
}

// The carrier gave it an id and now does not know it: nothing is under way there.
async function recordAbsent(deps: EngineDependencies, call: EngineCall): Promise<void> {
  const heardAt = Math.max(call.sentAt ?? 0, call.answeredAt ?? 0, call.lastFrameAt ?? 0);
  const isYoung = deps.clock.now() - heardAt < READS_LAG_MS;
  const times = isYoung ? 0 : call.lookUps + 1;
  if (times < MAX_ABSENT) await lookAgain(deps, call, LOOK_UP_RETRY_MS, times);
  else
    await endUnanswered(deps, call, {
      status: "failed",
      reason: "the carrier no longer knows it",
    });
}

async function endUnanswered(
  deps: EngineDependencies,
  call: EngineCall,
  end: { readonly status: "uncertain" | "failed"; readonly reason: string },
): Promise<void> {
  deps.meters.reconciled(end.status === "failed" ? "vanished" : "uncertain", 1);
  await deps.database.transaction(async (tx) => {
    const now = deps.clock.now();
    const [locked] = await lockCalls(tx, [call.id]);
    if (
      locked === undefined ||
      locked.status !== call.status ||
      locked.carrierCallId !== call.carrierCallId
    )
      return;
    const facts = { ...locked, status: end.status };
    await writeCalls(tx, [
      {
        id: call.id,
        facts,
        open: false,
        lookUpAt: null,
        end: null,
        endedAt: now,
        endedReason: end.status,
      },
    ]);
    await appendCallEvents(tx, [
      { callId: call.id, at: now, kind: end.status, facts: { reason: end.reason } },
    ]);
    await settleCalls(tx, [{ call, state: end.status, reason: end.reason }], now);
  });
}

/** Looks at the call again `inMs` from now, unless it reports first. */
export function lookAgain(
  deps: EngineDependencies,
  call: EngineCall,
  inMs: number,
  lookUps = 0,
): Promise<void> {
  return scheduleLookUps(deps.database, [
    { callId: call.id, lookUpAt: deps.clock.now() + inMs, lookUps },
  ]);
}
