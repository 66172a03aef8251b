// From the bytes of a batch request to rows that can be copied into the database. Pure: runs on the
// main thread for small bodies and in a worker for large ones, with the same answer. Knows nothing
// of agents, numbers or zones.

import { createHash } from "node:crypto";

import { AppError, type ErrorCode } from "../domain/app-error.ts";
import {
  MAX_LISTED_INVALID,
  MAX_RECIPIENTS,
  readRecipient,
  type InvalidEntry,
} from "../domain/batch-request.ts";
import { groupByZones, type NewZoneGroup, type ZoneGrouping } from "../domain/zone-grouping.ts";
import { nearestName } from "../domain/nearest-name.ts";
import { displayable } from "../domain/plain-text.ts";
import { batchFieldCodes, batchFieldNames, BatchFields } from "./contract/batch.ts";
import { createPhoneWriter } from "./phone-rows.ts";
import { inItsZones, zoneFrameOf } from "./recipient-zones.ts";
import { createRowWriter, type RowFrame } from "./recipient-rows.ts";
import { parseJson, refuseUnsafeValues } from "./request-body.ts";
import { requestErrorOf } from "./request-errors.ts";

export interface BatchParsingRequest extends RowFrame {
  readonly body: Uint8Array;
  /** A preview counts and lists invalid phones and refuses none of them. */
  readonly purpose: "create" | "preview";
  /** ISO codes the key may call; null: all. */
  readonly allowedCountries: readonly string[] | null;
}

export interface ParsedBatch {
  readonly kind: "parsed";
  readonly bodyHash: Uint8Array<ArrayBuffer>;
  readonly fields: BatchFields;
  readonly validCount: number;
  readonly invalidCount: number;
  readonly duplicateCount: number;
  /** Groups of recipients by their zones; empty unless the window runs in the recipients' zones. */
  readonly zoneGroups: readonly NewZoneGroup[];
  /** The first of them; see MAX_LISTED_INVALID. */
  readonly invalid: readonly InvalidEntry[];
  /**
   * Ready to be transferred. To create: COPY text. To preview: the valid phones, one a line.
   */
  readonly chunks: readonly Uint8Array<ArrayBuffer>[];
}

export type BatchParsing =
  | ParsedBatch
  | {
      readonly kind: "refused";
      readonly bodyHash: Uint8Array<ArrayBuffer>;
      readonly code: ErrorCode;
      readonly message: string;
      readonly details: Readonly<Record<string, unknown>>;
    };

/** Source: contract A.2, A.3, A.7, A.9; DESIGN §5. */
export function parseBatch(request: BatchParsingRequest): BatchParsing {
  // A buffer of its own, so that it can be transferred.
  const bodyHash = new Uint8Array(createHash("sha256").update(request.body).digest());
  try {
    return { kind: "parsed", bodyHash, ...readBatch(request) };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { code, message, details } = error;
    return { kind: "refused", bodyHash, code, message, details };
  }
}

function readBatch(request: BatchParsingRequest): Omit<ParsedBatch, "kind" | "bodyHash"> {
  const body = parseJson(request.body) ?? {};
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new AppError("invalid_request", { message: "The body must be an object." });
  }
  const { recipients, ...rest } = body as Record<string, unknown>;
  const fields = readFields(rest, recipients);
  const list = readList(recipients);
  const zones = zoneFrameOf(fields, request.createdAt);
  const rows = readRecipients(list, request, {
    skipDuplicates: fields.skip_duplicates ?? false,
    grouping: zones === null ? null : groupByZones(zones),
  });
  if (request.purpose === "create") {
    refuseInvalidPhones(rows, list.length, fields.skip_invalid ?? false);
  }
  const { isCountryOnly: _, ...counted } = rows;
  return { fields, ...counted };
}

function refuseInvalidPhones(rows: Rows, total: number, skipInvalid: boolean): void {
  if (rows.invalidCount > 0 && !skipInvalid) throw invalidPhones(rows, total);
  if (rows.validCount > 0) return;
  throw new AppError("campaign_no_recipients", {
    message: "Nobody is left to call: every phone of the list is invalid.",
    details: listOf(rows, total),
  });
}

function readFields(rest: Record<string, unknown>, recipients: unknown): BatchFields {
  const missing = ["agent_id", "prompt"].find((name) => isBlank(rest[name]));
  if (missing !== undefined) throw missingField(missing);
  if (recipients === undefined || recipients === null) throw missingField("recipients");
  const unknown = Object.keys(rest).find((name) => !batchFieldNames.includes(name));
  if (unknown !== undefined) {
    const field = displayable(unknown, 64);
    const nearest = nearestName(unknown, batchFieldNames);
    const hint = nearest === null ? "" : ` Did you mean ${nearest}?`;
    throw new AppError("invalid_request", {
      message: `${field} is not a field of a batch.${hint}`,
      details: { field, ...(nearest === null ? {} : { nearest }) },
    });
  }
  refuseUnsafeValues(rest);
  const parsed = BatchFields.safeParse(rest, { reportInput: true });
  if (!parsed.success) throw requestErrorOf(parsed.error, "body", batchFieldCodes);
  const { schedule_type, scheduled_date } = parsed.data;
  if (schedule_type === "schedule" && isBlank(scheduled_date)) throw missingField("scheduled_date");
  if (scheduled_date && schedule_type !== "schedule" && schedule_type !== "now") {
    // Ignoring the date would call everybody at once, on the wrong day.
    throw new AppError("invalid_request", {
      message:
        "scheduled_date needs schedule_type schedule; without it the campaign would start now.",
      details: { field: "schedule_type" },
    });
  }
  return parsed.data;
}

function readList(recipients: unknown): readonly unknown[] {
  const details = { field: "recipients" };
  if (!Array.isArray(recipients)) {
    throw new AppError("invalid_request", { message: "recipients must be an array.", details });
  }
  if (recipients.length === 0) {
    const message = "recipients must hold at least one recipient.";
    throw new AppError("missing_field", { message, details });
  }
  if (recipients.length > MAX_RECIPIENTS) {
    throw new AppError("too_many_recipients", {
      message: `recipients holds ${recipients.length}; at most ${MAX_RECIPIENTS}. Split the list.`,
      details: { ...details, total: recipients.length, max: MAX_RECIPIENTS },
    });
  }
  return recipients as readonly unknown[];
}

type Rows = Omit<ParsedBatch, "kind" | "bodyHash" | "fields"> & {
  /** Every invalid entry is a good number that this key may not call. */
  readonly isCountryOnly: boolean;
};

function readRecipients(
  list: readonly unknown[],
  request: BatchParsingRequest,
  options: { readonly skipDuplicates: boolean; readonly grouping: ZoneGrouping | null },
): Rows {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const give = (chunk: Uint8Array<ArrayBuffer>): void => void chunks.push(chunk);
  const writer =
    request.purpose === "create" ? createRowWriter(request, give) : createPhoneWriter(give);
  const seen = new Set<string>();
  const invalid: InvalidEntry[] = [];
  const counts = { validCount: 0, invalidCount: 0, duplicateCount: 0 };
  let isCountryOnly = true;
  for (const [rowIndex, value] of list.entries()) {
    const read = inItsZones(
      readRecipient(value, rowIndex, request.allowedCountries),
      rowIndex,
      options.grouping,
    );
    if (read.kind === "refused") {
      throw new AppError(read.code, {
        message: `${read.message}.`,
        details: { field: read.field },
      });
    }
    if (read.kind === "invalid") {
      counts.invalidCount += 1;
      isCountryOnly &&= read.isCountry;
      if (invalid.length < MAX_LISTED_INVALID) invalid.push(read.entry);
      writer.addInvalid({ rowIndex, phone: read.entry.phone, reason: read.entry.reason });
      continue;
    }
    const isDuplicate = seen.has(read.phone);
    if (isDuplicate) counts.duplicateCount += 1;
    if (isDuplicate && options.skipDuplicates) continue;
    seen.add(read.phone);
    counts.validCount += 1;
    writer.addValid({ rowIndex, ...read });
  }
  writer.finish();
  const zoneGroups = options.grouping?.added() ?? [];
  return { ...counts, invalid, isCountryOnly, chunks, zoneGroups };
}

// Contract A.9: total, counts, the list, and what to do.
function listOf(rows: Rows, total: number): Readonly<Record<string, unknown>> {
  const { validCount, invalidCount, invalid } = rows;
  return { total, valid_count: validCount, invalid_count: invalidCount, invalid };
}

function invalidPhones(rows: Rows, total: number): AppError {
  const code = rows.isCountryOnly ? "country_not_allowed" : "invalid_phone_format";
  const hint = "Resend with skip_invalid: true to call only the valid ones.";
  const noun = rows.invalidCount === 1 ? "phone is" : "phones are";
  const fault = rows.isCountryOnly ? "in countries that this key may not call" : "invalid";
  return new AppError(code, {
    message: `${rows.invalidCount} of ${total} recipient ${noun} ${fault}. ${hint}`,
    details: { ...listOf(rows, total), hint },
  });
}

function isBlank(value: unknown): boolean {
  return (
    value === undefined || value === null || (typeof value === "string" && value.trim() === "")
  );
}

function missingField(field: string): AppError {
  return new AppError("missing_field", { message: `${field} is required.`, details: { field } });
}
