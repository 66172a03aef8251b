// Zones of phone numbers: one place, a split area, a country of many zones, and none.

import { describe, expect, test } from "vitest";
import { parsePhone, type E164 } from "../../src/domain/phone.ts";
import { zonesOfPhone } from "../../src/domain/phone-zones.ts";

function zonesOf(phone: string): readonly string[] {
  return zonesOfPhone(phone as E164);
}

describe("one zone", () => {
  test.each([
    ["New York", "+12125550123", "America/New_York"],
    ["Honolulu", "+18085550123", "Pacific/Honolulu"],
    ["an exchange of western Florida", "+18502005550", "America/Chicago"],
    ["London", "+442079460123", "Europe/London"],
    ["a British mobile", "+447911123456", "Europe/London"],
    ["Jersey, by its zone's first name", "+441534123456", "Europe/London"],
    ["France", "+33123456789", "Europe/Paris"],
    ["Sydney", "+61255501234", "Australia/Sydney"],
    ["Brisbane", "+61731234567", "Australia/Brisbane"],
    ["Moscow", "+74951234567", "Europe/Moscow"],
    ["Kaliningrad, which has no summer time", "+74012123456", "Europe/Kaliningrad"],
    ["a mobile of São Paulo, which carries its area", "+5511912345678", "America/Sao_Paulo"],
    ["Nicaragua", "+50582345678", "America/Managua"],
  ])("%s", (_place, phone, zone) => {
    expect(zonesOf(phone)).toEqual([zone]);
  });
});

describe("several zones", () => {
  test.each([
    ["an unlisted exchange of 850", "+18505550123", ["America/Chicago", "America/New_York"]],
    ["an unlisted exchange of 541", "+15415550123", ["America/Denver", "America/Los_Angeles"]],
    ["an unlisted exchange of 208", "+12085550123", ["America/Boise", "America/Los_Angeles"]],
    ["Kazakhstan, without Russia", "+77012345678", ["Asia/Almaty", "Asia/Aqtobe"]],
  ])("%s", (_place, phone, zones) => {
    expect(zonesOf(phone)).toEqual(zones);
  });

  test("a mobile that may be anywhere has its country's zones, whatever its range says", () => {
    expect(zonesOf("+61412345678")).toEqual(
      expect.arrayContaining(["Australia/Perth", "Australia/Sydney", "Australia/Adelaide"]),
    );
    expect(zonesOf("+79161234567")).toEqual(
      expect.arrayContaining(["Europe/Kaliningrad", "Europe/Moscow", "Asia/Kamchatka"]),
    );
  });

  test("a toll-free number is anywhere in North America", () => {
    expect(zonesOf("+18005550123")).toEqual(
      expect.arrayContaining(["Pacific/Honolulu", "America/St_Johns"]),
    );
  });
});

test("what the table does not know has no zone", () => {
  for (const phone of ["+8816123456", "+9991234567", "+8001234567"]) {
    expect(zonesOf(phone), phone).toEqual([]);
  }
});

test("every North American test number has a zone, sorted and each once", () => {
  for (let area = 200; area <= 999; area += 1) {
    const parsed = parsePhone(`+1${area}5550123`);
    if (parsed.kind === "invalid") continue;
    const zones = zonesOfPhone(parsed.phone);
    expect(zones.length, parsed.phone).toBeGreaterThan(0);
    expect([...new Set(zones)].sort(), parsed.phone).toEqual(zones);
  }
});
