// Phone numbers, checked against the numbering plan and not only the shape.
// An E164 value exists only if parsePhone made it.

import { parsePhoneNumberFromString } from "libphonenumber-js/max";

/**
 * "+" and 7 to 15 digits, valid in its country's numbering plan and of a kind that people answer.
 */
export type E164 = string & { readonly __brand: "E164" };

export type PhoneParse =
  | { readonly kind: "valid"; readonly phone: E164; readonly country: string | null }
  /** `reason` is written for the person who sent the list. */
  | { readonly kind: "invalid"; readonly reason: string };

const E164_SHAPE = /^\+[1-9]\d{6,14}$/;

// Ranges that cost the caller extra, or that no person answers. Calling them is the usual aim of
// toll fraud.
const REFUSED_KINDS: Readonly<Record<string, string>> = {
  PREMIUM_RATE: "is a premium-rate number",
  SHARED_COST: "is a shared-cost number",
  UAN: "is a universal access number",
  PAGER: "is a pager",
  VOICEMAIL: "is a voicemail access number",
};

/**
 * Parses an E.164 phone number ("+" first; spaces, dashes, dots and brackets are tolerated).
 * Numbers reserved for fiction and tests (+1 NPA 555-01xx) are valid.
 * Source: contract A.7, A.9 (numbering-plan check); DESIGN §5 (special ranges refused).
 */
export function parsePhone(text: string): PhoneParse {
  const compact = text.replace(/[\s().-]/g, "");
  if (IS_SCIENTIFIC.test(text.trim())) return { kind: "invalid", reason: SCIENTIFIC };
  if (!compact.startsWith("+")) return { kind: "invalid", reason: withoutPlus(compact) };
  if (!E164_SHAPE.test(compact)) {
    return { kind: "invalid", reason: "is not an E.164 number: a + and 7 to 15 digits" };
  }
  const parsed = parsePhoneNumberFromString(compact);
  if (parsed === undefined || parsed.country === undefined) {
    return { kind: "invalid", reason: "has no known country code" };
  }
  const isFictional = isNorthAmericanFictional(compact);
  if (!isFictional && !parsed.isValid()) {
    return {
      kind: "invalid",
      reason: `is not a valid number in the numbering plan of ${parsed.country}`,
    };
  }
  const refused = REFUSED_KINDS[parsed.getType() ?? ""];
  if (refused !== undefined) return { kind: "invalid", reason: `${refused} (${parsed.country})` };
  return { kind: "valid", phone: compact as E164, country: parsed.country };
}

// What spreadsheets make of phones that are not kept as text: the last digits are lost for good.
const IS_SCIENTIFIC = /^\+?\d+([.,]\d+)?e\+?\d+$/i;
const SCIENTIFIC =
  "was turned into scientific notation by a spreadsheet, which lost digits: format the column as text and export again";

function withoutPlus(compact: string): string {
  if (/^00\d/.test(compact)) return "starts with 00: write a + instead";
  if (/^0\d/.test(compact)) {
    return "is in national form: write a + and the country code instead of the 0";
  }
  if (/^\d{11,15}$/.test(compact)) return "has lost its +: write it before the country code";
  return "must be in E.164 form: a + and the country code first";
}

// +1 NPA 555-0100 to 555-0199 ring nobody; the plan's data does not list all of them as valid.
function isNorthAmericanFictional(phone: string): boolean {
  return /^\+1[2-9]\d{2}55501\d{2}$/.test(phone);
}
