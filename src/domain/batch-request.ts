// The recipients of a batch request, one entry at a time. An entry with a bad phone is *invalid*:
// it can be skipped when the caller asks for that. An entry with anything else wrong is *refused*,
// and the whole request with it.

import { nearestName } from "./nearest-name.ts";
import { parsePhone, type E164 } from "./phone.ts";
import { displayable, textFault } from "./plain-text.ts";
import { resolveTimeZone } from "./time-zone.ts";
import { parseVariables, type Variables } from "./variables.ts";

/**
 * What a list may hold: a body of about 32 MB, copied into the database in one transaction of a few
 * seconds.
 */
export const MAX_RECIPIENTS = 100_000;
/**
 * Call purposes are paragraphs; ten pages of text is a mistake, and is sent to the model with every
 * turn.
 */
export const MAX_PROMPT_LENGTH = 10_000;
/**
 * Invalid entries that an answer lists; the counts are always complete, and with skip_invalid all
 * can be read back.
 */
export const MAX_LISTED_INVALID = 1_000;
// An invalid phone is shown as it came, but never longer than any real one could be.
const MAX_SHOWN_PHONE_LENGTH = 64;

/** Contract A.9: `row_index` counts from 0. */
export interface InvalidEntry {
  readonly phone: string;
  readonly reason: string;
  readonly row_index: number;
}

export type RecipientRead =
  | {
      readonly kind: "valid";
      readonly phone: E164;
      readonly variables: Variables;
      readonly promptOverride: string | null;
      /** The recipient's own zone; null: not said. */
      readonly timezone: string | null;
    }
  /** `isCountry`: the number is fine, but this key may not call its country. */
  | { readonly kind: "invalid"; readonly entry: InvalidEntry; readonly isCountry: boolean }
  | {
      readonly kind: "refused";
      readonly code: "invalid_request" | "prompt_too_long";
      readonly field: string;
      readonly message: string;
    };

const RECIPIENT_FIELDS = ["phone", "variables", "prompt_override", "timezone"];

/**
 * Reads one entry of `recipients`. Unknown fields are refused: a misspelt `prompt_override` would
 * say the wrong thing.
 * @param allowedCountries ISO codes that the key may call; null: all.
 * Source: contract A.3, A.7, A.9; DESIGN §5.
 */
export function readRecipient(
  value: unknown,
  rowIndex: number,
  allowedCountries: readonly string[] | null,
): RecipientRead {
  const field = `recipients[${rowIndex}]`;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return refused(field, "must be an object with a phone");
  }
  for (const name of Object.keys(value)) {
    if (RECIPIENT_FIELDS.includes(name)) continue;
    const nearest = nearestName(name, RECIPIENT_FIELDS);
    const hint =
      nearest === null ? `known are ${RECIPIENT_FIELDS.join(", ")}` : `did you mean ${nearest}?`;
    return refused(`${field}.${displayable(name, 64)}`, `is not a known field; ${hint}`);
  }
  const entry: Readonly<Record<string, unknown>> = { ...value };
  const variables = parseVariables(entry["variables"]);
  if (variables.kind === "invalid") {
    const path = variables.path === "" ? "" : `.${variables.path}`;
    return refused(`${field}.variables${path}`, variables.message);
  }
  const override = readPromptOverride(entry["prompt_override"], `${field}.prompt_override`);
  if (override.kind === "refused") return override;
  const phone = readPhone(entry["phone"], rowIndex, allowedCountries);
  if (phone.kind === "invalid") return phone;
  const zone = readZone(entry["timezone"], phone.phone, rowIndex);
  if (zone.kind === "invalid") return zone;
  return {
    kind: "valid",
    phone: phone.phone,
    variables: variables.variables,
    promptOverride: override.text,
    timezone: zone.zone,
  };
}

type Refused = Extract<RecipientRead, { kind: "refused" }>;

function refused(
  field: string,
  message: string,
  code: Refused["code"] = "invalid_request",
): Refused {
  return { kind: "refused", code, field, message: `${field} ${message}` };
}

function readPromptOverride(
  value: unknown,
  field: string,
): { readonly kind: "read"; readonly text: string | null } | Refused {
  if (value === undefined || value === null) return { kind: "read", text: null };
  if (typeof value !== "string") return refused(field, "must be a string");
  if (value.length > MAX_PROMPT_LENGTH) {
    const message = `has ${value.length} characters; at most ${MAX_PROMPT_LENGTH}`;
    return refused(field, message, "prompt_too_long");
  }
  const fault = textFault(value);
  if (fault !== null) return refused(field, fault);
  // A blank override would leave the agent with nothing to say; the campaign's prompt is what was
  // meant.
  return { kind: "read", text: value.trim() === "" ? null : value };
}

function readPhone(
  value: unknown,
  rowIndex: number,
  allowedCountries: readonly string[] | null,
): { readonly kind: "read"; readonly phone: E164 } | Extract<RecipientRead, { kind: "invalid" }> {
  const invalid = (
    reason: string,
    isCountry = false,
  ): Extract<RecipientRead, { kind: "invalid" }> => ({
    kind: "invalid",
    entry: { phone: shownPhone(value), reason, row_index: rowIndex },
    isCountry,
  });
  if (value === undefined || value === null) return invalid("is missing");
  if (typeof value !== "string") return invalid("must be a string in E.164 form");
  // Longer texts are not even looked at; the parser would walk all of them.
  if (value.length > MAX_SHOWN_PHONE_LENGTH) return invalid("is too long for a phone number");
  const parsed = parsePhone(value);
  if (parsed.kind === "invalid") return invalid(parsed.reason);
  if (allowedCountries !== null && !allowedCountries.includes(parsed.country ?? "")) {
    return invalid(`this key may not call ${parsed.country ?? "numbers without a country"}`, true);
  }
  return { kind: "read", phone: parsed.phone };
}

// Unknown fails closed: a misspelt zone must not become another hour of the day.
function readZone(
  value: unknown,
  phone: E164,
  rowIndex: number,
):
  | { readonly kind: "read"; readonly zone: string | null }
  | Extract<RecipientRead, { kind: "invalid" }> {
  if (value === undefined || value === null) return { kind: "read", zone: null };
  const zone = typeof value === "string" ? resolveTimeZone(value) : null;
  if (zone !== null) return { kind: "read", zone };
  const reason = "has a timezone that is no IANA zone such as Europe/London";
  return { kind: "invalid", entry: { phone, reason, row_index: rowIndex }, isCountry: false };
}

function shownPhone(value: unknown): string {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return typeof value === "string" ? displayable(value, MAX_SHOWN_PHONE_LENGTH) : "";
}
