// src/domain/phone-zone-data.ts is made, not written: this holds it to the package it comes from,
// and its zones to the countries they are said to be in.

import { getCountries, getCountryCallingCode } from "libphonenumber-js/max";
import { expect, test } from "vitest";
import { renderPhoneZoneData } from "../scripts/phone-zone-data.ts";
import { PHONE_ZONE_LINES } from "../src/domain/phone-zone-data.ts";
import { resolveTimeZone } from "../src/domain/time-zone.ts";

test("the file is what the package's data gives (vitest -u writes it anew)", async () => {
  await expect(renderPhoneZoneData()).toMatchFileSnapshot("../src/domain/phone-zone-data.ts");
});

const entries = PHONE_ZONE_LINES.flatMap((line) => {
  const [zones = "", prefixes = ""] = line.split(": ");
  return prefixes.split(" ").map((prefix) => ({ prefix, zones: zones.split(" ") }));
});

test("every zone is known to the runtime", () => {
  const unknown = entries.flatMap((it) => it.zones).filter((it) => resolveTimeZone(it) === null);
  expect(unknown).toEqual([]);
});

// Kosovo and Ascension have no zone of their own in the runtime's list of countries.
const CODES_WITHOUT_ZONES = ["247", "383"];

test("every zone keeps the hours of a zone of a country with that code", () => {
  const countriesOf = Map.groupBy(getCountries(), (country) => getCountryCallingCode(country));
  const hoursOfCode = new Map(
    [...countriesOf].map(([code, countries]) => [
      String(code),
      new Set(countries.flatMap(zonesOfCountry).map(hoursOf)),
    ]),
  );
  const wrong = entries.flatMap(({ prefix, zones }) => {
    const code = [1, 2, 3].map((it) => prefix.slice(0, it)).find((it) => hoursOfCode.has(it));
    if (code !== undefined && CODES_WITHOUT_ZONES.includes(code)) return [];
    const own = hoursOfCode.get(code ?? "");
    return zones.filter((zone) => own?.has(hoursOf(zone)) !== true).map((it) => `${prefix} ${it}`);
  });
  expect(wrong).toEqual([]);
});

function zonesOfCountry(country: string): readonly string[] {
  return new Intl.Locale(`und-${country}`).getTimeZones() ?? [];
}

const hours = new Map<string, string>();

/** The zone's offsets in the middle of each month of a year. */
function hoursOf(zone: string): string {
  const known = hours.get(zone);
  if (known !== undefined) return known;
  const offsets = Array.from({ length: 12 }, (_, month) => {
    const at = Temporal.Instant.fromEpochMilliseconds(Date.UTC(2026, month, 15));
    return at.toZonedDateTimeISO(zone).offset;
  });
  hours.set(zone, offsets.join());
  return offsets.join();
}
