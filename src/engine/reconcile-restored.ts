// A restored database does not know what was dialed after its backup was taken. Before anything is
// dialed from an account, the carrier's own list since then is read, and each call in it that no
// call of ours claims becomes a call of whoever waits for it. Nothing here dials.
//
// Who that is, for the calls of one pair of numbers, oldest first: the recipient that was called
// least, then the one whose turn it was: the order in which the engine calls. Recipients of several
// campaigns wait for one phone, and it cannot be told whom a call was for: all of them become
// uncertain, for a person to decide. Nobody waits: nobody can be called twice.

import type { CarrierEvent } from "../domain/carrier-event.ts";
import { newCallId } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import type { E164 } from "../domain/phone.ts";
import type { CarrierCallSnapshot, CarrierCredentials } from "../ports/carrier.ts";
import { reopenCalls, settleCalls } from "../store/call-endings.ts";
import { appendCallEvents, listBoundCarrierCalls } from "../store/engine-calls.ts";
import {
  claimRestoredAccount,
  countUnheardCalls,
  isPhoneBusy,
  lockWaitingRecipients,
  postponeRestoredAccount,
  releaseRestoredAccount,
  writeFoundCall,
  type RestoredAccount,
  type WaitingRecipient,
} from "../store/restored-accounts.ts";
import { applyEventsIn } from "./apply.ts";
import type { EngineDependencies } from "./engine-dependencies.ts";
import { LOOK_UP_RETRY_MS, UNKNOWN_LOOKS_MS } from "./look-up-times.ts";
import { credentialsOf } from "./reconcile.ts";

/** A page of a thousand calls takes seconds at most, and the lease is renewed with each. */
const LEASE_MS = 120_000;
/** Calls that are open are looked up meanwhile; that takes seconds. */
const OPEN_CALL_RETRY_MS = 2_000;

interface Pair {
  readonly to: E164;
  readonly from: E164;
  /** Oldest first. */
  readonly calls: CarrierCallSnapshot[];
}

/** Takes one look at the list of one restored account, if one is due. */
export async function reconcileRestored(deps: EngineDependencies): Promise<void> {
  const now = deps.clock.now();
  const account = await claimRestoredAccount(deps.database, now, now + LEASE_MS);
  if (account === null) return;
  const unheard = await countUnheardCalls(deps.database, account.id, account.startedAt);
  if (unheard > 0) {
    const problem = `${unheard} calls of the backup are still being asked about at the carrier`;
    return postpone(deps, account, now + OPEN_CALL_RETRY_MS, problem);
  }
  const credentials = await credentialsOf(deps, [{ accountId: account.id }]);
  const own = credentials.get(account.id);
  if (own === undefined) return;
  const list = await readUnclaimed(deps, account, own);
  if (list.kind === "failed") {
    return postpone(deps, account, deps.clock.now() + LOOK_UP_RETRY_MS, list.reason);
  }
  let busyPhones = 0;
  for (const pair of list.pairs) busyPhones += (await adoptPair(deps, account, pair)) ? 0 : 1;
  if (busyPhones > 0) {
    const problem = `${busyPhones} phones with calls to be taken over are on a call`;
    return postpone(deps, account, deps.clock.now() + OPEN_CALL_RETRY_MS, problem);
  }
  // Looked at as often and as long as for one request whose fate is unknown: the last calls before
  // the restore are as young, and the list lags.
  const nextLookMs = UNKNOWN_LOOKS_MS.find((ms) => account.startedAt + ms > now);
  if (nextLookMs !== undefined) {
    return postpone(deps, account, account.startedAt + nextLookMs, null);
  }
  await releaseRestoredAccount(deps.database, account.id);
  deps.log.info({ accountId: account.id }, "every call since the backup is known; dialing goes on");
}

function postpone(
  deps: EngineDependencies,
  account: RestoredAccount,
  dueAt: Instant,
  problem: string | null,
): Promise<void> {
  return postponeRestoredAccount(deps.database, account.id, dueAt, problem);
}

/** The calls of the list that nothing of ours claims, by pair of numbers. */
async function readUnclaimed(
  deps: EngineDependencies,
  account: RestoredAccount,
  credentials: CarrierCredentials,
): Promise<
  | { readonly kind: "listed"; readonly pairs: readonly Pair[] }
  | { readonly kind: "failed"; readonly reason: string }
> {
  // By id: a call that leaves the queue while the list is read is in it twice.
  const unclaimed = new Map<string, CarrierCallSnapshot>();
  for await (const page of deps.carrier.listSince(credentials, account.since)) {
    if (page.kind === "failed") return page;
    const recent = page.calls.filter(
      (call) => call.isOutboundApi && (call.createdAt === null || call.createdAt >= account.since),
    );
    const ids = recent.map((call) => call.carrierCallId);
    const bound = await listBoundCarrierCalls(deps.database, account.id, ids);
    for (const call of recent) {
      if (!bound.has(call.carrierCallId)) unclaimed.set(call.carrierCallId, call);
    }
    await postpone(deps, account, deps.clock.now() + LEASE_MS, null);
  }
  return { kind: "listed", pairs: groupByPair([...unclaimed.values()]) };
}

function groupByPair(calls: readonly CarrierCallSnapshot[]): readonly Pair[] {
  const pairs = new Map<string, Pair>();
  for (const call of calls.toSorted(byAge)) {
    const name = `${call.to} ${call.from}`;
    const pair = pairs.get(name) ?? { to: call.to as E164, from: call.from as E164, calls: [] };
    pair.calls.push(call);
    pairs.set(name, pair);
  }
  return [...pairs.values()];
}

function byAge(a: CarrierCallSnapshot, b: CarrierCallSnapshot): number {
  const byInstant = (a.createdAt ?? Infinity) - (b.createdAt ?? Infinity);
  // Both unknown: Infinity less Infinity is not a number.
  return byInstant || (a.carrierCallId < b.carrierCallId ? -1 : 1);
}

/** False: not all of it, because the phone is on a call of another account. */
async function adoptPair(
  deps: EngineDependencies,
  account: RestoredAccount,
  pair: Pair,
): Promise<boolean> {
  if (await becomeUncertain(deps, account, pair)) return true;
  for (const call of pair.calls) {
    const outcome = await adoptCall(deps, account, pair, call);
    deps.log.warn(
      { accountId: account.id, carrierCallId: call.carrierCallId, outcome },
      "the carrier lists a call that the backup does not know",
    );
    if (outcome === "phone_busy") return false;
  }
  return true;
}

/** Answers whether it could not be told whom these calls were for. */
async function becomeUncertain(
  deps: EngineDependencies,
  account: RestoredAccount,
  pair: Pair,
): Promise<boolean> {
  return deps.database.transaction(async (tx) => {
    const waiting = await lockWaitingRecipients(tx, account, pair);
    if (!isAmbiguous(waiting, pair.calls.length)) return false;
    const now = deps.clock.now();
    const reason = "the carrier called this phone after the backup, for one of several campaigns";
    const carrierCalls = pair.calls.map((call) => call.carrierCallId);
    const sentAt = pair.calls.at(-1)?.createdAt ?? now;
    for (const recipient of waiting) {
      const id = recipient.queuedCallId ?? newCallId(now, deps.random);
      const { to, from } = pair;
      await writeFoundCall(tx, {
        callId: id,
        recipient,
        accountId: account.id,
        to,
        from,
        status: "uncertain",
        sentAt,
        now,
      });
      const facts = { reason, carrierCalls };
      await appendCallEvents(tx, [{ callId: id, at: now, kind: "uncertain", facts }]);
      const call = { id, keyId: recipient.keyId, recipientId: recipient.id, toNumber: to };
      await settleCalls(tx, [{ call, state: "uncertain", reason }], now);
    }
    return true;
  });
}

// As many calls as recipients, and none of them called again: each was called once, whoever they
// belong to.
function isAmbiguous(waiting: readonly WaitingRecipient[], calls: number): boolean {
  const lists = new Set(waiting.map((each) => each.campaignId ?? `single ${each.id}`));
  if (lists.size < 2) return false;
  return calls < waiting.length || waiting.some((each) => each.retryPolicy !== null);
}

/** Makes the carrier's call one of the recipient whose turn it was. */
async function adoptCall(
  deps: EngineDependencies,
  account: RestoredAccount,
  pair: Pair,
  found: CarrierCallSnapshot,
): Promise<"adopted" | "nobody_waits" | "phone_busy"> {
  return deps.database.transaction(async (tx) => {
    const [recipient] = await lockWaitingRecipients(tx, account, pair);
    if (recipient === undefined) return "nobody_waits";
    if (await isPhoneBusy(tx, recipient.keyId, pair.to)) return "phone_busy";
    const now = deps.clock.now();
    const callId = recipient.queuedCallId ?? newCallId(now, deps.random);
    const { to, from } = pair;
    const sentAt = found.createdAt ?? now;
    const dialNumber = await writeFoundCall(tx, {
      callId,
      recipient,
      accountId: account.id,
      to,
      from,
      status: "dialing",
      sentAt,
      now,
    });
    await reopenCalls(tx, [callId]);
    await appendCallEvents(tx, [
      { callId, at: now, kind: "adopted", facts: { carrierCallId: found.carrierCallId } },
    ]);
    await applyEventsIn(tx, deps, eventsOf(found, { callId, dialNumber, at: sentAt }));
    return "adopted";
  });
}

function eventsOf(
  found: CarrierCallSnapshot,
  call: { readonly callId: string; readonly dialNumber: number; readonly at: Instant },
): readonly CarrierEvent[] {
  const fact = { ...call, carrierCallId: found.carrierCallId, source: "look_up" as const };
  const status: CarrierEvent = {
    ...fact,
    kind: "status",
    status: found.status,
    durationSeconds: found.durationSeconds,
    sipResponseCode: null,
  };
  if (found.answeredBy === null) return [status];
  const { answeredBy } = found;
  return [{ ...fact, kind: "machine_verdict", answeredBy, carrierVerdict: answeredBy }, status];
}
