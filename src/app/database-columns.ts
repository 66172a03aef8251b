// How PostgreSQL's column types arrive in TypeScript, as src/ports/database.ts promises. The
// parsers belong to the pools that are given them: the driver's global table is never touched, so
// another user of `pg` in the same process is not surprised.

import pg from "pg";

type ColumnParser = (text: string) => unknown;

// The driver's reader of array literals. Its published type describes another shape than the one it
// has.
const arrayReader = pg.types.arrayParser as unknown as {
  create(text: string, parseItem: ColumnParser): { parse(): unknown[] };
};

const OID = {
  int8: 20,
  date: 1082,
  timestamp: 1114,
  timestamptz: 1184,
  numeric: 1700,
  int8Array: 1016,
  timestampArray: 1115,
  dateArray: 1182,
  timestamptzArray: 1185,
  numericArray: 1231,
} as const;

// 2026-03-01 09:30:00.123456+00, an offset of hours, minutes or seconds, and a year of more than
// four digits.
const DAY = /(\d{4,6})-(\d\d)-(\d\d)/;
const TIME = /(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?/;
const OFFSET = /([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?/;
const TIMESTAMPTZ = new RegExp(`^${DAY.source} ${TIME.source}${OFFSET.source}( BC)?$`);

/**
 * Reads a `timestamptz` of the ISO date style, in any session time zone. Microseconds are cut to
 * milliseconds.
 */
export function parseTimestamptz(text: string): number {
  if (text === "infinity") return Number.POSITIVE_INFINITY;
  if (text === "-infinity") return Number.NEGATIVE_INFINITY;
  const match = TIMESTAMPTZ.exec(text);
  if (match === null) throw new RangeError(`not a timestamptz in ISO style: ${text}`);
  const [, year, month, day, hour, minute, second, fraction, sign, offsetH, offsetM, offsetS, bc] =
    match;
  const local = new Date(0);
  // setUTCFullYear and not Date.UTC: the latter reads years 0–99 as 1900–1999.
  local.setUTCFullYear(
    bc === undefined ? Number(year) : 1 - Number(year),
    Number(month) - 1,
    Number(day),
  );
  const milliseconds = Number((fraction ?? "").padEnd(3, "0").slice(0, 3));
  local.setUTCHours(Number(hour), Number(minute), Number(second), milliseconds);
  const offsetSeconds = Number(offsetH) * 3600 + Number(offsetM ?? 0) * 60 + Number(offsetS ?? 0);
  return local.getTime() - (sign === "-" ? -1 : 1) * offsetSeconds * 1000;
}

/** Reads a bigint. One that a number cannot hold exactly is an error, never a rounded value. */
export function parseInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) {
    throw new RangeError(`bigint ${text} is past what a number holds exactly`);
  }
  return value;
}

const asText: ColumnParser = (text) => text;

const PARSERS = new Map<number, ColumnParser>([
  [OID.int8, parseInt8],
  [OID.numeric, Number],
  [OID.date, asText],
  [OID.timestamp, asText],
  [OID.timestamptz, parseTimestamptz],
  [OID.int8Array, arrayOf(parseInt8)],
  [OID.numericArray, arrayOf(Number)],
  [OID.dateArray, arrayOf(asText)],
  [OID.timestampArray, arrayOf(asText)],
  [OID.timestamptzArray, arrayOf(parseTimestamptz)],
]);

/** The `types` setting of a pool or client. Types not listed above keep the driver's own parser. */
export const columnTypes = {
  getTypeParser: ((oid: number, format?: "text" | "binary") => {
    const own = format === "binary" ? undefined : PARSERS.get(oid);
    return own ?? (pg.types.getTypeParser(oid, format ?? "text") as ColumnParser);
  }) as typeof pg.types.getTypeParser,
};

function arrayOf(parse: ColumnParser): ColumnParser {
  return (text) => arrayReader.create(text, parse).parse();
}
