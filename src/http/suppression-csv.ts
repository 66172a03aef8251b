// A suppression list as CSV: columns phone and reason, the header optional. Read as it arrives, a
// few rows at a time, so that neither memory nor the main thread's time is at the mercy of whoever
// sends it.

import type { Hash } from "node:crypto";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setImmediate } from "node:timers/promises";

import { CsvError, parse } from "csv-parse";

import { AppError } from "../domain/app-error.ts";
import { textFault } from "../domain/plain-text.ts";
import { MAX_SUPPRESSION_REASON_LENGTH } from "./contract/suppression.ts";
import { createListReader, type SuppressionList } from "./suppression-list.ts";

// 250,000 rows with a reason of some hundred characters each.
const MAX_CSV_BYTES = 32 * 1024 * 1024;
// Rows of one upload are held until all are known to be good: about 30 MB.
const MAX_ROWS = 250_000;
// A phone takes about 20 µs to check: other requests wait 5 ms at most.
const ROWS_PER_TURN = 250;
// A reason at its limit, quoted, with every character doubled.
const MAX_RECORD_LENGTH = 2_048;

interface Row {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

/**
 * @param hash is fed the body's bytes.
 * @throws AppError `invalid_request` naming the line, `body_too_large`. Invalid phones are listed,
 * not thrown.
 */
export async function readSuppressionCsv(body: Readable, hash: Hash): Promise<SuppressionList> {
  const reader = createListReader();
  const readRows = async (rows: AsyncIterable<Row>): Promise<void> => {
    let columns: Columns | null = null;
    let count = 0;
    // A row is named by the line it ends in: nearly always its only one.
    for await (const { record, info } of rows) {
      const header: Columns | null = columns === null ? readHeader(record) : null;
      columns ??= header ?? { phone: 0, reason: 1, width: 2 };
      if (header === null) {
        count += 1;
        if (count > MAX_ROWS) throw tooLarge(`more than ${MAX_ROWS} rows`);
        const { phone, reason } = readRow(record, columns, info.lines);
        reader.add(phone, reason, info.lines);
        if (count % ROWS_PER_TURN === 0) await setImmediate();
      }
    }
  };
  const parser = parse({
    info: true,
    trim: true,
    skip_empty_lines: true,
    relax_column_count: true,
    max_record_size: MAX_RECORD_LENGTH,
  });
  try {
    await pipeline(decode(body, hash), parser, readRows);
  } catch (error) {
    throw error instanceof CsvError ? csvError(error) : error;
  }
  return reader.finish();
}

async function* decode(body: Readable, hash: Hash): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const text = (bytes?: Uint8Array): string => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch (cause) {
      const message = "The body is not valid UTF-8. Export the list as CSV in UTF-8.";
      throw new AppError("invalid_request", { message, cause });
    }
  };
  let bytes = 0;
  // The connection must outlive a refusal, or nobody would read it.
  for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_CSV_BYTES) throw tooLarge(`larger than ${MAX_CSV_BYTES} bytes`);
    hash.update(chunk);
    yield text(chunk);
  }
  yield text();
}

interface Columns {
  readonly phone: number;
  /** -1: there is none. */
  readonly reason: number;
  readonly width: number;
}

/** null: the first row is not a header. */
function readHeader(record: readonly string[]): Columns | null {
  const names = record.map((name) => name.toLowerCase());
  if (!names.includes("phone")) return null;
  const isKnown = names.every((name) => name === "phone" || name === "reason");
  if (!isKnown || new Set(names).size !== names.length) {
    throw lineError(1, "must name the columns phone and reason, and no others");
  }
  return { phone: names.indexOf("phone"), reason: names.indexOf("reason"), width: names.length };
}

function readRow(
  record: readonly string[],
  columns: Columns,
  line: number,
): { readonly phone: string; readonly reason: string | null } {
  if (record.length > columns.width) {
    throw lineError(line, `has ${record.length} columns, not phone and reason; quote a comma`);
  }
  const reason = record[columns.reason] ?? "";
  if (reason.length > MAX_SUPPRESSION_REASON_LENGTH) {
    const limit = `at most ${MAX_SUPPRESSION_REASON_LENGTH}`;
    throw lineError(line, `has a reason of ${reason.length} characters; ${limit}`);
  }
  const fault = textFault(reason);
  if (fault !== null) throw lineError(line, `has a reason that ${fault}`);
  return { phone: record[columns.phone] ?? "", reason: reason === "" ? null : reason };
}

function lineError(line: number, fault: string, cause?: unknown): AppError {
  const message = `Line ${line} of the CSV ${fault}.`;
  return new AppError("invalid_request", { message, details: { line }, cause });
}

function csvError(error: CsvError): AppError {
  const line = typeof error["lines"] === "number" ? error["lines"] : 1;
  return lineError(line, faultOf(error), error);
}

function faultOf(error: CsvError): string {
  if (error.code === "CSV_QUOTE_NOT_CLOSED") return "opens a quote that is never closed";
  if (error.code === "CSV_MAX_RECORD_SIZE") {
    return `is longer than ${MAX_RECORD_LENGTH} characters; is a quote never closed?`;
  }
  return "has a quote in the wrong place; quote the whole cell and double the quotes in it";
}

function tooLarge(size: string): AppError {
  return new AppError("body_too_large", {
    message: `The list is ${size}. Split it: adding phones in parts is the same.`,
  });
}
