// Ends a call at Twilio. Idempotent by nature, so a request that failed may be sent once more
// (twilio.md §7.1).

import type { CarrierCredentials, EndOutcome } from "../../ports/carrier.ts";
import { formatFailure, readRequestFailure } from "./request-failure.ts";
import type { RequestFailure } from "./request-failure.ts";
import type { TwilioTransport } from "./twilio-http-client.ts";

/** "Call is not in-progress": it ended, or was answered before it could be canceled. */
const WRONG_STATE = 21220;
const NOT_FOUND = 20404;
/** One retry, at once: who hangs up wants it now, and whoever asked will ask again. */
const MAX_TRIES = 2;

/** See Carrier.end. */
export async function endCall(
  transport: TwilioTransport,
  credentials: CarrierCredentials,
  carrierCallId: string,
  how: "cancel" | "hang_up",
): Promise<EndOutcome> {
  const status = how === "cancel" ? "canceled" : "completed";
  for (let triesLeft = MAX_TRIES - 1; ; triesLeft -= 1) {
    try {
      await transport.clientFor(credentials, null).calls(carrierCallId).update({ status });
      return { kind: "accepted" };
    } catch (error) {
      const failure = readRequestFailure(error);
      if (failure.kind === "answered" && failure.code === WRONG_STATE) return { kind: "too_late" };
      if (isMissing(failure)) return { kind: "absent" };
      if (triesLeft === 0 || !isWorthRetrying(failure)) {
        return { kind: "failed", reason: formatFailure(failure) };
      }
    }
  }
}

/** Twilio does not know what was asked for. */
export function isMissing(failure: RequestFailure): boolean {
  return (
    failure.kind === "answered" &&
    (failure.code === NOT_FOUND || (failure.code === null && failure.status === 404))
  );
}

// Not 429: hurrying makes it worse.
function isWorthRetrying(failure: RequestFailure): boolean {
  return failure.kind !== "answered" || failure.status >= 500;
}
