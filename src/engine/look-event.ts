// What one look at the carrier's list showed, as an event of the call: the evidence on which a
// person may have to decide.

import type { Instant } from "../domain/instant.ts";
import type { CarrierCallSnapshot } from "../ports/carrier.ts";
import type { CallEventRecord, EngineCall } from "../store/engine-calls.ts";

/** The event of one look at `at`; `call` as it was before the look. */
export function lookEvent(
  call: EngineCall,
  at: Instant,
  seen: { readonly listed: number; readonly candidates: readonly CarrierCallSnapshot[] },
): CallEventRecord {
  const facts = {
    look: call.lookUps + 1,
    dial_number: call.dialNumber,
    sent_at: isoOrNull(call.sentAt),
    last_byte_at: isoOrNull(call.lastByteAt),
    listed: seen.listed,
    candidates: seen.candidates.map((each) => ({
      carrier_call_id: each.carrierCallId,
      status: each.status,
      created_at: isoOrNull(each.createdAt),
    })),
  };
  return { callId: call.id, at, kind: "looked", facts };
}

function isoOrNull(at: Instant | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
