// A campaign runs to its end, on the carrier's own books, while attackers hold hundreds of
// connections, forge callbacks and voice sockets, and upload without end. Nothing is said about
// time: they are all still at it when the last person has been called.

import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { attack } from "../support/attackers.ts";
import {
  createCampaign,
  makeTenant,
  testPhones,
  waitUntilCompleted,
} from "../support/campaign-set-up.ts";
import { startCarrier, startRestartable } from "../support/race-set-up.ts";
import { waitFor } from "../support/wait-for.ts";

const RECIPIENTS = 20;
const SIGNATURE = "x-twilio-signature: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n";

const post = (path: string, headers: string, length: number): string =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n${headers}\r\n`;

const unknownCall = (): string => `call_${randomBytes(16).toString("hex")}`;

test("attackers who hold connections, forge and upload do not stop a campaign", async () => {
  const simulator = await startCarrier(20);
  const { server } = await startRestartable(simulator);
  const tenant = await makeTenant(server, { concurrentCalls: 10, callsPerSecond: 10 });
  const port = Number(new URL(server.url).port);
  const megabyte = Buffer.alloc(1024 * 1024, "x");
  const key = `authorization: Bearer ${tenant.bearer}\r\ncontent-type: text/csv\r\n`;
  const socketHeaders =
    "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n" +
    "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
  // More than the server keeps open (MAX_CONNECTIONS).
  const attacks = {
    silent: attack({ port, connections: 300, opening: () => "" }),
    headers: attack({ port, connections: 500, opening: () => "GET / HTTP/1.1\r\nhost: x\r\na: " }),
    callbacks: attack({
      port,
      connections: 100,
      opening: () => post(`/twilio/calls/${unknownCall()}/1/status`, SIGNATURE, 15_000),
    }),
    forged: attack({
      port,
      connections: 20,
      opening: () => `${post(`/twilio/calls/${unknownCall()}/1/status`, SIGNATURE, 3)}a=b`,
    }),
    sockets: attack({
      port,
      connections: 20,
      opening: () =>
        `GET /twilio/relay/${unknownCall()}/1 HTTP/1.1\r\nhost: x\r\n${socketHeaders}${SIGNATURE}\r\n`,
    }),
    strangers: attack({
      port,
      connections: 2,
      opening: () => post("/v1/calls/batch", "content-type: application/json\r\n", 1e9),
      flood: megabyte,
    }),
    // A tenant of the installation who sends a gigabyte at a time.
    uploads: attack({
      port,
      connections: 2,
      opening: () => post("/v1/suppressions", key, 1e9),
      flood: megabyte,
    }),
  };
  await waitFor(() => attacks.headers.open() > 100, { describe: "the attackers to be there" });
  const campaignId = await createCampaign(server, tenant, testPhones(RECIPIENTS));
  const campaign = await waitUntilCompleted(server, tenant, campaignId);

  const { counts } = campaign;
  expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(RECIPIENTS);
  expect(counts).toMatchObject({ waiting: 0, calling: 0, uncertain: 0 });
  const books = simulator.summary();
  expect(books.dialedMoreThanOnce).toEqual({});
  expect(books.calls).toBe(RECIPIENTS);
  for (const [name, attacker] of Object.entries(attacks)) {
    expect(attacker.attempts(), `${name} went on until now`).toBeGreaterThan(0);
  }
  expect(attacks.headers.open() + attacks.silent.open()).toBeGreaterThan(100);
  expect(server.output()).not.toContain("a tick failed");
  // Nor do they keep it from stopping in order.
  expect(await server.end("SIGTERM")).toBe(0);
});
