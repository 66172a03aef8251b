// A call's recording, streamed from the carrier with the key's rights. The carrier's credentials
// stay here, and nothing of the sound is kept.

import { Readable } from "node:stream";
import { AppError } from "../domain/app-error.ts";
import type { RecordingAudio } from "../ports/carrier.ts";
import { findCallRecording, recordRecording, type CallRecording } from "../store/recordings.ts";
import { callNotFound } from "./call-routes.ts";
import { CallParams, RecordingFile } from "./contract/call.ts";
import { errorAnswers, keyOf, type RouteApp } from "./route-app.ts";
import type { HttpDependencies } from "./server-dependencies.ts";

/** A callback that has not come by then was lost: the carrier is asked. */
const CALLBACK_LATE_MS = 60_000;
/** The carrier has a recording by then, or never. */
const APPEARS_WITHIN_MS = 10 * 60_000;
const RETRY_AFTER_SECONDS = 30;

export function addRecordingRoute(app: RouteApp, dependencies: HttpDependencies): void {
  const { database, carrier } = dependencies;
  app.route({
    method: "GET",
    url: "/v1/calls/:call_id/recording",
    // The answer is not made to find out how long it would be.
    exposeHeadRoute: false,
    config: { access: "key" },
    schema: {
      tags: ["Calls"],
      summary: "Get a call's recording",
      description:
        "A WAV file in two channels, the person's and the agent's, from the carrier. It is there a minute or so after the call.",
      operationId: "getRecording",
      params: CallParams,
      response: {
        200: { description: "The sound.", content: { "audio/x-wav": { schema: RecordingFile } } },
        ...errorAnswers(404, 409, 502),
      },
    },
    handler: async (request, reply) => {
      const { call_id } = request.params;
      const found = await findCallRecording(database, keyOf(request).id, call_id);
      if (found === null) throw callNotFound();
      const recordingId = await recordingIdOf(dependencies, found);
      // A listener who leaves before the first sound must not keep the connection either.
      const gone = new AbortController();
      reply.raw.once("close", () => gone.abort());
      const credentials = credentialsOf(dependencies, found);
      const audio = await carrier.openRecording(credentials, recordingId, gone.signal);
      const { contentType, lengthBytes, audio: sound } = streamingOf(audio);
      void reply
        .type(contentType)
        .header("content-disposition", `attachment; filename="${call_id}.wav"`)
        // Whoever may hear it may not forever, and nobody in between keeps it.
        .header("cache-control", "no-store");
      if (lengthBytes !== null) void reply.header("content-length", String(lengthBytes));
      return reply.send(Readable.from(sound));
    },
  });
}

type Streaming = Extract<RecordingAudio, { readonly kind: "streaming" }>;

function streamingOf(audio: RecordingAudio): Streaming {
  switch (audio.kind) {
    case "streaming":
      return audio;
    case "absent":
      throw notFound("The carrier no longer has the recording.");
    case "failed":
      throw unavailable(audio.reason);
  }
}

/** @throws AppError `recording_not_found`, `recording_not_ready`, `carrier_unavailable` */
async function recordingIdOf(
  dependencies: HttpDependencies,
  recording: CallRecording,
): Promise<string> {
  const { isRecorded, isAnswered, endedAt, state, isToBeDeleted } = recording;
  const isOver = endedAt !== null;
  if (!isRecorded) throw notFound("The call was not recorded.");
  if (isOver && !isAnswered) throw notFound("Nobody answered the call, so nothing was recorded.");
  if (isToBeDeleted || state === "deleted") throw notFound("The recording was deleted.");
  if (state === "absent") throw notFound("The carrier has no recording of the call.");
  const { carrierRecordingId } = recording;
  if (carrierRecordingId !== null) return carrierRecordingId;
  const sinceEndMs = isOver ? dependencies.clock.now() - endedAt : 0;
  if (sinceEndMs < CALLBACK_LATE_MS) throw notReady();
  return askCarrier(dependencies, recording, sinceEndMs);
}

async function askCarrier(
  dependencies: HttpDependencies,
  recording: CallRecording,
  sinceEndMs: number,
): Promise<string> {
  const { database, carrier, clock } = dependencies;
  const { callId, carrierCallId } = recording;
  if (carrierCallId === null) throw notFound("The carrier has no recording of the call.");
  const outcome = await carrier.findRecording(
    credentialsOf(dependencies, recording),
    carrierCallId,
  );
  switch (outcome.kind) {
    case "found": {
      const news = { ...outcome, carrierCallId, state: "ready" } as const;
      await recordRecording(database, callId, news, clock.now());
      return outcome.carrierRecordingId;
    }
    case "absent":
      if (sinceEndMs < APPEARS_WITHIN_MS) throw notReady();
      throw notFound("The carrier has no recording of the call.");
    case "failed":
      throw unavailable(outcome.reason);
  }
}

function credentialsOf(
  { secretBox }: HttpDependencies,
  { carrierAccountId, authTokenEncrypted }: CallRecording,
) {
  return { carrierAccountId, authToken: secretBox.decrypt(authTokenEncrypted) };
}

function notFound(message: string): AppError {
  return new AppError("recording_not_found", { message });
}

function notReady(): AppError {
  return new AppError("recording_not_ready", {
    message: "The recording is not there yet. It comes a minute or so after the end of the call.",
    retryable: true,
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}

function unavailable(reason: string): AppError {
  return new AppError("carrier_unavailable", {
    message: "The carrier could not be asked. Try again in a moment.",
    details: { carrier: reason },
    retryAfterSeconds: 5,
  });
}
