// Whether an account may call a phone from one of its numbers: number shapes, the carrier's magic
// test numbers, ownership, countries, blocked phones and the trial rule. Pure.

import { parsePhoneNumberFromString } from "libphonenumber-js";
import type { Account } from "./account.ts";
import { restError } from "./rest-error.ts";
import type { RestError } from "./rest-error.ts";

const E164 = /^\+[1-9]\d{6,14}$/;

// The carrier's documented test numbers.
const MAGIC_FROM_OK = "+15005550006";
const MAGIC_FROM: Readonly<Record<string, number>> = { "+15005550001": 21212 };
const MAGIC_TO: Readonly<Record<string, number>> = {
  "+15005550001": 21217,
  "+15005550002": 21214,
  "+15005550003": 21215,
  "+15005550004": 21216,
};

/** Answers the refusal, or null when the call may be placed. */
export function checkCallPermission(account: Account, from: string, to: string): RestError | null {
  return checkFrom(account, from) ?? checkTo(account, from, to);
}

function checkFrom(account: Account, from: string): RestError | null {
  const magic = MAGIC_FROM[from];
  if (magic !== undefined) return restError(magic, from);
  if (!E164.test(from)) return restError(21212, from);
  if (from === MAGIC_FROM_OK) return null;
  const owned = [...account.numbers, ...account.verifiedCallerIds].find((n) => n.phone === from);
  return owned?.canCall === true ? null : restError(21210, from);
}

function checkTo(account: Account, from: string, to: string): RestError | null {
  const magic = MAGIC_TO[to];
  if (magic !== undefined) return restError(magic, to);
  if (!E164.test(to) || to === from) return restError(21211, to);
  if (to.startsWith("+1900")) return restError(21202, to);
  const parsed = parsePhoneNumberFromString(to);
  if (parsed === undefined || !parsed.isPossible()) return restError(21217, to);
  if (account.blockedPhones.has(to)) return restError(21216, to);
  const country = parsed.country ?? (parsed.countryCallingCode === "1" ? "US" : "no country");
  if (account.allowedCountries?.includes(country) === false) {
    return restError(21215, `${to} (${country})`);
  }
  if (account.type === "Trial" && !account.verifiedCallerIds.some((n) => n.phone === to)) {
    return restError(21219, to);
  }
  return null;
}
