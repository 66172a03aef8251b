// What nobody sends by accident: texts, names, numbers and shapes that break parsers, databases,
// tables and templates. Some exist only as JSON text; `RawJson` carries them past JSON.stringify.

import fc from "fast-check";

/** A piece of JSON text that no value stringifies to. */
export class RawJson {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

const HOSTILE_TEXTS = [
  "",
  " ",
  "\u0000",
  "a\u0000b",
  "\ud800",
  "\udfff\ud800",
  "\u202e\ufeff\u200b",
  "💥",
  "null",
  "undefined",
  "NaN",
  "-1",
  "1e309",
  "0x10",
  "true",
  "[]",
  "{}",
  '{"a":1}',
  "' or 1=1 --",
  "'; drop table calls; --",
  "\\",
  "\\N",
  "\\.",
  "%",
  "%00",
  "_%_",
  "$1",
  "=cmd|' /C calc'!A0",
  '","x\r\n"y',
  "a\tb\nc\rd",
  "{{7*7}}",
  "${7*7}",
  "<script>alert(1)</script>",
  "../../../etc/passwd",
  "__proto__",
  "constructor",
  "toString",
  "http://127.0.0.1/",
  "https://user:pass@example.com/",
  "javascript:alert(1)",
  "https://[::1]:99999/",
  "+",
  "+1",
  "+999999999999999999",
  "+12025550100;ext=1",
  "2030-02-30",
  "0000-00-00",
  "9999-12-31T23:59:60Z",
  "+275760-09-13T00:00:00.001Z",
  "Etc/GMT+99",
  "\u0130\u0131ß".repeat(30),
  "x".repeat(10_001),
  "é".repeat(70_000),
] as const;

const HOSTILE_NUMBERS = [
  0,
  -0,
  -1,
  0.1,
  1e-7,
  2 ** 31,
  -(2 ** 31) - 1,
  2 ** 53,
  -(2 ** 53),
  1e21,
  1e308,
  -1e308,
  5e-324,
] as const;

const RAW_TEXTS = [
  "1e999",
  "-1e999",
  "9".repeat(400),
  "0.1e-9999",
  '"\\ud800"',
  '{"a":1,"a":2}',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"toString":1,"hasOwnProperty":1,"then":1}',
  "[".repeat(50) + "]".repeat(50),
  "[".repeat(20_000) + "]".repeat(20_000),
  '{"a":'.repeat(5_000) + "1" + "}".repeat(5_000),
  `[${"1,".repeat(2_000)}1]`,
] as const;

/** A text that has no place in any field. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...HOSTILE_TEXTS) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 40 }) },
);

/** A value of any kind; in a header or a path its text counts. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: hostileText },
  { weight: 2, arbitrary: fc.constantFrom<number>(...HOSTILE_NUMBERS) },
  { weight: 2, arbitrary: fc.constantFrom(...RAW_TEXTS).map((text) => new RawJson(text)) },
  { weight: 1, arbitrary: fc.constantFrom<unknown>(null, true, false, [], {}, [null], [[]], [{}]) },
  { weight: 1, arbitrary: fc.dictionary(hostileText, hostileText, { maxKeys: 3 }) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
);

/** JSON text of a value that may hold raw pieces. */
export function textOfValue(value: unknown): string {
  const pieces: string[] = [];
  const text = JSON.stringify(value, (_name, item: unknown) => {
    if (!(item instanceof RawJson)) return item;
    pieces.push(item.text);
    return `raw-json-${pieces.length - 1}-`;
  });
  return text.replaceAll(/"raw-json-(\d+)-"/g, (_, index: string) => pieces[Number(index)] ?? "");
}
