// The rules for one entry of a list, by example and against the schema that the API publishes.

import fc from "fast-check";
import { expect, test } from "vitest";
import { readRecipient } from "../../src/domain/batch-request.ts";
import { nearestName } from "../../src/domain/nearest-name.ts";
import { displayable, textFault } from "../../src/domain/plain-text.ts";
import { MAX_VARIABLES_BYTES, parseVariables } from "../../src/domain/variables.ts";
import { RecipientInput } from "../../src/http/contract/batch.ts";

test.each([
  ["shedule_type", "schedule_type"],
  ["scheduleType", "schedule_type"],
  ["SCHEDULED_DATE", "scheduled_date"],
  ["recipient", "recipients"],
  ["windows_days", "window_days"],
  ["completely_else", null],
  ["", null],
  ["x".repeat(10_000), null],
])("%.20s most likely meant %s", (name, meant) => {
  const known = ["schedule_type", "scheduled_date", "recipients", "window_days", "prompt"];
  expect(nearestName(name, known)).toBe(meant);
});

test("texts with NUL or half a character are faulty, and are made displayable", () => {
  expect(textFault("plain 💥")).toBeNull();
  expect(textFault("a\u0000b")).toContain("NUL");
  expect(textFault("\ud800")).toContain("surrogate");
  expect(displayable("a\u0000\ud800b", 10)).toBe("a\ufffd\ufffdb");
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 1, max: 20 }), (text, max) => {
      const shown = displayable(text, max);
      expect(textFault(shown)).toBeNull();
      expect(shown.length).toBeLessThanOrEqual(max);
    }),
  );
});

test("variables within every limit are kept as they are; bytes are counted in UTF-8", () => {
  const variables = { name: "Zoë", visits: 3, isNew: false };
  expect(parseVariables(variables)).toEqual({ kind: "valid", variables });
  expect(parseVariables(undefined)).toEqual({ kind: "valid", variables: {} });
  // 4 × 400 characters of 3 bytes each.
  const wide = Object.fromEntries(["a", "b", "c", "d"].map((name) => [name, "€".repeat(400)]));
  expect(parseVariables(wide)).toMatchObject({ kind: "invalid", path: "" });
  expect(JSON.stringify(wide).length).toBeLessThan(MAX_VARIABLES_BYTES);
});

test.each([
  [[], ""],
  ["text", ""],
  [{ "": 1 }, ""],
  [{ a: null }, "a"],
  [{ a: [] }, "a"],
  [{ a: Number.POSITIVE_INFINITY }, "a"],
  [{ a: "\ud800" }, "a"],
  [JSON.parse('{"__proto__": 1}'), "__proto__"],
])("refuses variables %j", (value: unknown, path) => {
  expect(parseVariables(value)).toMatchObject({ kind: "invalid", path });
});

test("an entry is valid, invalid by its phone alone, or refused", () => {
  const read = (value: unknown, countries: readonly string[] | null = null) =>
    readRecipient(value, 7, countries);
  expect(read({ phone: "+1 (202) 555-0123", prompt_override: " " })).toEqual({
    kind: "valid",
    phone: "+12025550123",
    variables: {},
    promptOverride: null,
    timezone: null,
  });
  expect(read({ phone: "+12025550123" }, ["GB"])).toMatchObject({
    kind: "invalid",
    isCountry: true,
  });
  expect(read({ phone: "x".repeat(10_001) })).toMatchObject({
    kind: "invalid",
    isCountry: false,
    entry: { row_index: 7 },
  });
  expect(read({ phone: { deep: [[[]]] } })).toMatchObject({
    kind: "invalid",
    entry: { phone: "" },
  });
  expect(read({ phone: "+12025550123", phone_number: "x" })).toMatchObject({
    kind: "refused",
    field: "recipients[7].phone_number",
    message: expect.stringContaining("did you mean phone?"),
  });
});

test("the rules by hand agree with the published schema", () => {
  const value = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(fc.integer(), { maxLength: 2 }),
  );
  const entry = fc.oneof(
    fc.record(
      {
        phone: fc.oneof({ weight: 5, arbitrary: fc.constant("+12025550123") }, value),
        variables: fc.oneof(
          fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), value, { maxKeys: 3 }),
          value,
        ),
        prompt_override: value,
        extra: value,
      },
      { requiredKeys: ["phone"] },
    ),
    value,
  );
  fc.assert(
    fc.property(entry, (candidate) => {
      const byHand = readRecipient(candidate, 0, null);
      const bySchema = RecipientInput.safeParse(candidate).success;
      // The schema knows neither the numbering plan nor blank names: only there may it accept more.
      if (byHand.kind === "valid") expect(bySchema).toBe(true);
      if (!bySchema) expect(byHand.kind).not.toBe("valid");
      if (bySchema && byHand.kind === "refused") expect(byHand.message).toContain("name");
    }),
    { numRuns: 500 },
  );
});
