// From a spooled list to rows that can be copied into the database, as a second file. Runs on the
// main thread for small lists and in a worker for large ones, with the same answer. Reads and
// writes piece by piece: a list of any size takes the same memory.

import { closeSync, openSync, readFileSync, readSync, writeSync } from "node:fs";

import { AppError, type ErrorCode } from "../domain/app-error.ts";
import {
  MAX_LISTED_INVALID,
  MAX_RECIPIENTS,
  readRecipient,
  type InvalidEntry,
} from "../domain/batch-request.ts";
import { displayable } from "../domain/plain-text.ts";
import { groupByZones, type NewZoneGroup, type ZoneFrame } from "../domain/zone-grouping.ts";
import { appendFieldNames, AppendFields } from "./contract/append.ts";
import { readCsv } from "./csv-entries.ts";
import { decodeText, type ListEntry } from "./list-entry.ts";
import { readNdjson } from "./ndjson-entries.ts";
import { inItsZones } from "./recipient-zones.ts";
import { createRowWriter, type RowFrame } from "./recipient-rows.ts";
import { parseJson, refuseUnsafeValues } from "./request-body.ts";
import { requestErrorOf } from "./request-errors.ts";

export type ListFormat = "json" | "ndjson" | "csv";

export interface AppendParsingRequest extends RowFrame {
  /** File of the body as it came. */
  readonly bodyPath: string;
  /** File to write the rows to, as COPY text. */
  readonly rowsPath: string;
  readonly format: ListFormat;
  /** ISO codes the key may call; null: all. */
  readonly allowedCountries: readonly string[] | null;
  readonly maxRows: number;
  /** For a campaign whose window runs in its recipients' zones; else null. */
  readonly zones: ZoneFrame | null;
  /** As the query says; a JSON body may say it too. */
  readonly options: AppendOptions;
}

export interface AppendOptions {
  readonly skipInvalid: boolean;
  readonly skipDuplicates: boolean;
  readonly allowDuplicate: boolean;
}

/** Rows that are copied by one statement: bytes [startByte, endByte) of the file of rows. */
export interface RowSegment {
  readonly startByte: number;
  readonly endByte: number;
}

export interface ParsedAppend {
  readonly kind: "parsed";
  readonly options: AppendOptions;
  readonly validCount: number;
  readonly invalidCount: number;
  /** The first of them; see MAX_LISTED_INVALID. */
  readonly invalid: readonly InvalidEntry[];
  readonly segments: readonly RowSegment[];
  /** Groups of recipients that the campaign did not have yet. */
  readonly zoneGroups: readonly NewZoneGroup[];
}

export type AppendParsing =
  | ParsedAppend
  | {
      readonly kind: "refused";
      readonly code: ErrorCode;
      readonly message: string;
      readonly details: Readonly<Record<string, unknown>>;
    };

// About 100,000 short rows: a second or two for the database, far from a statement's time-out.
const SEGMENT_BYTES = 16 * 1024 * 1024;
const READ_BYTES = 256 * 1024;

/** Reads the whole list. What is wrong with it is a value, so that it can cross threads. */
export async function parseAppend(request: AppendParsingRequest): Promise<AppendParsing> {
  try {
    return await readList(request);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { code, message, details } = error;
    return { kind: "refused", code, message, details };
  }
}

async function readList(request: AppendParsingRequest): Promise<ParsedAppend> {
  const list = openList(request);
  const file = openSync(request.rowsPath, "w");
  try {
    const rows = await readRows(list.entries, request, file);
    if (rows.total === 0) {
      const message = "The list must hold at least one recipient.";
      throw new AppError("missing_field", { message, details: { field: "recipients" } });
    }
    if (rows.invalidCount > 0 && !list.options.skipInvalid) throw invalidPhones(rows);
    if (rows.validCount === 0) {
      throw new AppError("campaign_no_recipients", {
        message: "Nobody is left to append: every phone of the list is invalid.",
        details: listOf(rows),
      });
    }
    const { total: _, isCountryOnly: __, ...kept } = rows;
    return { kind: "parsed", options: list.options, ...kept };
  } finally {
    closeSync(file);
  }
}

interface List {
  readonly entries: Iterable<ListEntry> | AsyncIterable<ListEntry>;
  readonly options: AppendOptions;
}

function openList({ format, bodyPath, options }: AppendParsingRequest): List {
  switch (format) {
    case "json":
      return openJson(readFileSync(bodyPath), options);
    case "ndjson":
      return { entries: readNdjson(decodeText(readChunks(bodyPath))), options };
    case "csv":
      return { entries: readCsv(decodeText(readChunks(bodyPath))), options };
  }
}

function* readChunks(path: string): Generator<Uint8Array> {
  const file = openSync(path, "r");
  try {
    for (;;) {
      const chunk = new Uint8Array(READ_BYTES);
      const bytes = readSync(file, chunk);
      if (bytes === 0) return;
      yield chunk.subarray(0, bytes);
    }
  } finally {
    closeSync(file);
  }
}

function openJson(bytes: Uint8Array, options: AppendOptions): List {
  const body = parseJson(bytes) ?? {};
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new AppError("invalid_request", { message: "The body must be an object." });
  }
  const { recipients, ...rest } = body as Record<string, unknown>;
  const details = { field: "recipients" };
  if (recipients === undefined || recipients === null) {
    throw new AppError("missing_field", { message: "recipients is required.", details });
  }
  if (!Array.isArray(recipients)) {
    throw new AppError("invalid_request", { message: "recipients must be an array.", details });
  }
  if (recipients.length > MAX_RECIPIENTS) {
    throw new AppError("too_many_recipients", {
      message: `recipients holds ${recipients.length}; at most ${MAX_RECIPIENTS} as JSON. Send NDJSON or CSV.`,
      details: { ...details, total: recipients.length, max: MAX_RECIPIENTS },
    });
  }
  const fields = readFields(rest);
  return {
    entries: recipients.map((value: unknown) => ({ value, line: null })),
    options: {
      skipInvalid: options.skipInvalid || (fields.skip_invalid ?? false),
      skipDuplicates: options.skipDuplicates || (fields.skip_duplicates ?? false),
      allowDuplicate: options.allowDuplicate || (fields.allow_duplicate ?? false),
    },
  };
}

function readFields(rest: Record<string, unknown>): AppendFields {
  const unknown = Object.keys(rest).find((name) => !appendFieldNames.includes(name));
  if (unknown !== undefined) {
    const field = displayable(unknown, 64);
    const message = `${field} is not a field here; known are ${appendFieldNames.join(", ")}.`;
    throw new AppError("invalid_request", { message, details: { field } });
  }
  refuseUnsafeValues(rest);
  const parsed = AppendFields.safeParse(rest, { reportInput: true });
  if (!parsed.success) throw requestErrorOf(parsed.error, "body", undefined);
  return parsed.data;
}

interface Rows {
  total: number;
  validCount: number;
  invalidCount: number;
  /** Every invalid entry is a good number that this key may not call. */
  isCountryOnly: boolean;
  readonly invalid: InvalidEntry[];
  readonly segments: RowSegment[];
  zoneGroups: readonly NewZoneGroup[];
}

async function readRows(
  entries: List["entries"],
  request: AppendParsingRequest,
  file: number,
): Promise<Rows> {
  const rows: Rows = {
    total: 0,
    validCount: 0,
    invalidCount: 0,
    isCountryOnly: true,
    invalid: [],
    segments: [],
    zoneGroups: [],
  };
  const grouping = request.zones === null ? null : groupByZones(request.zones);
  const segments = segmentsOf(file, rows.segments);
  const writer = createRowWriter(request, segments.write);
  for await (const { value, line } of entries) {
    const rowIndex = rows.total;
    rows.total += 1;
    if (rows.total > request.maxRows) throw tooMany(request.maxRows);
    const place = line === null ? "" : ` (line ${line})`;
    const read = inItsZones(
      readRecipient(value, rowIndex, request.allowedCountries),
      rowIndex,
      grouping,
    );
    switch (read.kind) {
      case "refused": {
        const details = { field: read.field, ...(line === null ? {} : { line }) };
        throw new AppError(read.code, { message: `${read.message}${place}.`, details });
      }
      case "invalid": {
        const entry = { ...read.entry, reason: `${read.entry.reason}${place}` };
        rows.invalidCount += 1;
        rows.isCountryOnly &&= read.isCountry;
        if (rows.invalid.length < MAX_LISTED_INVALID) rows.invalid.push(entry);
        writer.addInvalid({ rowIndex, phone: entry.phone, reason: entry.reason });
        break;
      }
      case "valid":
        rows.validCount += 1;
        writer.addValid({ rowIndex, ...read });
    }
  }
  writer.finish();
  segments.finish();
  rows.zoneGroups = grouping?.added() ?? [];
  return rows;
}

/** Writes chunks that end with a row, and remembers where one statement's share ends. */
function segmentsOf(
  file: number,
  segments: RowSegment[],
): { readonly write: (chunk: Uint8Array) => void; readonly finish: () => void } {
  let startByte = 0;
  let endByte = 0;
  const finish = (): void => {
    if (endByte > startByte) segments.push({ startByte, endByte });
    startByte = endByte;
  };
  return {
    write: (chunk) => {
      for (let done = 0; done < chunk.length;) done += writeSync(file, chunk, done);
      endByte += chunk.length;
      if (endByte - startByte >= SEGMENT_BYTES) finish();
    },
    finish,
  };
}

function tooMany(max: number): AppError {
  return new AppError("too_many_recipients", {
    message: `The list holds more than ${max} recipients. Split the list.`,
    details: { field: "recipients", max },
  });
}

// Contract A.9: total, counts, the list, and what to do.
function listOf(rows: Rows): Readonly<Record<string, unknown>> {
  const { total, validCount, invalidCount, invalid } = rows;
  return { total, valid_count: validCount, invalid_count: invalidCount, invalid };
}

function invalidPhones(rows: Rows): AppError {
  const first = rows.invalid[0];
  const code = rows.isCountryOnly ? "country_not_allowed" : "invalid_phone_format";
  const hint = "Resend with skip_invalid=true to append only the valid ones.";
  const noun = rows.invalidCount === 1 ? "recipient is" : "recipients are";
  const example = first === undefined ? "" : ` The first, row ${first.row_index}: ${first.reason}.`;
  return new AppError(code, {
    message: `${rows.invalidCount} of ${rows.total} ${noun} invalid.${example} ${hint}`,
    details: { ...listOf(rows), hint },
  });
}
