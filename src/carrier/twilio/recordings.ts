// Recordings of calls at Twilio: found by their call, deleted with everything that is found. A list
// that is empty may only be early, so nothing here decides that there is none.

import type { CarrierCredentials, RecordingErasure, RecordingLookUp } from "../../ports/carrier.ts";
import { isMissing } from "./end-call.ts";
import { formatFailure, readRequestFailure } from "./request-failure.ts";
import type { TwilioTransport } from "./twilio-http-client.ts";

/** One dial makes one; a few more if its markup was ever run again. */
const MAX_RECORDINGS = 20;

/** See Carrier.findRecording. The newest that is complete. */
export async function findRecording(
  transport: TwilioTransport,
  credentials: CarrierCredentials,
  carrierCallId: string,
): Promise<RecordingLookUp> {
  try {
    const recordings = await transport
      .clientFor(credentials, null)
      .calls(carrierCallId)
      .recordings.list({ limit: MAX_RECORDINGS });
    const found = recordings.find((recording) => recording.status === "completed");
    if (found === undefined) return { kind: "absent" };
    const seconds = Number(found.duration);
    return {
      kind: "found",
      carrierRecordingId: found.sid,
      durationSeconds: Number.isFinite(seconds) && seconds >= 0 ? Math.round(seconds) : null,
    };
  } catch (error) {
    const failure = readRequestFailure(error);
    if (isMissing(failure)) return { kind: "absent" };
    return { kind: "failed", reason: formatFailure(failure) };
  }
}

/** See Carrier.deleteRecordings. */
export async function deleteRecordings(
  transport: TwilioTransport,
  credentials: CarrierCredentials,
  carrierCallId: string,
): Promise<RecordingErasure> {
  const client = transport.clientFor(credentials, null);
  try {
    const found = await client.calls(carrierCallId).recordings.list({ limit: MAX_RECORDINGS });
    for (const { sid } of found) {
      await client.recordings(sid).remove().catch(unlessMissing);
    }
    return { kind: "deleted", count: found.length };
  } catch (error) {
    const failure = readRequestFailure(error);
    if (isMissing(failure)) return { kind: "deleted", count: 0 };
    return { kind: "failed", reason: formatFailure(failure) };
  }
}

/** Somebody else was first. */
function unlessMissing(error: unknown): void {
  if (!isMissing(readRequestFailure(error))) throw error;
}
