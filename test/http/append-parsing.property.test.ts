// Lists as they arrive: cut into pieces anywhere, with every character a cell may hold, and as
// bytes that are no list at all. What was read is what was sent, and every row is accounted for.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { parseAppend, type AppendParsing, type ListFormat } from "../../src/http/append-parsing.ts";
import { readCsv } from "../../src/http/csv-entries.ts";
import { decodeText, type ListEntry } from "../../src/http/list-entry.ts";
import { readNdjson } from "../../src/http/ndjson-entries.ts";

const directory = mkdtempSync(join(tmpdir(), "append-parsing-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const cell = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.string({ unit: fc.constantFrom('"', ",", "\n", " ", "a", "é", "😀"), maxLength: 8 }),
);
const cuts = fc.array(fc.nat(), { maxLength: 8 });

/** The bytes in pieces, cut anywhere: also inside of a character. */
function piecesOf(text: string, at: readonly number[]): Uint8Array[] {
  const bytes = new TextEncoder().encode(text);
  const places = at.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b);
  return [...places, bytes.length].map((end, index) => bytes.subarray(places[index - 1] ?? 0, end));
}

test("NDJSON gives the values that were written, with their lines, however it is cut", () => {
  const line = fc.tuple(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom("\n", "\r\n", "\n\n", "\n \t\r\n"),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), fc.boolean(), cuts, (lines, isEnded, at) => {
      const expected: ListEntry[] = [];
      let text = "";
      for (const [value, end] of lines) {
        const shown = JSON.stringify(value);
        expected.push({ value: JSON.parse(shown), line: text.split("\n").length });
        text += shown + end;
      }
      const sent = isEnded ? text : text.trimEnd();
      expect([...readNdjson(decodeText(piecesOf(sent, at)))]).toEqual(expected);
    }),
  );
});

test("CSV gives the cells that were written, with their lines, however it is cut", async () => {
  const row = fc.tuple(cell, cell, cell, cell);
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { maxLength: 6 }),
      fc.constantFrom("\n", "\r\n"),
      cuts,
      async (rows, end, at) => {
        let text = ["note", "phone", "timezone", "prompt_override"].join(",") + end;
        const expected = rows.map((cells) => {
          const line = text.split("\n").length;
          text += cells.map((content) => `"${content.replaceAll('"', '""')}"`).join(",") + end;
          return { value: recipientOf(cells), line };
        });
        const read: ListEntry[] = [];
        for await (const entry of readCsv(decodeText(piecesOf(text, at)))) read.push(entry);
        expect(read).toEqual(expected);
      },
    ),
  );
});

function recipientOf([note, phone, timezone, override]: readonly [string, string, string, string]) {
  const isGiven = (content: string): boolean => content.trim() !== "";
  return {
    phone: phone.trim(),
    ...(isGiven(timezone) && { timezone: timezone.trim() }),
    ...(isGiven(override) && { prompt_override: override }),
    variables: isGiven(note) ? { note } : {},
  };
}

const phone = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .integer({ min: 100, max: 199 })
      .map((n) => `+1202555${String(n).padStart(4, "0")}`),
  },
  { weight: 2, arbitrary: cell },
  { weight: 1, arbitrary: fc.constantFrom("+1.2E+10", "\\N", "\\.", "a\tb", "", "12025550100") },
);
const quoted = (content: string): string => `"${content.replaceAll('"', '""')}"`;
const nearCsv = fc
  .array(fc.tuple(phone, cell), { maxLength: 6 })
  .map((rows) => ["phone,note", ...rows.map((row) => row.map(quoted).join(","))].join("\n"));
const nearNdjson = fc
  .array(
    fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ phone, variables: fc.dictionary(fc.constantFrom("a", "b"), cell) }),
      },
      { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
    ),
    { maxLength: 6 },
  )
  .map((values) => values.map((value) => JSON.stringify(value)).join("\n"));
const list = fc.oneof(
  fc.tuple(
    fc.constant<ListFormat>("csv"),
    nearCsv.map((text) => Buffer.from(text)),
  ),
  fc.tuple(
    fc.constant<ListFormat>("ndjson"),
    nearNdjson.map((text) => Buffer.from(text)),
  ),
  fc.tuple(
    fc.constantFrom<ListFormat>("csv", "ndjson", "json"),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  ),
);

test("whatever bytes come, a list is refused, or its rows are all there in whole segments", async () => {
  await fc.assert(
    fc.asyncProperty(list, fc.boolean(), async ([format, body], skipInvalid) => {
      const { parsing, rows } = await parse(format, body, skipInvalid);
      if (parsing.kind === "refused") return;
      const lines = rows.toString().split("\n").slice(0, -1);
      expect(lines).toHaveLength(parsing.validCount + parsing.invalidCount);
      for (const [index, line] of lines.entries()) {
        const columns = line.split("\t");
        expect(columns, line).toHaveLength(13);
        expect(columns.slice(0, 3)).toEqual(["camp_1", "key_1", String(index)]);
        expect(JSON.parse(textOfCopy(columns[4] ?? ""))).toBeTypeOf("object");
      }
      expect(skipInvalid ? 0 : parsing.invalidCount).toBe(0);
      const ends = parsing.segments.map(({ endByte }) => endByte);
      expect(parsing.segments.map(({ startByte }) => startByte)).toEqual([0, ...ends.slice(0, -1)]);
      expect(ends.at(-1)).toBe(rows.length);
    }),
    { numRuns: 300 },
  );
});

async function parse(
  format: ListFormat,
  body: Uint8Array,
  skipInvalid: boolean,
): Promise<{ readonly parsing: AppendParsing; readonly rows: Buffer }> {
  const bodyPath = join(directory, "body");
  const rowsPath = join(directory, "rows");
  writeFileSync(bodyPath, body);
  writeFileSync(rowsPath, "");
  const parsing = await parseAppend({
    campaignId: "camp_1",
    keyId: "key_1",
    createdAt: "2030-06-12T11:00:00.000Z",
    bodyPath,
    rowsPath,
    format,
    allowedCountries: null,
    maxRows: 100,
    zones: null,
    options: { skipInvalid, skipDuplicates: false, allowDuplicate: false },
  });
  return { parsing, rows: readFileSync(rowsPath) };
}

/** What COPY reads of a column. */
function textOfCopy(column: string): string {
  const escapes: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r" };
  return column.replaceAll(/\\(.)/g, (_all, letter: string) => escapes[letter] ?? letter);
}
