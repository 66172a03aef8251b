// A campaign's recipients with their last calls, page by page in the order of the list, for its
// export. No transaction is open while a client reads.

import type { CallStatus, EndedReason } from "../domain/call-life.ts";
import type { ExtractionField } from "../domain/call-analysis.ts";
import type { Instant } from "../domain/instant.ts";
import type { RecipientState } from "../domain/recipient-state.ts";
import type { Variables } from "../domain/variables.ts";
import type { Queryable, Row } from "../ports/database.ts";
import type { AnalysisRow, TranscriptTurn } from "./call-list.ts";

/** A recipient, and of its last call what is known; a recipient nobody called has no call. */
export interface ExportRow extends Row {
  readonly rowIndex: number;
  readonly phone: string;
  readonly variables: Variables;
  readonly state: RecipientState;
  readonly stateReason: string | null;
  readonly attempts: number;
  readonly callId: string | null;
  readonly callStatus: CallStatus | null;
  readonly endedReason: EndedReason | null;
  readonly answeredAt: Instant | null;
  readonly endedAt: Instant | null;
  readonly durationSeconds: number | null;
  readonly transcript: readonly TranscriptTurn[] | null;
  readonly analysis: AnalysisRow | null;
}

/** @param afterRowIndex of the last row of the page before; -1 for the first page */
export async function readExportPage(
  db: Queryable,
  campaignId: string,
  afterRowIndex: number,
  limit: number,
): Promise<readonly ExportRow[]> {
  const { rows } = await db.query<ExportRow>(
    `select r.row_index as "rowIndex", r.phone, r.variables, r.state, r.state_reason as "stateReason", r.attempts,
       c.id as "callId", c.status as "callStatus", c.ended_reason as "endedReason", c.answered_at as "answeredAt",
       c.ended_at as "endedAt", c.duration_seconds as "durationSeconds", c.transcript, to_jsonb(x) as analysis
     from (select * from recipients where campaign_id = $1 and row_index > $2 order by row_index limit $3) r
     left join lateral (
       select * from calls where recipient_id = r.id and erased_at is null
       order by created_at desc, id desc limit 1) c on true
     left join call_analyses x on x.call_id = c.id
     order by r.row_index`,
    [campaignId, afterRowIndex, limit],
  );
  return rows;
}

/** The fields that the campaign's agent asks for now. */
export async function readExtractionFields(
  db: Queryable,
  campaignId: string,
): Promise<readonly ExtractionField[]> {
  const { rows } = await db.query<{ fields: readonly ExtractionField[] | null }>(
    `select a.settings->'data_extraction_fields' as fields
     from campaigns g join agents a on a.id = g.agent_id where g.id = $1`,
    [campaignId],
  );
  return rows[0]?.fields ?? [];
}
