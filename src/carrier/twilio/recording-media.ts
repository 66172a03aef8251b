// The sound of a recording, streamed from Twilio. Apart from the API's requests: those are small
// and read whole, this is up to a hundred megabytes that are never held. No redirect is followed,
// so the account's credentials reach nobody else.

import { Agent } from "undici";

import type { CarrierCredentials, RecordingAudio } from "../../ports/carrier.ts";

/** Listeners at once; more wait. */
const MAX_CONNECTIONS = 10;
const CONNECT_TIMEOUT_MS = 5_000;
const HEADERS_TIMEOUT_MS = 15_000;
/** Between two chunks. */
const BODY_TIMEOUT_MS = 30_000;
/** All of it, also to a slow listener, whose pauses no other limit counts. */
const WHOLE_TIMEOUT_MS = 10 * 60_000;
/** Half an hour in two channels of 16 bits at 8 kHz is 58 MB. */
const MAX_AUDIO_BYTES = 128 * 1024 * 1024;
const MAX_ERROR_BYTES = 16 * 1024;

export interface RecordingMedia {
  open(
    credentials: CarrierCredentials,
    carrierRecordingId: string,
    signal: AbortSignal,
  ): Promise<RecordingAudio>;
  close(): Promise<void>;
}

export function createRecordingMedia(baseUrl: string): RecordingMedia {
  const base = new URL(`${baseUrl.replace(/\/+$/, "")}/`);
  const agent = new Agent({
    connections: MAX_CONNECTIONS,
    allowH2: false,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    headersTimeout: HEADERS_TIMEOUT_MS,
    bodyTimeout: BODY_TIMEOUT_MS,
  });
  return {
    open: async ({ carrierAccountId, authToken }, carrierRecordingId, signal) => {
      const file = `${encodeURIComponent(carrierRecordingId)}.wav`;
      const account = encodeURIComponent(carrierAccountId);
      const url = new URL(`2010-04-01/Accounts/${account}/Recordings/${file}`, base);
      const pair = Buffer.from(`${carrierAccountId}:${authToken}`, "utf8").toString("base64");
      try {
        const { statusCode, headers, body } = await agent.request({
          origin: url.origin,
          path: url.pathname,
          method: "GET",
          signal: AbortSignal.any([signal, AbortSignal.timeout(WHOLE_TIMEOUT_MS)]),
          headers: { authorization: `Basic ${pair}`, accept: "audio/*" },
        });
        if (statusCode === 200) {
          return {
            kind: "streaming",
            contentType: audioType(headers["content-type"]),
            lengthBytes: readLength(headers["content-length"]),
            audio: bounded(body),
          };
        }
        await body.dump({ limit: MAX_ERROR_BYTES });
        if (statusCode === 404 || statusCode === 410) return { kind: "absent" };
        return { kind: "failed", reason: `HTTP ${statusCode}` };
      } catch (error) {
        return { kind: "failed", reason: error instanceof Error ? error.message : "no answer" };
      }
    },
    close: () => agent.destroy(),
  };
}

async function* bounded(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  // Leaving the loop, in whatever way, destroys the connection.
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > MAX_AUDIO_BYTES) throw new Error("the recording is larger than any call's");
    yield chunk;
  }
}

// What is not sound is handed out as bytes, never as a page.
function audioType(header: string | string[] | undefined): string {
  const type = Array.isArray(header) ? header[0] : header;
  return type !== undefined && /^audio\/[\w.+-]+$/.test(type) ? type : "application/octet-stream";
}

function readLength(header: string | string[] | undefined): number | null {
  return typeof header === "string" && /^\d{1,12}$/.test(header) ? Number(header) : null;
}
