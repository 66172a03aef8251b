// Recordings at the simulated carrier, through the official SDK: listed, heard, deleted, absent.

import { afterEach, expect, test } from "vitest";
import {
  DEFAULT_ACCOUNT_SID,
  DEFAULT_AUTH_TOKEN,
} from "../../src/simulator/carrier-model/default-account.ts";
import type { FaultsInput } from "../../src/simulator/control/faults.ts";
import type { Simulator } from "../../src/simulator/simulator.ts";
import { waitFor } from "../support/wait-for.ts";
import { startProductServer, type ProductServer } from "./product-server.ts";
import { CALM, FROM, sdkFor, startTestSimulator } from "./test-simulator.ts";

const TO = "+12025550123";
let simulator: Simulator;
let product: ProductServer;
afterEach(async () => {
  await simulator.close();
  await product.close();
});

/** A call that is over, recorded while it talked. */
async function recordedCall(faults: FaultsInput = {}) {
  product = await startProductServer();
  simulator = await startTestSimulator({
    people: { [TO]: "terse" },
    faults: { ...CALM, ...faults },
  });
  const client = sdkFor(simulator);
  const { sid } = await client.calls.create({
    to: TO,
    from: FROM,
    twiml:
      `<Response><Start><Recording channels="dual" recordingStatusCallback="${product.url}/recording" ` +
      `recordingStatusCallbackEvent="completed absent"/></Start><Pause length="60"/></Response>`,
  });
  const news = await product.request(({ path }) => path === "/recording");
  return { client, sid, news: news.form };
}

function fileOf(recordingSid: string, token = DEFAULT_AUTH_TOKEN): Promise<Response> {
  const pair = Buffer.from(`${DEFAULT_ACCOUNT_SID}:${token}`).toString("base64");
  return fetch(
    `${simulator.url}/2010-04-01/Accounts/${DEFAULT_ACCOUNT_SID}/Recordings/${recordingSid}.wav`,
    { headers: { authorization: `Basic ${pair}` } },
  );
}

test("listed under its call, heard as a WAV file in two channels, and gone when deleted", async () => {
  const { client, sid, news } = await recordedCall();
  const [recording] = await client.calls(sid).recordings.list();
  expect(recording).toMatchObject({ callSid: sid, status: "completed", channels: 2 });
  expect(news).toMatchObject({ RecordingStatus: "completed", RecordingSid: recording?.sid });
  const file = await fileOf(recording!.sid);
  expect(file.headers.get("content-type")).toBe("audio/x-wav");
  const wav = Buffer.from(await file.arrayBuffer());
  expect(wav.toString("latin1", 0, 4) + wav.toString("latin1", 8, 12)).toBe("RIFFWAVE");
  expect(wav.readUInt16LE(22)).toBe(2);
  expect(wav.readUInt32LE(4)).toBe(wav.length - 8);

  expect((await fileOf(recording!.sid, "wrong")).status).toBe(401);
  expect(await client.recordings(recording!.sid).remove()).toBe(true);
  expect(await client.calls(sid).recordings.list()).toEqual([]);
  expect((await fileOf(recording!.sid)).status).toBe(404);
  await expect(client.recordings(recording!.sid).remove()).rejects.toMatchObject({ status: 404 });
});

test("absent after all, when asked to be", async () => {
  const { client, sid, news } = await recordedCall({ recordings: { absent: { probability: 1 } } });
  expect(news["RecordingStatus"]).toBe("absent");
  expect(await client.calls(sid).recordings.list()).toEqual([]);
});

test("requests for recordings can fail by chance", async () => {
  const { sid } = await recordedCall({ recordings: { fail: { probability: 1 } } });
  await waitFor(async () => (await fileOf(sid)).status === 500, { describe: "a failure" });
});
