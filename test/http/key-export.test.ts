// Everything a key owns, nothing of another's, and no secret.

import { afterAll, expect, test } from "vitest";
import { testDatabase } from "../support/test-database.ts";
import { nextPhone, testServer, TOKEN } from "./test-server.ts";

const db = await testDatabase();
const server = await testServer(db);
afterAll(() => server.app.close());

const linesOf = (text: string): readonly Record<string, unknown>[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test("more than a page of everything is exported once, without secrets", async () => {
  const caller = await server.caller();
  const other = await server.caller();
  const recipients = Array.from({ length: 1_203 }, () => ({ phone: nextPhone() }));
  const body = { agent_id: caller.agentId, prompt: "Say hello.", recipients };
  expect((await caller.ask("POST", "/v1/calls/batch", body)).status).toBe(201);
  await caller.ask("POST", "/v1/suppressions", { phone: nextPhone(), reason: "said stop" });
  await caller.ask("POST", "/v1/erasures", { phone: nextPhone() });
  const single = { agent_id: caller.agentId, to_number: nextPhone(), prompt: "Hello." };
  await caller.ask("POST", "/v1/calls/outbound", single);
  await db.query("update api_keys set webhook_secret_encrypted = '\\xc0ffee' where id = $1", [
    caller.keyId,
  ]);

  const answer = await caller.ask("GET", "/v1/export");
  expect(answer.status).toBe(200);
  const counts: Record<string, number> = {};
  for (const { kind } of linesOf(answer.text)) {
    counts[String(kind)] = (counts[String(kind)] ?? 0) + 1;
  }
  expect(counts).toEqual({
    key: 1,
    agent: 1,
    phone_number: 1,
    campaign: 1,
    recipient: 1_204,
    call: 1,
    suppression: 1,
    erasure: 1,
  });
  for (const secret of [caller.secret, TOKEN, "c0ffee", "_hash", "_encrypted", other.keyId]) {
    expect(answer.text).not.toContain(secret);
  }
});
