// What an account and a number may do, asked before anything is dialed (twilio.md §2.3, §7.4,
// §7.5).

import type { AccountCheck, CarrierCredentials, NumberCheck } from "../../ports/carrier.ts";
import type { E164 } from "../../domain/phone.ts";
import { formatFailure, readRequestFailure } from "./request-failure.ts";
import type { RequestFailure } from "./request-failure.ts";
import type { TwilioTransport } from "./twilio-http-client.ts";

/**
 * Calls up at once on a trial account. A full account's limit depends on its profile, which the API
 * does not tell.
 */
const TRIAL_CONCURRENT_CALLS = 5;
/** `PhoneNumber=` matches patterns, so more than one may come back; we compare exactly. */
const MAX_MATCHES = 50;

const NOT_ACTIVE_CODES: ReadonlySet<number | null> = new Set([20005, 10001]);

/** See Carrier.checkAccount. */
export async function checkTwilioAccount(
  transport: TwilioTransport,
  credentials: CarrierCredentials,
): Promise<AccountCheck> {
  if (!credentials.carrierAccountId.startsWith("AC")) {
    return {
      kind: "rejected",
      reason: "credentials",
      message: "A Twilio account SID starts with AC; API key SIDs (SK…) are not accepted here.",
    };
  }
  try {
    const client = transport.clientFor(credentials, null);
    const account = await client.api.v2010.accounts(credentials.carrierAccountId).fetch();
    if (account.status === "suspended" || account.status === "closed") {
      return {
        kind: "rejected",
        reason: account.status,
        message: `The Twilio account is ${account.status}.`,
      };
    }
    const isTrial = String(account.type).toLowerCase() === "trial";
    return {
      kind: "verified",
      accountType: isTrial ? "trial" : "full",
      maxConcurrentCalls: isTrial ? TRIAL_CONCURRENT_CALLS : null,
    };
  } catch (error) {
    return readRejection(readRequestFailure(error));
  }
}

/** See Carrier.checkNumber. A number that is only verified as a caller id may call too. */
export async function checkTwilioNumber(
  transport: TwilioTransport,
  credentials: CarrierCredentials,
  phone: E164,
): Promise<NumberCheck> {
  try {
    const client = transport.clientFor(credentials, null);
    const asked = { phoneNumber: phone, limit: MAX_MATCHES };
    const numbers = await client.incomingPhoneNumbers.list(asked);
    const owned = numbers.find((number) => number.phoneNumber === phone);
    if (owned !== undefined) {
      return {
        kind: "owned",
        carrierNumberId: owned.sid,
        canCall: owned.capabilities?.voice === true,
      };
    }
    const callerIds = await client.outgoingCallerIds.list(asked);
    const verified = callerIds.find((callerId) => callerId.phoneNumber === phone);
    if (verified === undefined) return { kind: "not_owned" };
    return { kind: "owned", carrierNumberId: verified.sid, canCall: true };
  } catch (error) {
    return { kind: "failed", message: formatFailure(readRequestFailure(error)) };
  }
}

function readRejection(failure: RequestFailure): AccountCheck {
  const message = formatFailure(failure);
  if (failure.kind !== "answered") return { kind: "failed", message };
  if (NOT_ACTIVE_CODES.has(failure.code)) return { kind: "rejected", reason: "suspended", message };
  // An unknown account answers 404 where a wrong token answers 401.
  const isRefused = failure.status === 401 || failure.status === 403 || failure.code === 20404;
  return isRefused
    ? { kind: "rejected", reason: "credentials", message }
    : { kind: "failed", message };
}
