// A flood of connections that never finish their requests: it is cut, and nobody else is.

import { once } from "node:events";
import { createServer, request } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { limitConnections } from "../../src/http/connection-limit.ts";
import { waitFor } from "../support/wait-for.ts";

const MAX = 5;
/** More than the kernel takes in for somebody who does not read. */
const LARGE_REQUEST = "GET /large HTTP/1.1\r\nhost: x\r\n\r\n";
const LARGE = Buffer.alloc(32 * 1024 * 1024);

interface World {
  readonly port: number;
  /** A connection with these bytes on it, as an attacker holds it. */
  hold(bytes: string): Promise<Socket>;
  /** Answers every request that waits for it. */
  answerAll(): void;
  waitingForAnswer(): number;
  /** Large answers that were begun. */
  largeAnswers(): number;
}

async function open(): Promise<World> {
  const waiting: (() => void)[] = [];
  let largeAnswers = 0;
  const server = createServer((incoming, response) => {
    incoming.resume();
    if (incoming.url === "/slow") waiting.push(() => response.end("late"));
    else if (incoming.url === "/large") {
      largeAnswers += 1;
      response.end(LARGE);
    } else incoming.once("end", () => response.end("done"));
  });
  limitConnections(server, MAX);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const held: Socket[] = [];
  onTestFinished(() => {
    for (const socket of held) socket.destroy();
    server.closeAllConnections();
    server.close();
  });
  return {
    port,
    hold: async (bytes) => {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => {});
      held.push(socket);
      await once(socket, "connect");
      socket.write(bytes);
      return socket;
    },
    answerAll: () => {
      for (const answer of waiting.splice(0)) answer();
    },
    waitingForAnswer: () => waiting.length,
    largeAnswers: () => largeAnswers,
  };
}

function ask(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port, path, agent: false }, (answer) => {
      answer.setEncoding("utf8").once("data", resolve);
    })
      .on("error", reject)
      .end();
  });
}

test.each([
  ["headers that never end", "GET / HTTP/1.1\r\nhost: x\r\n"],
  ["bodies that never end", "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nx"],
  [
    "chunks that never end",
    "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx",
  ],
  ["no byte at all", ""],
])("%s give way to whoever comes after them, the longest first", async (_name, bytes) => {
  const world = await open();
  const sockets: Socket[] = [];
  for (let count = 0; count < MAX; count += 1) sockets.push(await world.hold(bytes));
  expect(await ask(world.port, "/")).toBe("done");
  await waitFor(() => sockets[0]?.closed, { describe: "the first of them to be cut" });
  expect(sockets.filter((socket) => socket.closed)).toHaveLength(1);
});

test("who has sent a whole request and waits for its answer is never cut", async () => {
  const world = await open();
  const slow = Array.from({ length: MAX }, () => ask(world.port, "/slow"));
  await waitFor(() => world.waitingForAnswer() === MAX, { describe: "all of them to wait" });
  const late = await world.hold("GET / HTTP/1.1\r\n");
  await waitFor(() => late.closed, { describe: "the one too many to be cut" });
  world.answerAll();
  expect(await Promise.all(slow)).toEqual(Array.from({ length: MAX }, () => "late"));
});

test("a connection that is kept open between requests is cut before one that is at work", async () => {
  const world = await open();
  const idle = await world.hold("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  await once(idle, "data");
  const slow = Array.from({ length: MAX }, () => ask(world.port, "/slow"));
  await waitFor(() => world.waitingForAnswer() === MAX, { describe: "all of them to be let in" });
  await waitFor(() => idle.closed, { describe: "the idle one to be cut" });
  world.answerAll();
  expect(await Promise.all(slow)).toHaveLength(MAX);
});

test.each([
  ["take no byte of their answer", 1],
  ["ask again instead of reading it", 2],
])("those who %s are cut for whoever comes after them", async (_name, requests) => {
  const world = await open();
  const readers: Socket[] = [];
  for (let count = 0; count < MAX; count += 1) readers.push(await world.hold(LARGE_REQUEST));
  await waitFor(() => world.largeAnswers() === MAX, { describe: "all of them to be answered" });
  if (requests > 1) {
    for (const reader of readers) reader.write(LARGE_REQUEST);
    await waitFor(() => world.largeAnswers() === 2 * MAX, { describe: "the second requests" });
  }
  for (let count = 0; count < MAX; count += 1) expect(await ask(world.port, "/")).toBe("done");
});
