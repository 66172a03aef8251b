// A campaign's results as one file, CSV or NDJSON, streamed page by page: a list of 100,000 costs
// no memory, and a slow client holds no connection to the database.

import { Readable } from "node:stream";

import { callStatusWord, formatTranscript, reportEndedReason } from "../domain/call-report.ts";
import type { Queryable } from "../ports/database.ts";
import { findCampaign } from "../store/campaign-list.ts";
import { readExportPage, readExtractionFields, type ExportRow } from "../store/campaign-export.ts";
import { CampaignParams, ExportFile, ExportQuery } from "./contract/campaign.ts";
import { campaignNotFound } from "./own-campaign.ts";
import { formatCsvLine } from "./csv-line.ts";
import { isoTimeOrNull } from "./iso-time.ts";
import { errorAnswers, keyOf, type RouteApp } from "./route-app.ts";
import type { HttpDependencies } from "./server-dependencies.ts";

/** Rows read at a time: some megabytes of transcripts at most. */
const PAGE_ROWS = 500;

const TYPES = { csv: "text/csv; charset=utf-8", ndjson: "application/x-ndjson" } as const;

export function addExportRoute(app: RouteApp, { database }: HttpDependencies): void {
  app.route({
    method: "GET",
    url: "/v1/calls/batch/:campaign_id/export",
    config: { access: "key" },
    schema: {
      tags: ["Campaigns"],
      summary: "Export a campaign's results",
      description:
        "A row for each recipient with its last call and what analysis found; CSV or one JSON object a line.",
      operationId: "exportCampaign",
      produces: ["text/csv", "application/x-ndjson"],
      params: CampaignParams,
      querystring: ExportQuery,
      response: { 200: ExportFile, ...errorAnswers(400, 404) },
    },
    handler: async (request, reply) => {
      const { campaign_id } = request.params;
      const campaign = await findCampaign(database, keyOf(request).id, campaign_id);
      if (campaign === null) throw campaignNotFound();
      const { format } = request.query;
      const lines = format === "csv" ? csvLines : jsonLines;
      void reply
        .type(TYPES[format])
        .header("content-disposition", `attachment; filename="${campaign.id}.${format}"`);
      return reply.send(Readable.from(lines(database, campaign.id)));
    },
  });
}

async function* pages(db: Queryable, campaignId: string): AsyncGenerator<readonly ExportRow[]> {
  let after = -1;
  for (;;) {
    const page = await readExportPage(db, campaignId, after, PAGE_ROWS);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    after = last.rowIndex;
  }
}

async function* jsonLines(db: Queryable, campaignId: string): AsyncGenerator<string> {
  for await (const page of pages(db, campaignId)) {
    yield page
      .map((row) => {
        const extracted_data = row.analysis?.extracted ?? {};
        return `${JSON.stringify({ ...flat(row), variables: row.variables, extracted_data })}\n`;
      })
      .join("");
  }
}

async function* csvLines(db: Queryable, campaignId: string): AsyncGenerator<string> {
  const names = (await readExtractionFields(db, campaignId)).map((field) => field.name);
  const columns = [...FLAT_COLUMNS, "variables", ...names.map((name) => `extracted.${name}`)];
  yield formatCsvLine(columns);
  for await (const page of pages(db, campaignId)) {
    yield page
      .map((row) => {
        const found = names.map((name) => cellOf(row.analysis?.extracted[name]));
        const cells = Object.values(flat(row));
        return formatCsvLine([...cells, JSON.stringify(row.variables), ...found]);
      })
      .join("");
  }
}

const cellOf = (value: unknown): string | number | boolean | null =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? value
    : null;

const FLAT_COLUMNS = [
  "row_index",
  "phone",
  "state",
  "state_reason",
  "attempts",
  "call_id",
  "call_status",
  "ended_reason",
  "answered_at",
  "ended_at",
  "duration_seconds",
  "analysis_status",
  "call_summary",
  "caller_sentiment",
  "call_successful",
  "transcript",
] as const;

function flat(row: ExportRow) {
  const { callStatus: status, endedReason, analysis } = row;
  return {
    row_index: row.rowIndex,
    phone: row.phone,
    state: row.state,
    state_reason: row.stateReason,
    attempts: row.attempts,
    call_id: row.callId,
    call_status: status === null ? null : callStatusWord(status),
    ended_reason: status === null ? null : reportEndedReason({ status, endedReason }),
    answered_at: isoTimeOrNull(row.answeredAt),
    ended_at: isoTimeOrNull(row.endedAt),
    duration_seconds: row.durationSeconds,
    analysis_status: analysis?.state ?? null,
    call_summary: analysis?.summary ?? null,
    caller_sentiment: analysis?.sentiment ?? null,
    call_successful: analysis?.successful ?? null,
    transcript: formatTranscript(row.transcript ?? [], "AI"),
  } satisfies Record<(typeof FLAT_COLUMNS)[number], string | number | boolean | null>;
}
