// Asks the carrier whether credentials work and whether an account owns a number, before either is
// stored. The carrier is asked with no transaction open: it may take seconds.

import { AppError } from "../domain/app-error.ts";
import type { E164 } from "../domain/phone.ts";
import type { Carrier, CarrierCredentials } from "../ports/carrier.ts";

export interface VerifiedAccount {
  readonly accountType: "trial" | "full";
  readonly maxConcurrentCalls: number | null;
}

/**
 * @throws AppError `twilio_auth_failed`, `twilio_invalid_credentials`, `carrier_unavailable`
 * (retryable).
 */
export async function verifyAccount(
  carrier: Pick<Carrier, "checkAccount">,
  credentials: CarrierCredentials,
): Promise<VerifiedAccount> {
  const check = await carrier.checkAccount(credentials);
  switch (check.kind) {
    case "verified":
      return check;
    case "rejected":
      throw new AppError(
        check.reason === "credentials" ? "twilio_auth_failed" : "twilio_invalid_credentials",
        {
          message: rejection(check.reason),
          details: { reason: check.reason, carrier: check.message },
        },
      );
    case "failed":
      throw carrierUnavailable(check.message);
  }
}

/**
 * The carrier's id of the number, null for a verified caller id. @throws AppError
 * `number_not_in_twilio`, `carrier_unavailable`.
 */
export async function verifyNumber(
  carrier: Pick<Carrier, "checkNumber">,
  credentials: CarrierCredentials,
  phone: E164,
): Promise<string | null> {
  const check = await carrier.checkNumber(credentials, phone);
  switch (check.kind) {
    case "owned":
      if (check.canCall) return check.carrierNumberId;
      throw notInAccount(`The account owns ${phone}, but the number cannot make calls.`);
    case "not_owned":
      throw notInAccount(`The account neither owns ${phone} nor has verified it as a caller id.`);
    case "failed":
      throw carrierUnavailable(check.message);
  }
}

function rejection(reason: "credentials" | "suspended" | "closed"): string {
  if (reason === "credentials") return "The carrier refused twilio_sid and twilio_token.";
  return `The carrier says that this account is ${reason}.`;
}

function notInAccount(message: string): AppError {
  return new AppError("number_not_in_twilio", { message });
}

function carrierUnavailable(message: string): AppError {
  return new AppError("carrier_unavailable", {
    message: "The carrier could not be asked. Try again in a moment.",
    details: { carrier: message },
    retryAfterSeconds: 5,
  });
}
