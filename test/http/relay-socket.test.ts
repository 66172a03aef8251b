// The door: which sockets are let in, and how long they may stay.

import { once } from "node:events";
import { connect } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";

import { relayWorld } from "./relay-world.ts";

test.each([
  ["/twilio/relay/call_1/1", 404],
  ["/twilio/relay/call_00000000000000000000000000000000/1", 404],
  ["/twilio/relay/call_00000000000000000000000000000000/0", 404],
  ["/elsewhere", 404],
])("the path %s is answered with %i", async (path, status) => {
  const relay = await relayWorld();
  const placed = await relay.place();
  await expect(relay.connect(placed, { path })).rejects.toThrow(`${status}`);
});

test("an upgrade with a wrong signature, or without one, is forbidden", async () => {
  const relay = await relayWorld();
  const placed = await relay.place();
  await expect(relay.connect(placed, { signature: "bm90IHRoZSBjYXJyaWVyJ3M=" })).rejects.toThrow(
    "403",
  );
  const { callId, dialNumber } = placed.order;
  const bare = new WebSocket(`${relay.address}/twilio/relay/${callId}/${dialNumber}`);
  await expect(
    new Promise((_resolve, reject) => {
      bare.on("error", reject);
    }),
  ).rejects.toThrow("403");
});

test("a refused socket is closed from our side, also when the other side never closes its own", async () => {
  const relay = await relayWorld();
  const { hostname, port } = new URL(relay.address);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.write(
    "GET /elsewhere HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
  );
  const [answer] = (await once(socket, "data")) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 404 /);
  // A write to a closed socket is answered with a reset; to one left half open, with nothing.
  const writing = setInterval(() => socket.write("x"), 20);
  await closed.finally(() => clearInterval(writing));
});

test("beyond the limit of sessions a socket is refused, and there is room when one ends", async () => {
  const relay = await relayWorld({ maxSessions: 1 });
  const first = await relay.place();
  const second = await relay.place();
  const line = await relay.connect(first);
  await line.hears("Hello.");
  await expect(relay.connect(second)).rejects.toThrow("503");
  line.hangUp();
  await line.closes();
  await expect.poll(() => relay.sessions.count()).toBe(0);
  await expect
    .poll(() =>
      relay.connect(second).then(
        () => "in",
        (error: unknown) => String(error),
      ),
    )
    .toBe("in");
});

test.each([
  ["another account", { accountSid: "ACother" }],
  ["another call", { callSid: "CAother" }],
])("a setup that names %s is closed and nothing is said", async (_what, setup) => {
  const relay = await relayWorld();
  const placed = await relay.place();
  const line = await relay.connect(placed, { setup });
  expect(await line.closes()).toBe(1008);
  expect(line.commands).toEqual([]);
  expect(await relay.row(placed)).toMatchObject({ status: "dialing", voice_process: null });
});

test("a first frame that is no setup closes the socket", async () => {
  const relay = await relayWorld();
  const line = await relay.connect(await relay.place(), { setup: null });
  line.say("Hello?");
  expect(await line.closes()).toBe(1008);
});

test("a call has one conversation: a second socket is closed and the first goes on", async () => {
  const relay = await relayWorld();
  const placed = await relay.place();
  const first = await relay.connect(placed);
  await first.hears("Hello.");
  const second = await relay.connect(placed);
  expect(await second.closes()).toBe(1008);
  first.say("Yes?");
  await first.hears("Yes.");
});

test("a call that is over takes no conversation", async () => {
  const relay = await relayWorld();
  const placed = await relay.place();
  await relay.world.report(placed, "completed");
  const line = await relay.connect(placed);
  expect(await line.closes()).toBe(1008);
  expect(line.commands).toEqual([]);
});

test("a frame above 64 KiB closes the socket, and the call says that its line broke", async () => {
  const relay = await relayWorld();
  const placed = await relay.place();
  const line = await relay.connect(placed);
  await line.hears("Hello.");
  line.say("x".repeat(70_000));
  expect(await line.closes()).toBe(1009);
  await expect
    .poll(() => relay.row(placed).then((row) => row["end_cause"]))
    .toBe("stuck_ws_disconnect");
});

test("more frames than anybody could say in a second close the socket", async () => {
  const relay = await relayWorld();
  const placed = await relay.place();
  const line = await relay.connect(placed);
  await line.hears("Hello.");
  for (let count = 0; count < 1_000; count += 1) line.send({ type: "dtmf", digit: "1" });
  expect(await line.closes()).toBe(1006);
  await expect.poll(() => relay.sessions.count()).toBe(0);
});

test("nonsense is dropped, ten pieces of it in a row close the socket", async () => {
  const relay = await relayWorld();
  const line = await relay.connect(await relay.place());
  await line.hears("Hello.");
  for (let count = 0; count < 9; count += 1) line.sendRaw("{nonsense");
  line.send({ type: "somethingNew", value: 1 });
  line.say("Still there?");
  await line.hears("Yes.");
  for (let count = 0; count < 10; count += 1) line.sendRaw('{"type":"dtmf","digit":"Z"}');
  expect(await line.closes()).toBe(1008);
});
