// From Twilio's error codes to what the engine does about them: twilio.md §1.3 as data.
// The code decides before the HTTP status, and a code nobody knows never ends a recipient.

import type { RefusalClass } from "../../ports/carrier.ts";

/** `unknown`: the call may exist. Everything else: it does not. */
export type AnswerClass = Exclude<RefusalClass, "unsent"> | "unknown";

const CODES_BY_CLASS: Readonly<Record<AnswerClass, readonly number[]>> = {
  throttled: [
    20429, // too many requests: never processed
  ],
  carrier_full: [
    22005, // more than 24 h of calls queued
    10004, // too many calls at once
  ],
  recipient_invalid: [
    21211, // To is no number, or equals From
    21217, // To does not appear valid
    21202, // To is a premium-rate number
    21214, // To cannot be reached
  ],
  recipient_not_permitted: [
    21215, // no permission for that country
    21203, // international calls not enabled
    13227, // no permission for that country
    21216, // blocked by Twilio: fraud rules, or an account without an approved profile
  ],
  from_number: [
    21210, // From not owned or verified
    21212, // From invalid, or on the do-not-originate list
    21213, // From missing
  ],
  account: [
    20003, // wrong credentials, or suspended or closed
    20005, // account not active
    10001, // account not active
    20006, // access denied
    20403, // forbidden
    20010, // action disabled
    20404, // our own account is not there
    20008, // test credentials
    10002, // a trial account may not do this
  ],
  trial_limit: [
    21219, // To not verified for this trial account
    573005, // verification of To not confirmed
  ],
  configuration: [
    20001, // bad request
    20422, // a parameter is invalid
    20004, // method not allowed
    21201, // no To
    21205, // bad Url
    21206, // bad SendDigits
    21208, // bad Timeout
    21209, // bad Method
    21218, // bad ApplicationSid
    21234, // bad value for detecting machines
    32018, // inline TwiML too long
  ],
  unknown: [
    20500, // internal error: retrying can call the person twice
    20503, // service unavailable
  ],
};

export const CLASS_BY_CODE: ReadonlyMap<number, AnswerClass> = new Map(
  (Object.keys(CODES_BY_CLASS) as AnswerClass[]).flatMap((answerClass) =>
    CODES_BY_CLASS[answerClass].map((code): [number, AnswerClass] => [code, answerClass]),
  ),
);

/**
 * What an answer other than success says about a request to create a call.
 * `code` is Twilio's, or null when the body named none (a proxy, an outage page).
 */
export function classifyAnswer(status: number, code: number | null): AnswerClass {
  const byCode = code === null ? undefined : CLASS_BY_CODE.get(code);
  if (byCode !== undefined) return byCode;
  if (status === 429) return "throttled";
  if (status === 401 || status === 403) return "account";
  // 303 follows a request that was carried out; 408 comes from whoever stands between, who cannot
  // know.
  if (status === 303 || status === 408) return "unknown";
  if (status >= 300 && status < 500) return "configuration";
  return "unknown";
}
