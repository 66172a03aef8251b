// Addresses that users give for webhooks. Here only their form is checked; whether a host is
// private is decided at the moment of sending, by the Outbound port, because a name may point
// anywhere by then.

import { AppError } from "../domain/app-error.ts";

/**
 * @param field named in the error.
 * @throws AppError `invalid_url` unless it is an https URL without credentials (or http, where
 * local addresses are allowed). Source: contract B.12.
 */
export function checkWebAddress(text: string, field: string, allowLocalUrls: boolean): void {
  const url = URL.parse(text);
  const isAllowed =
    url !== null && (url.protocol === "https:" || (allowLocalUrls && url.protocol === "http:"));
  if (!isAllowed) {
    throw new AppError("invalid_url", {
      message: `${field} must be an https URL.`,
      details: { field },
    });
  }
  if (url.username !== "" || url.password !== "") {
    throw new AppError("invalid_url", {
      message: `${field} must not hold a user name or password.`,
      details: { field },
    });
  }
}
