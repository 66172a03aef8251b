// Recordings at Twilio, against a server that speaks its REST: found, heard and deleted.

import { expect, test } from "vitest";

import type { RecordingAudio } from "../../../src/ports/carrier.ts";
import { against, base, callSid, credentials, errorJson } from "./carrier-fixture.ts";
import { answer } from "./raw-http-server.ts";

const sid = (digit: number): string => `RE${"0".repeat(31)}${digit}`;
const recording = (digit: number, status = "completed", duration = "61") => ({
  sid: sid(digit),
  call_sid: callSid,
  status,
  duration,
});
const page = (...recordings: object[]) =>
  JSON.stringify({ recordings, next_page_uri: null, page: 0, page_size: 20 });

async function heard(audio: RecordingAudio): Promise<string> {
  if (audio.kind !== "streaming") throw new Error(`not streaming: ${JSON.stringify(audio)}`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of audio.audio) chunks.push(chunk);
  return Buffer.concat(chunks).toString("latin1");
}

test("found: the one that is complete, with its length", async () => {
  const { carrier, server } = await against((_request, socket) => {
    answer(socket, 200, page(recording(1, "processing", "-1"), recording(2)));
  });
  expect(await carrier.findRecording(credentials, callSid)).toEqual({
    kind: "found",
    carrierRecordingId: sid(2),
    durationSeconds: 61,
  });
  expect(server.requests[0]?.path).toContain(`${base}/Calls/${callSid}/Recordings.json`);
});

test.each([
  ["none", 200, page(), { kind: "absent" }],
  ["one that is not complete", 200, page(recording(1, "processing")), { kind: "absent" }],
  ["no such call", 404, errorJson(20404, 404), { kind: "absent" }],
  [
    "refused",
    401,
    errorJson(20003, 401),
    { kind: "failed", reason: "Twilio answered 401 20003: error 20003" },
  ],
] as const)("looked for: %s", async (_what, status, body, outcome) => {
  const { carrier } = await against((_request, socket) => answer(socket, status, body));
  expect(await carrier.findRecording(credentials, callSid)).toEqual(outcome);
});

test("everything of a call is deleted; what somebody else deleted first counts too", async () => {
  const { carrier, server } = await against((request, socket) => {
    if (request.method === "GET") answer(socket, 200, page(recording(1), recording(2)));
    else if (request.path.includes(sid(1))) answer(socket, 404, errorJson(20404, 404));
    else socket.write("HTTP/1.1 204 No Content\r\n\r\n");
  });
  const outcome = await carrier.deleteRecordings(credentials, callSid);
  expect(outcome).toEqual({ kind: "deleted", count: 2 });
  const deleted = server.requests.filter(({ method }) => method === "DELETE");
  expect(deleted.map(({ path }) => path)).toEqual([
    `${base}/Recordings/${sid(1)}.json`,
    `${base}/Recordings/${sid(2)}.json`,
  ]);
});

test("one that cannot be deleted leaves the whole to be done again", async () => {
  const { carrier } = await against((request, socket) => {
    if (request.method === "GET") answer(socket, 200, page(recording(1)));
    else answer(socket, 401, errorJson(20003, 401));
  });
  expect(await carrier.deleteRecordings(credentials, callSid)).toMatchObject({ kind: "failed" });
});

const listening = new AbortController().signal;

test("a listener who left before the first sound keeps no connection", async () => {
  const gone = new AbortController();
  const { carrier } = await against(() => gone.abort());
  expect(await carrier.openRecording(credentials, sid(1), gone.signal)).toMatchObject({
    kind: "failed",
  });
});

test("the sound comes as it is, asked for with the account's credentials", async () => {
  const { carrier, server } = await against((_request, socket) => {
    socket.end(
      "HTTP/1.1 200 OK\r\ncontent-type: audio/x-wav\r\ncontent-length: 8\r\n\r\nRIFFdata",
      "latin1",
    );
  });
  const audio = await carrier.openRecording(credentials, sid(1), listening);
  expect(audio).toMatchObject({ contentType: "audio/x-wav", lengthBytes: 8 });
  expect(await heard(audio)).toBe("RIFFdata");
  const [request] = server.requests;
  expect(request?.path).toBe(`${base}/Recordings/${sid(1)}.wav`);
  const { carrierAccountId, authToken } = credentials;
  const pair = Buffer.from(`${carrierAccountId}:${authToken}`).toString("base64");
  expect(request?.text).toContain(`authorization: Basic ${pair}\r\n`);
});

test("what is not sound is handed out as bytes, never as a page", async () => {
  const { carrier } = await against((_request, socket) => {
    socket.end("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 4\r\n\r\n<p/>");
  });
  const audio = await carrier.openRecording(credentials, sid(1), listening);
  expect(audio).toMatchObject({ kind: "streaming", contentType: "application/octet-stream" });
  await heard(audio);
});

test("a sound that breaks off is an error to whoever reads it", async () => {
  const { carrier } = await against((_request, socket) => {
    socket.end("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nRIFF");
  });
  const audio = await carrier.openRecording(credentials, sid(1), listening);
  await expect(heard(audio)).rejects.toThrow(/other side closed|terminated|mismatch/);
});

test("a redirect is not followed: the credentials go to nobody else", async () => {
  const { carrier, server } = await against((_request, socket) => {
    socket.end(
      "HTTP/1.1 302 Found\r\nlocation: https://elsewhere.example/\r\ncontent-length: 0\r\n\r\n",
    );
  });
  expect(await carrier.openRecording(credentials, sid(1), listening)).toEqual({
    kind: "failed",
    reason: "HTTP 302",
  });
  expect(server.requests).toHaveLength(1);
});

test("a recording that is gone", async () => {
  const { carrier } = await against((_request, socket) => {
    answer(socket, 404, errorJson(20404, 404));
  });
  expect(await carrier.openRecording(credentials, sid(1), listening)).toEqual({ kind: "absent" });
});
