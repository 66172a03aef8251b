// Single fields of the carrier's form bodies: addresses, methods and whole numbers with bounds.
// Each reader answers the value, null when the field is absent or empty, or the carrier's own
// error.

import { restError } from "./rest-error.ts";
import type { RestError } from "./rest-error.ts";

export type HttpMethod = "GET" | "POST";

const MAX_URL_CHARACTERS = 4_000;

/**
 * An absolute http(s) address. Hostnames with underscores are refused, as the carrier refuses them.
 */
export function readUrl(form: URLSearchParams, field: string): string | null | RestError {
  const text = form.get(field);
  if (text === null || text === "") return null;
  if (text.length > MAX_URL_CHARACTERS) return restError(21205, `${field} is too long`);
  if (!/^https?:\/\//i.test(text) || /\s/.test(text) || !URL.canParse(text)) {
    return restError(21205, field);
  }
  const { hostname } = new URL(text);
  if (hostname === "" || hostname.includes("_")) {
    return restError(21205, `${field} has a hostname with an underscore`);
  }
  return text;
}

/** `GET` or `POST`; POST when absent. */
export function readMethod(form: URLSearchParams, field: string): HttpMethod | RestError {
  const text = form.get(field);
  if (text === null || text === "") return "POST";
  return text === "GET" || text === "POST" ? text : restError(21209, `${field} is "${text}"`);
}

/** A whole number within bounds; `code` is the error for anything else. */
export function readWholeNumber(
  form: URLSearchParams,
  field: string,
  min: number,
  max: number,
  code: number,
): number | null | RestError {
  const text = form.get(field);
  if (text === null || text === "") return null;
  const value = Number(text);
  if (!/^\d{1,9}$/.test(text) || value < min || value > max) {
    return restError(code, `${field} must be a whole number from ${min} to ${max}`);
  }
  return value;
}
