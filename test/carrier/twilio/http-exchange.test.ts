// What the server saw decides: an unsent request left no byte of itself anywhere, and none is ever
// seen twice.

import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

import { afterEach, expect, test, vi } from "vitest";

import {
  AnswerLostError,
  RequestUnsentError,
  createHttpExchange,
} from "../../../src/carrier/twilio/http-exchange.ts";
import type {
  HttpExchange,
  HttpRequest,
  WriteWindow,
} from "../../../src/carrier/twilio/http-exchange.ts";
import { answer, startRawServer } from "./raw-http-server.ts";
import type { Behaviour, RawServer } from "./raw-http-server.ts";

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

async function serve(behave: Behaviour): Promise<RawServer> {
  const server = await startRawServer(behave);
  cleanUps.push(() => server.close());
  return server;
}

interface TestExchange extends HttpExchange {
  /** Moves the monotonic clock that the exchange reads. */
  advance(ms: number): void;
}

// The exchange's clock is real time plus what a test added.
function exchange(maxConnections = 1): TestExchange {
  let addedMs = 0;
  const monotonicMs = () => performance.now() + addedMs;
  const made = createHttpExchange({ monotonicMs, maxConnections });
  cleanUps.push(() => made.close());
  return { ...made, advance: (ms) => (addedMs += ms) };
}

function post(origin: string, path: string, over: Partial<HttpRequest> = {}): HttpRequest {
  return {
    origin,
    path,
    method: "POST",
    headers: { "content-type": "text/plain" },
    body: "hello=wörld",
    answerTimeoutMs: 5_000,
    ...over,
  };
}

function window(fromMs: number, toMs: number, isClockSteady = () => true): WriteWindow {
  const now = performance.now();
  return { notBeforeMs: now + fromMs, notAfterMs: now + toMs, isClockSteady };
}

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("expected it to fail");
}

const ok: Behaviour = (_request, socket) => answer(socket, 200, { ok: true });

test("an answer comes back whole, and the request went out once", async () => {
  const server = await serve((_request, socket) => answer(socket, 201, { a: 1 }, "x-id: RQ1\r\n"));
  const got = await exchange().send(post(server.origin, "/a?b=c"), null);
  expect(got).toMatchObject({ statusCode: 201, body: '{"a":1}', headers: { "x-id": "RQ1" } });
  expect(server.requests).toHaveLength(1);
  expect(server.requests[0]).toMatchObject({ method: "POST", path: "/a?b=c", body: "hello=wörld" });
});

test("nothing is written before its window opens", async () => {
  const server = await serve(ok);
  const open = window(40, 5_000);
  await exchange().send(post(server.origin, "/a"), open);
  expect(server.requests[0]?.receivedAtMs).toBeGreaterThanOrEqual(open.notBeforeMs);
});

test("a window that has closed opens no connection", async () => {
  const server = await serve(ok);
  const error = await failureOf(exchange().send(post(server.origin, "/a"), window(-100, -1)));
  expect(error).toBeInstanceOf(RequestUnsentError);
  expect(server.bytesByConnection).toEqual([]);
});

test("a machine that slept just before the write sends nothing", async () => {
  const server = await serve(ok);
  const client = exchange();
  const slept = window(0, 60_000, () => false);
  const error = await failureOf(client.send(post(server.origin, "/slept"), slept));
  expect(error).toBeInstanceOf(RequestUnsentError);
  expect((await client.send(post(server.origin, "/next"), window(0, 60_000))).statusCode).toBe(200);
  expect(server.requests.map((request) => request.path)).toEqual(["/next"]);
});

test("late in the queue: destroyed unsent, and the connection goes on", async () => {
  let release: Socket | null = null;
  const server = await serve((request, socket) => {
    if (request.path === "/first") release = socket;
    else ok(request, socket);
  });
  const client = exchange(1);
  const first = client.send(post(server.origin, "/first"), null);
  await vi.waitFor(() => expect(release).not.toBeNull());
  const late = failureOf(client.send(post(server.origin, "/late"), window(0, 60_000)));
  // Only microtasks lie between asking and standing in the pool's queue; then time passes there.
  await new Promise(setImmediate);
  client.advance(120_000);
  const third = client.send(post(server.origin, "/third"), null);
  await new Promise(setImmediate);
  answer(release as unknown as Socket, 200, {});
  await first;
  const error = await late;
  expect(error).toBeInstanceOf(RequestUnsentError);
  expect(error.message).toContain("too late");
  expect((await third).statusCode).toBe(200);
  expect(server.requests.map((request) => request.path)).toEqual(["/first", "/third"]);
  expect(server.bytesByConnection).toHaveLength(1);
  expect(server.bytesByConnection[0]).not.toContain("/late");
});

test("given up in the queue: answered at once, dropped when its turn comes", async () => {
  let release: Socket | null = null;
  const server = await serve((request, socket) => {
    if (request.path === "/first") release = socket;
    else ok(request, socket);
  });
  const client = exchange(1);
  const first = client.send(post(server.origin, "/first"), null);
  await vi.waitFor(() => expect(release).not.toBeNull());
  // The first is still unanswered when this one gives up.
  const error = await failureOf(client.send(post(server.origin, "/late"), window(0, 20)));
  expect(error).toBeInstanceOf(RequestUnsentError);
  expect(error.message).toContain("no connection became free");
  answer(release as unknown as Socket, 200, {});
  await first;
  expect((await client.send(post(server.origin, "/third"), null)).statusCode).toBe(200);
  expect(server.requests.map((request) => request.path)).toEqual(["/first", "/third"]);
});

test("a refused connection: unsent", async () => {
  const server = await startRawServer(ok);
  await server.close();
  const error = await failureOf(exchange().send(post(server.origin, "/a"), null));
  expect(error).toBeInstanceOf(RequestUnsentError);
  expect(error.message).toContain("ECONNREFUSED");
});

test("a name that does not resolve: unsent", async () => {
  const error = await failureOf(
    exchange().send(post("http://carrier.invalid", "/a"), window(0, 10_000)),
  );
  expect(error).toBeInstanceOf(RequestUnsentError);
});

async function serveBytes(onConnection: (socket: Socket, seen: string[]) => void) {
  const seen: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk) => seen.push(chunk.toString("latin1")));
    onConnection(socket, seen);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUps.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  });
  return { seen, sockets, origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test("a TLS handshake that fails: unsent", async () => {
  const server = await serveBytes((socket) => socket.once("data", () => socket.end("no TLS here")));
  const error = await failureOf(exchange().send(post(server.origin, "/a"), null));
  expect(error).toBeInstanceOf(RequestUnsentError);
  expect(server.seen.join("")).not.toContain("POST");
});

test("a handshake that never ends: unsent when the window closes", async () => {
  const server = await serveBytes(() => undefined);
  const error = await failureOf(exchange().send(post(server.origin, "/a"), window(0, 50)));
  expect(error).toBeInstanceOf(RequestUnsentError);
  expect(server.seen.join("")).not.toContain("POST");
});

test.each<[string, Behaviour]>([
  ["reset before the headers", (_request, socket) => socket.resetAndDestroy()],
  ["closed before the headers", (_request, socket) => socket.end()],
  [
    "reset within the headers",
    (_request, socket) => socket.write("HTTP/1.1 201 Cre", () => socket.resetAndDestroy()),
  ],
  [
    "closed within the body",
    (_request, socket) => socket.end('HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\n{"sid"'),
  ],
  ["an answer that is no HTTP", (_request, socket) => socket.write("SSH-2.0-hello\r\n\r\n")],
  [
    "an answer of gigabytes",
    (_request, socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${2 ** 33}\r\n\r\n`);
      const pour = () => {
        while (!socket.destroyed && socket.write("x".repeat(64 * 1024)));
      };
      socket.on("drain", pour);
      pour();
    },
  ],
])("%s: the answer is lost, and the request was seen once", async (_name, behave) => {
  const server = await serve(behave);
  const error = await failureOf(exchange().send(post(server.origin, "/a"), null));
  expect(error).toBeInstanceOf(AnswerLostError);
  expect(server.requests).toHaveLength(1);
});

test.each<[string, Behaviour]>([
  ["never answers", () => undefined],
  [
    "drips its answer",
    (_request, socket) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
      const drip = setInterval(() => socket.write("x"), 10);
      socket.on("close", () => clearInterval(drip));
    },
  ],
])("a server that %s: lost after the answer's time, and hung up on", async (_name, behave) => {
  const server = await serve(behave);
  const request = post(server.origin, "/a", { answerTimeoutMs: 60 });
  const error = await failureOf(exchange().send(request, null));
  expect(error).toBeInstanceOf(AnswerLostError);
  await vi.waitFor(() => expect(server.openConnections()).toBe(0));
  expect(server.requests).toHaveLength(1);
});

test("a kept connection that breaks under the second request: lost, not sent again", async () => {
  const server = await serve((request, socket) => {
    if (request.path === "/first") ok(request, socket);
    else socket.resetAndDestroy();
  });
  const client = exchange(1);
  await client.send(post(server.origin, "/first"), null);
  const error = await failureOf(client.send(post(server.origin, "/second"), null));
  expect(error).toBeInstanceOf(AnswerLostError);
  expect((await client.send(post(server.origin, "/first"), null)).statusCode).toBe(200);
  expect(server.requests.map((request) => request.path)).toEqual(["/first", "/second", "/first"]);
});

test("connections are bounded", async () => {
  const server = await serve(ok);
  const client = exchange(3);
  await Promise.all(
    Array.from({ length: 60 }, (_, index) => client.send(post(server.origin, `/${index}`), null)),
  );
  expect(server.requests).toHaveLength(60);
  expect(server.maxOpenConnections()).toBeLessThanOrEqual(3);
});

// Each request's path says how its server behaves, so that every mixture meets in one pool.
const STORM: readonly Behaviour[] = [
  ok,
  ok,
  ok,
  (_request, socket) => socket.resetAndDestroy(),
  (_request, socket) => socket.end(),
  (request, socket) => {
    ok(request, socket);
    socket.end();
  },
  (_request, socket) => socket.write("HTTP/1.1 200 OK\r\n", () => socket.resetAndDestroy()),
  (_request, socket) => {
    answer(socket, 200, {}, "connection: close\r\n");
    socket.end();
  },
];

test("in a storm of breaking connections nothing is sent twice and unsent means unseen", async () => {
  const server = await serve((request, socket) => {
    STORM[Number(request.path.slice(1)) % STORM.length]?.(request, socket);
  });
  const client = exchange(3);
  const count = 400;
  const outcomes = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const allowedMs = index % 5 === 0 ? index % 40 : 20_000;
      try {
        await client.send(post(server.origin, `/${index}`), window(index % 7, allowedMs));
        return "answered";
      } catch (error) {
        return error instanceof RequestUnsentError ? "unsent" : "lost";
      }
    }),
  );
  const seenCounts = Array.from({ length: count }, () => 0);
  for (const request of server.requests) seenCounts[Number(request.path.slice(1))]! += 1;
  outcomes.forEach((outcome, index) => {
    const seen = seenCounts[index]!;
    const explained = `request ${index} was ${outcome} and seen ${seen} times`;
    if (outcome === "answered") expect(seen, explained).toBe(1);
    else expect(seen, explained).toBeLessThanOrEqual(outcome === "unsent" ? 0 : 1);
  });
  expect(new Set(outcomes)).toContain("answered");
  expect(new Set(outcomes)).toContain("lost");
});
