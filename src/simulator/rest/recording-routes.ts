// Recordings: those of a call, one as a file, and their deletion. The books keep what was deleted.

import type { FastifyInstance, FastifyReply } from "fastify";
import type { Call, CallRecording } from "../carrier-model/call.ts";
import { restError } from "../carrier-model/rest-error.ts";
import type { Dice } from "../dice.ts";
import { formatRfc2822 } from "../webhooks/call-fields.ts";
import { pageEnvelope, sendRestError } from "./rest-reply.ts";
import type { RequestDesk, RestContext, RestHandler } from "./rest-request.ts";
import { toneWav } from "./tone-wav.ts";

const PAGE_SIZE = 50;

/** `dice` decides about the faults of these routes. */
export function addRecordingRoutes(scope: FastifyInstance, desk: RequestDesk, dice: Dice): void {
  const mayFail = (handle: RestHandler) =>
    desk.guard((context) =>
      dice.chance(context.run.faults.recordings.fail.probability)
        ? sendRestError(context.reply, restError(20500))
        : handle(context),
    );
  scope.get("/:accountSid/Calls/:callSid/Recordings.json", mayFail(sendRecordings));
  scope.get(
    "/:accountSid/Recordings/:file",
    mayFail((context) =>
      withRecording(context, "wav", (_call, { durationSeconds }) =>
        context.reply.type("audio/x-wav").send(toneWav(durationSeconds)),
      ),
    ),
  );
  scope.delete(
    "/:accountSid/Recordings/:file",
    mayFail((context) =>
      withRecording(context, "json", (_call, recording) => {
        recording.isDeleted = true;
        return context.reply.code(204).send();
      }),
    ),
  );
}

function withRecording(
  { run, account, params, reply }: RestContext,
  ending: "wav" | "json",
  handle: (call: Call, recording: CallRecording) => FastifyReply,
): FastifyReply {
  const [sid, found] = (params["file"] ?? "").split(".");
  for (const call of run.books.calls()) {
    if (call.accountSid !== account.sid || found !== ending) continue;
    const recording = call.recordings.find((one) => one.sid === sid && !one.isDeleted);
    if (recording !== undefined) return handle(call, recording);
  }
  return sendRestError(reply, restError(20404));
}

function sendRecordings({ run, account, params, query, reply }: RestContext): FastifyReply {
  const call = run.books.findCall(params["callSid"] ?? "");
  if (call === null || call.isDeleted || call.accountSid !== account.sid) {
    return sendRestError(reply, restError(20404));
  }
  const recordings = call.recordings.filter((one) => !one.isDeleted);
  const envelope = pageEnvelope({
    path: `/2010-04-01/Accounts/${account.sid}/Calls/${call.sid}/Recordings.json`,
    query,
    page: 0,
    pageSize: PAGE_SIZE,
    start: 0,
    count: recordings.length,
    nextToken: null,
  });
  return reply.send({ ...envelope, recordings: recordings.map((one) => format(call, one)) });
}

function format(call: Call, recording: CallRecording): object {
  const account = `/2010-04-01/Accounts/${call.accountSid}`;
  const at = formatRfc2822(recording.startedAt);
  return {
    sid: recording.sid,
    account_sid: call.accountSid,
    call_sid: call.sid,
    conference_sid: null,
    api_version: "2010-04-01",
    status: "completed",
    source: "StartCallRecordingTwiML",
    channels: 2,
    track: "both",
    duration: String(recording.durationSeconds),
    start_time: at,
    date_created: at,
    date_updated: at,
    price: null,
    price_unit: "USD",
    error_code: null,
    encryption_details: null,
    uri: `${account}/Recordings/${recording.sid}.json`,
    media_url: `https://api.twilio.com${account}/Recordings/${recording.sid}`,
  };
}
