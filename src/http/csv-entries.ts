// Comma-separated values as spreadsheets write them: a header row, then one recipient a row.
// `phone` is needed; `prompt_override` and `timezone` are the recipient's fields of those names,
// and every other column is a variable. An empty cell is a field that was not given.

import { pipeline, Readable } from "node:stream";

import { CsvError, parse } from "csv-parse";

import { nearestName } from "../domain/nearest-name.ts";
import { displayable } from "../domain/plain-text.ts";
import { MAX_VARIABLES, MAX_VARIABLE_NAME_LENGTH } from "../domain/variables.ts";
import { listFault, type ListEntry } from "./list-entry.ts";

const OWN_COLUMNS: ReadonlySet<string> = new Set(["phone", "prompt_override", "timezone"]);
// A prompt override and variables at their limits, with every quote doubled.
const MAX_RECORD_LENGTH = 64 * 1024;

interface Row {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

/** @throws AppError `invalid_request` naming the line and what is wrong with it. */
export async function* readCsv(texts: Iterable<string>): AsyncGenerator<ListEntry> {
  const source = Readable.from(texts, { objectMode: true });
  const rows = parse({ info: true, skip_empty_lines: true, max_record_size: MAX_RECORD_LENGTH });
  // A source that fails must end the rows with its error; whoever reads them gets it.
  pipeline(source, rows, () => {});
  let header: readonly string[] | null = null;
  try {
    for await (const { record, info } of rows as AsyncIterable<Row>) {
      if (header === null) header = readHeader(record);
      // Where the row ends, less the line ends inside its cells: where it starts.
      else yield { value: recipientOf(header, record), line: info.lines - lineEndsOf(record) };
    }
  } catch (error) {
    throw error instanceof CsvError ? listFault(lineOf(error), faultOf(error)) : error;
  }
  if (header === null) throw listFault(1, "must be a header row that names the column phone");
}

function readHeader(record: readonly string[]): readonly string[] {
  const names = record.map((name) => name.trim());
  const first = names[0] ?? "";
  if (names.length === 1 && /[;\t]/.test(first)) {
    const found = first.includes(";") ? "semicolons" : "tabs";
    throw listFault(1, `separates its columns by ${found}; export the list with commas`);
  }
  for (const [index, name] of names.entries()) {
    const shown = displayable(name, MAX_VARIABLE_NAME_LENGTH);
    if (name === "") throw listFault(1, `has no name for column ${index + 1}`);
    if (names.indexOf(name) !== index) throw listFault(1, `names the column ${shown} twice`);
    if (name.length > MAX_VARIABLE_NAME_LENGTH || name === "__proto__") {
      throw listFault(1, `names a column that cannot be a variable: ${shown}`);
    }
  }
  if (!names.includes("phone")) throw listFault(1, `names no column phone${phoneHint(names)}`);
  const variables = names.filter((name) => !OWN_COLUMNS.has(name)).length;
  if (variables > MAX_VARIABLES) {
    throw listFault(1, `has ${variables} columns of variables; at most ${MAX_VARIABLES}`);
  }
  return names;
}

function phoneHint(names: readonly string[]): string {
  if (names.some((name) => /^\+?[\d\s().-]{7,}$/.test(name))) {
    return "; the first row must be a header, not a recipient";
  }
  const alike = names.find(
    (name) => /phone|mobile|number/i.test(name) || nearestName(name, ["phone"]) !== null,
  );
  return alike === undefined
    ? ""
    : `; rename ${displayable(alike, MAX_VARIABLE_NAME_LENGTH)} to phone`;
}

function recipientOf(header: readonly string[], record: readonly string[]): object {
  const own: Record<string, string> = {};
  const variables: Record<string, string> = {};
  for (const [index, name] of header.entries()) {
    const cell = record[index] ?? "";
    const isOwn = OWN_COLUMNS.has(name);
    if (cell.trim() === "" && name !== "phone") continue;
    (isOwn ? own : variables)[name] = isOwn && name !== "prompt_override" ? cell.trim() : cell;
  }
  return { ...own, variables };
}

function lineEndsOf(record: readonly string[]): number {
  return record.reduce((count, cell) => count + cell.split("\n").length - 1, 0);
}

function lineOf(error: CsvError): number {
  const { lines } = error as CsvError & { readonly lines?: unknown };
  return typeof lines === "number" ? lines : 1;
}

function faultOf(error: CsvError): string {
  return FAULTS[error.code] ?? "is not valid CSV";
}

const MISPLACED_QUOTE =
  "has a quote inside a cell; quote the whole cell and double the quotes in it";

const FAULTS: Readonly<Partial<Record<CsvError["code"], string>>> = {
  CSV_RECORD_INCONSISTENT_FIELDS_LENGTH:
    "has another number of columns than the header; quote cells that hold a comma",
  CSV_QUOTE_NOT_CLOSED: "opens a quote that is never closed",
  CSV_MAX_RECORD_SIZE: `is longer than ${MAX_RECORD_LENGTH} characters; is a quote never closed?`,
  INVALID_OPENING_QUOTE: MISPLACED_QUOTE,
  CSV_INVALID_CLOSING_QUOTE: MISPLACED_QUOTE,
  CSV_NON_TRIMABLE_CHAR_AFTER_CLOSING_QUOTE: MISPLACED_QUOTE,
};
