// What a stranger, a carrier and a broken database get from the callback routes.

import { createHmac } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";

import fastify from "fastify";
import type { FastifyInstance } from "fastify";
import { afterEach, expect, onTestFinished, test } from "vitest";

import type { ConnectEnd, RecordingNews, TransferEnd } from "../../src/carrier/twilio/webhooks.ts";
import { AppError } from "../../src/domain/app-error.ts";
import type { Transfer } from "../../src/store/transfers.ts";
import type { CarrierEvent } from "../../src/domain/carrier-event.ts";
import { carrierWebhooks } from "../../src/http/carrier-webhooks.ts";
import { createSignatureScreen } from "../../src/http/signature-screen.ts";

const callId = "call_0192f3a4b5c60123456789abcdef0123";
const callSid = `CA${"0".repeat(32)}`;
const accountSid = `AC${"0".repeat(32)}`;
const publicUrl = "https://calls.example.com/carillon";
const now = Date.UTC(2026, 10, 23, 12);
const TOKENS = ["new token", "old token"];

const apps: FastifyInstance[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

interface World {
  readonly app: FastifyInstance;
  readonly events: CarrierEvent[];
  readonly ends: [callId: string, dialNumber: number, end: ConnectEnd][];
  readonly recordings: [string, RecordingNews][];
  readonly transfers: TransferEnd[];
  /** Call ids that the database was asked about. */
  readonly asked: string[];
  /** What the installation's tokens were each time they were read. */
  readonly looks: (readonly string[])[];
}

function open(
  addEvent?: (event: CarrierEvent) => Promise<void>,
  transfer: Transfer | null = null,
): World {
  const events: CarrierEvent[] = [];
  const ends: World["ends"] = [];
  const recordings: World["recordings"] = [];
  const transfers: TransferEnd[] = [];
  const asked: string[] = [];
  const looks: World["looks"] = [];
  const app = fastify();
  apps.push(app);
  void app.register(
    carrierWebhooks({
      publicUrl,
      clock: { now: () => now, monotonicMs: () => 0, state: () => ({ kind: "steady" }) },
      screen: createSignatureScreen({
        listTokens: () => {
          const tokens = [...TOKENS];
          looks.push(tokens);
          return Promise.resolve(tokens);
        },
        monotonicMs: () => performance.now(),
      }),
      tokensOfCall: (id) => {
        asked.push(id);
        const account = { carrierAccountId: accountSid, tokens: TOKENS };
        return Promise.resolve(id === callId ? account : null);
      },
      addEvent:
        addEvent ??
        ((event) => {
          events.push(event);
          return Promise.resolve();
        }),
      recordConnectEnd: (dial, end) => {
        ends.push([dial.callId, dial.dialNumber, end]);
        return Promise.resolve(transfer);
      },
      recordTransferEnd: (_dial, end) => {
        transfers.push(end);
        const text = "Niemand da & <tschüs>.";
        return Promise.resolve(end.isUnanswered ? { language: "de-AT", text } : null);
      },
      recordRecording: (dial, news) => {
        recordings.push([dial.callId, news]);
        return Promise.resolve();
      },
    }),
  );
  return { app, events, ends, recordings, transfers, asked, looks };
}

const ringing: Readonly<Record<string, string>> = {
  CallSid: callSid,
  AccountSid: accountSid,
  CallStatus: "ringing",
  Empty: "",
};

interface Sent {
  readonly path?: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly token?: string;
  readonly signature?: string | null;
  readonly contentType?: string | null;
}

function post(app: FastifyInstance, sent: Sent = {}) {
  const path = sent.path ?? `/twilio/calls/${callId}/2/status`;
  const fields: Readonly<Record<string, string>> = sent.fields ?? ringing;
  const names = Object.keys(fields).toSorted((a, b) => (a < b ? -1 : 1));
  const signature =
    sent.signature ??
    createHmac("sha1", sent.token ?? "new token")
      .update(publicUrl + path + names.map((name) => name + fields[name]).join(""), "utf8")
      .digest("base64");
  const contentType = sent.contentType ?? "application/x-www-form-urlencoded; charset=UTF-8";
  return app.inject({
    method: "POST",
    url: path,
    headers: {
      // A lie that must not matter: the signature is checked over the public URL.
      host: "attacker.example",
      ...(sent.contentType === null ? {} : { "content-type": contentType }),
      ...(sent.signature === null ? {} : { "x-twilio-signature": signature }),
    },
    payload: new URLSearchParams(fields).toString(),
  });
}

test("a signed status callback becomes an event, answered 204", async () => {
  const { app, events } = open();
  const answer = await post(app);
  expect(answer.statusCode).toBe(204);
  expect(events).toMatchObject([
    { kind: "status", callId, dialNumber: 2, carrierCallId: callSid, status: "ringing", at: now },
  ]);
});

test("the query and the previous token count too; a missing content type does not matter", async () => {
  const { app, events } = open();
  const path = `/twilio/calls/${callId}/2/status?x=%20'y`;
  expect((await post(app, { path, token: "old token" })).statusCode).toBe(204);
  expect((await post(app, { contentType: null })).statusCode).toBe(204);
  expect(events).toHaveLength(2);
});

test("a verdict becomes an event", async () => {
  const { app, events } = open();
  const path = `/twilio/calls/${callId}/1/amd`;
  const fields = { CallSid: callSid, AccountSid: accountSid, AnsweredBy: "machine_start" };
  expect((await post(app, { path, fields })).statusCode).toBe(204);
  expect(events).toMatchObject([
    {
      kind: "machine_verdict",
      dialNumber: 1,
      answeredBy: "machine",
      carrierVerdict: "machine_start",
    },
  ]);
});

test("the end of a conversation is recorded and answered with a hang-up", async () => {
  const { app, ends, events } = open();
  const path = `/twilio/calls/${callId}/2/connect-action`;
  const fields = {
    CallSid: callSid,
    AccountSid: accountSid,
    CallStatus: "in-progress",
    SessionStatus: "failed",
    ErrorCode: "64105",
    ErrorMessage: "Websocket ended",
  };
  const answer = await post(app, { path, fields });
  expect(answer.statusCode).toBe(200);
  expect(answer.headers["content-type"]).toContain("text/xml");
  expect(answer.body).toBe('<?xml version="1.0" encoding="UTF-8"?><Response><Hangup/></Response>');
  expect(ends).toEqual([
    [
      callId,
      2,
      {
        sessionStatus: "failed",
        sessionId: null,
        errorCode: "64105",
        errorMessage: "Websocket ended",
      },
    ],
  ]);
  expect(events).toEqual([]);
});

test("a call that is handed over is connected to the agent's own number", async () => {
  const { app } = open(undefined, { toNumber: "+12025550199", fromNumber: "+12025550100" });
  const path = `/twilio/calls/${callId}/2/connect-action`;
  const fields = { CallSid: callSid, AccountSid: accountSid, SessionStatus: "ended" };
  const answer = await post(app, { path, fields });
  const action = `${publicUrl}/twilio/calls/${callId}/2/transfer-action#rc=2&amp;rp=ct,rt,5xx&amp;rt=5000`;
  expect(answer.body).toBe(
    '<?xml version="1.0" encoding="UTF-8"?><Response>' +
      `<Dial callerId="+12025550100" timeout="30" timeLimit="3600" action="${action}">+12025550199</Dial></Response>`,
  );
});

test("a person whose colleague does not pick up hears so; after a talk the call is over", async () => {
  const { app, transfers } = open();
  const path = `/twilio/calls/${callId}/2/transfer-action`;
  const fields = { CallSid: callSid, AccountSid: accountSid };
  const answers: string[] = [];
  for (const DialCallStatus of ["no-answer", "busy", "failed", "completed", "answered", "zen"]) {
    const answer = await post(app, { path, fields: { ...fields, DialCallStatus } });
    expect(answer.headers["content-type"]).toContain("text/xml");
    answers.push(answer.body);
  }
  answers.push((await post(app, { path, fields })).body);
  const sorry =
    '<?xml version="1.0" encoding="UTF-8"?><Response>' +
    '<Say language="de-DE" voice="Google.de-DE-Standard-A">Niemand da &amp; &lt;tschüs&gt;.</Say><Hangup/></Response>';
  const hangUp = '<?xml version="1.0" encoding="UTF-8"?><Response><Hangup/></Response>';
  expect(answers).toEqual([sorry, sorry, sorry, hangUp, hangUp, hangUp, hangUp]);
  expect(transfers[0]).toEqual({ status: "no-answer", isUnanswered: true });
  expect(transfers.at(-1)).toEqual({ status: null, isUnanswered: false });
});

test("a recording's callback is taken, and means nothing without a recording's end", async () => {
  const path = `/twilio/calls/${callId}/2/recording`;
  const { app, recordings } = open();
  const recordingSid = `RE${"0".repeat(31)}1`;
  const fields = { CallSid: callSid, AccountSid: accountSid, RecordingSid: recordingSid };
  const done = { ...fields, RecordingStatus: "completed", RecordingDuration: "61" };
  for (const form of [
    done,
    { ...fields, RecordingStatus: "absent" },
    { ...fields, RecordingStatus: "in-progress" },
    { ...done, RecordingSid: "../Calls" },
    ringing,
  ]) {
    expect((await post(app, { path, fields: form })).statusCode).toBe(204);
  }
  const news = { carrierCallId: callSid, carrierRecordingId: recordingSid };
  expect(recordings).toEqual([
    [callId, { ...news, state: "ready", durationSeconds: 61 }],
    [callId, { ...news, state: "absent", durationSeconds: null }],
  ]);
});

test("a status nobody knows is taken and means nothing", async () => {
  const { app, events } = open();
  const answer = await post(app, { fields: { ...ringing, CallStatus: "zen" } });
  expect(answer.statusCode).toBe(204);
  expect(events).toEqual([]);
});

test.each<[string, Sent]>([
  ["no signature", { signature: null }],
  ["a wrong signature", { signature: "AAAAAAAAAAAAAAAAAAAAAAAAAAA=" }],
  ["another token's signature", { token: "somebody's token" }],
  ["another account", { fields: { ...ringing, AccountSid: `AC${"1".repeat(32)}` } }],
  ["no account", { fields: { CallSid: callSid, CallStatus: "ringing" } }],
])("%s: 403, and nothing is believed", async (_name, sent) => {
  const { app, events, ends, transfers } = open();
  for (const route of ["status", "amd", "connect-action", "transfer-action", "recording"]) {
    const answer = await post(app, { ...sent, path: `/twilio/calls/${callId}/2/${route}` });
    expect(answer.statusCode).toBe(403);
    expect(answer.body).toBe("");
  }
  expect(events).toEqual([]);
  expect(ends).toEqual([]);
  expect(transfers).toEqual([]);
});

test("a callback of one dial does not pass for another's", async () => {
  const { app } = open();
  const names = Object.keys(ringing).toSorted((a, b) => (a < b ? -1 : 1));
  const signature = createHmac("sha1", "new token")
    .update(
      `${publicUrl}/twilio/calls/${callId}/1/status${names.map((name) => name + ringing[name]).join("")}`,
    )
    .digest("base64");
  expect((await post(app, { signature })).statusCode).toBe(403);
});

test.each([
  [`/twilio/calls/${callId.replace("0192", "0193")}/1/status`, 1],
  [`/twilio/calls/${callId}/0/status`, 0],
  [`/twilio/calls/${callId}/abc/status`, 0],
  ["/twilio/calls/call_1/1/status", 0],
  [`/twilio/calls/${encodeURIComponent("call_' or 1=1 --")}/1/status`, 0],
])("%s: 404 after asking the database %i times", async (path, times) => {
  const { app, asked } = open();
  expect((await post(app, { path })).statusCode).toBe(404);
  expect(asked).toHaveLength(times);
});

test("a thousand forged callbacks are not asked of the database one by one", async () => {
  const { app, asked, looks } = open();
  const forged = Array.from({ length: 1_000 }, () => post(app, { token: "somebody's token" }));
  const answers = await Promise.all(forged);
  expect(new Set(answers.map((answer) => answer.statusCode))).toEqual(new Set([403]));
  expect(asked).toEqual([]);
  expect(looks.length).toBeLessThan(10);
  expect((await post(app)).statusCode).toBe(204);
});

test("a burst of callbacks after a start, before any token is known, is let in whole", async () => {
  const { app, looks } = open();
  const answers = await Promise.all(Array.from({ length: 1_000 }, () => post(app)));
  expect(new Set(answers.map((answer) => answer.statusCode))).toEqual(new Set([204]));
  expect(looks.length).toBeLessThan(10);
});

test("a token that was changed a moment ago counts at once", async () => {
  const { app, looks } = open();
  expect((await post(app)).statusCode).toBe(204);
  TOKENS.push("newest token");
  onTestFinished(() => void TOKENS.pop());
  expect((await post(app, { token: "newest token" })).statusCode).toBe(204);
  expect(looks).toHaveLength(2);
});

test.each([
  ["no signature", `/twilio/calls/${callId}/1/status`, ""],
  ["half a signature", `/twilio/calls/${callId}/1/status`, "x-twilio-signature: AAAA\r\n"],
  ["no call's address", "/twilio/calls/call_1/1/status", ""],
])(
  "%s: refused before the body comes, and the connection is closed",
  async (_name, path, header) => {
    const { app } = open();
    await app.listen({ host: "127.0.0.1", port: 0 });
    const address = app.server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const socket = connect(port, "127.0.0.1");
    // It promises a body that it never sends.
    socket.write(`POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 10000\r\n${header}\r\n`);
    const parts: Buffer[] = [];
    socket.on("data", (part: Buffer) => parts.push(part));
    await once(socket, "end");
    expect(Buffer.concat(parts).toString()).toMatch(/^HTTP\/1\.1 40[34] /);
  },
);

test("a body beyond 16 KiB is refused unread", async () => {
  const { app, asked } = open();
  const answer = await post(app, { fields: { ...ringing, Long: "x".repeat(17_000) } });
  expect(answer.statusCode).toBe(413);
  expect(asked).toEqual([]);
});

test.each([
  [new AppError("server_busy", { message: "busy" }), 503],
  [new AppError("database_unavailable", { message: "gone" }), 503],
  [new Error("anything"), 500],
])(
  "an event that cannot be written is a 5xx, which the carrier sends again: %s",
  async (...row) => {
    const [error, status] = row;
    const { app } = open(() => Promise.reject(error));
    expect((await post(app)).statusCode).toBe(status);
  },
);
