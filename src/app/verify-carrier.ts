// The second half of `carillon verify --carrier`: what we hold for open against what the carrier's
// books say of the same calls. Asks only.

import { createTwilioCarrier } from "../carrier/twilio/twilio-carrier.ts";
import type { Carrier, CarrierCredentials, LookUpOutcome } from "../ports/carrier.ts";
import type { Database } from "../ports/database.ts";
import { listCredentials } from "../store/carrier-credentials.ts";
import { listOpenCarrierCalls, type OpenCarrierCall } from "../store/verify/recent-dials.ts";
import type { Breach } from "../store/verify/verify-rule.ts";
import type { VerifyFinding } from "./verify.ts";

/** The oldest open calls: those that are most likely stuck. */
const MAX_CALLS = 500;
/** Far below any request limit of a carrier. */
const MAX_AT_ONCE = 5;
/** A call that has just ended at the carrier is reported within a minute. */
const SETTLES_MS = 60_000;
const MAX_SHOWN = 20;
const ENDED = new Set(["completed", "busy", "no_answer", "failed", "canceled"]);

/** For `verifyCarrier` where there is no server: asks, and hears no callback. */
export function askingCarrier(
  options: Pick<Parameters<typeof createTwilioCarrier>[0], "baseUrl" | "clock">,
): ReturnType<typeof createTwilioCarrier> {
  const log = { debug: () => {}, info: () => {}, warn: () => {} };
  return createTwilioCarrier({ ...options, publicUrl: "http://localhost", log });
}

export interface CarrierParts {
  readonly database: Database;
  readonly carrier: Pick<Carrier, "lookUp">;
  decryptToken(encrypted: Uint8Array): string;
  /** Waits between the first look and the second at what does not agree. */
  wait(ms: number): Promise<void>;
}

/**
 * Compares open calls with the carrier's books. What does not agree is looked at a second time a
 * minute later: a call that is ending just now is no finding.
 */
export async function verifyCarrier(parts: CarrierParts): Promise<readonly VerifyFinding[]> {
  const first = await disagreements(parts, await listOpenCarrierCalls(parts.database, MAX_CALLS));
  if (first.length === 0) return [];
  await parts.wait(SETTLES_MS);
  const doubted = new Set(first.map((breach) => breach.subject));
  const still = (await listOpenCarrierCalls(parts.database, MAX_CALLS)).filter((call) =>
    doubted.has(call.callId),
  );
  const breaches = await disagreements(parts, still);
  if (breaches.length === 0) return [];
  return [
    {
      rule: "an open call is open at the carrier",
      weight: "problem",
      total: breaches.length,
      breaches: breaches.slice(0, MAX_SHOWN),
      means: "A slot is held for a call that is over, or the carrier cannot be asked.",
      todo: "See that a process with the role dialer runs and that the account's credentials work (`carillon doctor`): a call that is silent is looked up and closed within a minute or two.",
    },
  ];
}

async function disagreements(
  parts: CarrierParts,
  calls: readonly OpenCarrierCall[],
): Promise<Breach[]> {
  const rows = await listCredentials(parts.database, [
    ...new Set(calls.map((call) => call.accountId)),
  ]);
  const credentials = new Map(
    rows.map(({ id, carrierAccountId, authTokenEncrypted }) => [
      id,
      { carrierAccountId, authToken: parts.decryptToken(authTokenEncrypted) },
    ]),
  );
  const breaches: Breach[] = [];
  for (let index = 0; index < calls.length; index += MAX_AT_ONCE) {
    const some = calls.slice(index, index + MAX_AT_ONCE);
    const found = await Promise.all(
      some.map((call) => compare(parts.carrier, call, credentials.get(call.accountId))),
    );
    breaches.push(...found.flat());
  }
  return breaches;
}

async function compare(
  carrier: Pick<Carrier, "lookUp">,
  call: OpenCarrierCall,
  credentials: CarrierCredentials | undefined,
): Promise<readonly Breach[]> {
  if (credentials === undefined) return [];
  const outcome = await carrier.lookUp(credentials, call.carrierCallId);
  const detail = disagreement(call, outcome);
  return detail === null ? [] : [{ subject: call.callId, detail }];
}

function disagreement(call: OpenCarrierCall, outcome: LookUpOutcome): string | null {
  switch (outcome.kind) {
    case "absent":
      return `${call.status} here, unknown to the carrier`;
    case "failed":
      return `the carrier did not answer: ${outcome.reason}`;
    case "found":
      if (!ENDED.has(outcome.call.status)) return null;
      return `${call.status} here, ${outcome.call.status} at the carrier`;
  }
}
