// A call's evidence as the API shows it: its events, and among them the looks at the carrier's list
// and a person's decision.

import { z } from "zod";

import { callStatusWord } from "../domain/call-report.ts";
import { SETTLED_BY_HAND, type CallEvidenceRow } from "../store/hand-settlements.ts";
import { CallEvidence, HandSettlement } from "./contract/uncertain.ts";
import { isoTime, isoTimeOrNull } from "./iso-time.ts";

const Looks = CallEvidence.shape.looks;

export function presentCallEvidence(row: CallEvidenceRow): CallEvidence {
  const events = row.events.map(({ at, kind, facts }) => ({
    at: isoTime(Date.parse(at)),
    kind,
    facts: { ...facts },
  }));
  const ofKind = (kind: string) =>
    events.filter((event) => event.kind === kind).map(({ at, facts }) => ({ ...facts, at }));
  return {
    call_id: row.id,
    campaign_id: row.campaignId,
    row_index: row.rowIndex,
    from_number: row.fromNumber,
    to_number: row.toNumber,
    attempt: row.attempt,
    dial_number: row.dialNumber,
    call_status: callStatusWord(row.status),
    carrier_call_id: row.carrierCallId,
    sent_at: isoTimeOrNull(row.sentAt),
    last_byte_at: isoTimeOrNull(row.lastByteAt),
    ended_at: isoTimeOrNull(row.endedAt),
    recipient_state: row.recipientState,
    recipient_reason: row.recipientReason,
    looks: Looks.parse(ofKind("looked")),
    events,
    settlement: z.nullable(HandSettlement).parse(ofKind(SETTLED_BY_HAND).at(-1) ?? null),
  };
}
