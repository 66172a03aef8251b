// In which time zones a phone may be, from its number alone. The table is libphonenumber's
// (phone-zone-data.ts, made by scripts/phone-zone-data.ts; docs/decisions/0005). Where a number
// does not tell one place, the answer is every zone it may be in: the caller dials only in all.

import { parsePhoneNumberFromString } from "libphonenumber-js/max";
import { PHONE_ZONE_LINES } from "./phone-zone-data.ts";
import type { E164 } from "./phone.ts";

// North American numbers carry their area whether mobile or not.
const NORTH_AMERICA = "1";

// Countries whose mobile numbers carry an area code as fixed lines do: Mexico, Argentina, Brazil,
// Indonesia, China (libphonenumber's list). Elsewhere a mobile may be anywhere in its country, even
// where the table has a prefix for its range.
const CODES_WITH_LOCAL_MOBILES: ReadonlySet<string> = new Set(["52", "54", "55", "62", "86"]);

// +7 is two countries; these ranges are Kazakhstan's.
const COUNTRY_PREFIXES: readonly string[] = ["77"];

const MAX_COUNTRY_CODE_DIGITS = 3;

/**
 * IANA zones in which the phone may be, sorted, each once; empty when unknown. The longest prefix
 * that the table knows decides; a number of no place (mobile, toll-free) has all zones of its
 * country, and a split area's exchange that the table does not list all zones of that area.
 * Numbers move with their owners: a recipient's own zone, where given, is better.
 */
export function zonesOfPhone(phone: E164): readonly string[] {
  const digits = phone.slice(1);
  const { zones, maxDigits } = table();
  const country = countryPrefixOf(digits, zones);
  if (country === null) return [];
  const ofCountry = zones.get(country) ?? [];
  if (ofCountry.length === 1) return ofCountry;
  for (let length = Math.min(maxDigits, digits.length); length > country.length; length -= 1) {
    const found = zones.get(digits.slice(0, length));
    if (found !== undefined) return isOfOnePlace(phone, country) ? found : ofCountry;
  }
  return ofCountry;
}

function countryPrefixOf(digits: string, zones: ReadonlyMap<string, unknown>): string | null {
  const listed = COUNTRY_PREFIXES.find((prefix) => digits.startsWith(prefix));
  if (listed !== undefined) return listed;
  // No country code begins another, so the first that the table knows is the one.
  for (let length = 1; length <= MAX_COUNTRY_CODE_DIGITS; length += 1) {
    const prefix = digits.slice(0, length);
    if (zones.has(prefix)) return prefix;
  }
  return null;
}

/** Takes some tens of microseconds outside North America: asked only where it matters. */
function isOfOnePlace(phone: E164, country: string): boolean {
  if (country === NORTH_AMERICA) return true;
  const kind = parsePhoneNumberFromString(phone)?.getType();
  if (kind === "FIXED_LINE" || kind === "FIXED_LINE_OR_MOBILE") return true;
  return kind === "MOBILE" && CODES_WITH_LOCAL_MOBILES.has(country);
}

interface PhoneZoneTable {
  /** By digits of the number's beginning, country code included. */
  readonly zones: ReadonlyMap<string, readonly string[]>;
  readonly maxDigits: number;
}

let readTable: PhoneZoneTable | null = null;

/** Read at the first look-up, in about a millisecond, and kept. */
function table(): PhoneZoneTable {
  readTable ??= parseTable(PHONE_ZONE_LINES);
  return readTable;
}

function parseTable(lines: readonly string[]): PhoneZoneTable {
  const zones = new Map<string, readonly string[]>();
  let maxDigits = 0;
  for (const line of lines) {
    const [names = "", prefixes = ""] = line.split(": ");
    const zonesOfLine = Object.freeze(names.split(" "));
    for (const prefix of prefixes.split(" ")) {
      zones.set(prefix, zonesOfLine);
      maxDigits = Math.max(maxDigits, prefix.length);
    }
  }
  return { zones, maxDigits };
}
