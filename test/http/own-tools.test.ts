// An agent's own tools through the whole stack but the phone: a voice socket, the pretend model
// over the real adapter, and a user's server that is really asked.

import { Webhook } from "standardwebhooks";
import { expect, onTestFinished, test } from "vitest";
import type { AgentTool } from "../../src/domain/agent-tool.ts";
import { createModel } from "../../src/model/ai-model.ts";
import { findCall } from "../../src/store/call-list.ts";
import { ensureWebhookSecrets } from "../../src/store/webhook-secrets.ts";
import { startTestSimulator } from "../simulator/test-simulator.ts";
import { waitFor } from "../support/wait-for.ts";
import { webhookReceiver } from "../support/webhook-receiver.ts";
import { relayWorld, TEST_SECRETS, type RelayWorldOptions } from "./relay-world.ts";

const SECRET = "Bearer s3cret-of-the-clinic";

async function world(tool: Partial<AgentTool>, options: RelayWorldOptions = {}) {
  const receiver = await webhookReceiver();
  const simulator = await startTestSimulator();
  onTestFinished(() => simulator.close());
  const hours: AgentTool = {
    name: "opening_hours",
    description: "When the clinic is open.",
    parameters: { type: "object", properties: { question: { type: "string" } } },
    url: receiver.url,
    header_names: ["authorization"],
    timeout_seconds: 10,
    filler: null,
    ...tool,
  };
  const relay = await relayWorld({
    agent: { tools: [hours] },
    languageModel: createModel({
      model: "openai-compatible:scripted-agent",
      baseUrl: `${simulator.url}/v1`,
      apiKey: "anything",
    }),
    allowLocalTools: true,
    ...options,
  });
  const box = TEST_SECRETS.encrypt(JSON.stringify({ opening_hours: { authorization: SECRET } }));
  await relay.world.db.query("update agents set tool_headers_encrypted = $1", [box]);
  const placed = await relay.place();
  const line = await relay.connect(placed);
  await line.hears("Hello.");
  line.say("What are your opening hours?");
  const events = async () => {
    const { rows } = await relay.world.db.query<{ kind: string; facts: any }>(
      "select kind, facts from call_events where call_id = $1 and kind like 'tool%' order by id",
      [placed.order.callId],
    );
    return rows;
  };
  const outcome = () =>
    waitFor(async () => (await events()).find(({ kind }) => kind === "tool_answered")?.facts, {
      describe: "the tool's outcome in the call's events",
    });
  return { receiver, relay, placed, line, events, outcome };
}

test("a person asks, the tool is asked with signature and headers, and its answer is spoken", async () => {
  const { receiver, relay, placed, line, events, outcome } = await world({});
  receiver.answer('{"monday":"nine to five"}');
  await line.hears("Here is what I found: monday : nine to five.");
  const [request] = receiver.received;
  if (request === undefined) throw new Error("nothing was received");
  expect(request.payload).toMatchObject({
    event: "tool.call",
    tool: "opening_hours",
    arguments: { question: "What are your opening hours?" },
    call_id: placed.order.callId,
    to: placed.order.to,
  });
  expect(request.headers["authorization"]).toBe(SECRET);
  const makeSecret = () => new Uint8Array();
  const { current } = await ensureWebhookSecrets(
    relay.world.db,
    relay.world.keyId,
    makeSecret,
    Date.now(),
  );
  const headers = request.headers as Record<string, string>;
  new Webhook(TEST_SECRETS.decrypt(current)).verify(request.body, headers);
  expect(await outcome()).toMatchObject({ name: "opening_hours", outcome: "ok", status: 200 });
  const kept = await events();
  expect(kept.map(({ kind }) => kind)).toEqual(["tool_called", "tool_answered"]);
  expect(kept[0]?.facts.arguments).toEqual({ question: "What are your opening hours?" });
  expect(JSON.stringify(kept)).not.toContain("s3cret");
  expect(JSON.stringify(kept)).not.toContain("nine to five");
  const { db, keyId } = relay.world;
  const shown = (await findCall(db, keyId, placed.order.callId))?.toolCalls;
  expect(shown).toMatchObject([{ name: "opening_hours", outcome: "ok", status: 200 }]);
  expect(shown?.[0]?.arguments).toEqual({ question: "What are your opening hours?" });
});

test("arguments that do not fit are never sent", async () => {
  const parameters = {
    type: "object",
    properties: { question: { type: "string", minLength: 500 } },
    required: ["question"],
  };
  const { receiver, line, outcome } = await world({ parameters });
  await line.hears("I could not find that out.");
  expect(receiver.received).toEqual([]);
  expect(await outcome()).toMatchObject({ outcome: "refused" });
});

test("while a slow tool works the person hears so and can talk, and then hears the answer", async () => {
  const { receiver, line } = await world({});
  receiver.hold();
  await line.hears("One moment, please.");
  line.say("Who is this?");
  await line.hears("still waiting");
  receiver.answer();
  receiver.letGo();
  await line.hears("Here is what I found");
  expect(receiver.received.length).toBe(1);
});

test("a tool that fails, or takes too long, is an error that is spoken about", async () => {
  const failing = await world({});
  failing.receiver.answer(500);
  await failing.line.hears("I could not find that out.");
  expect(await failing.outcome()).toMatchObject({ outcome: "error_status", status: 500 });

  const late = await world({ timeout_seconds: 1 });
  late.receiver.hold();
  await late.line.hears("I could not find that out.");
  expect(await late.outcome()).toMatchObject({ outcome: "failed" });
});

test("a private address is asked nothing", async () => {
  const { receiver, line, outcome } = await world(
    { url: "https://127.0.0.1:9/hours" },
    { allowLocalTools: false },
  );
  await line.hears("I could not find that out.");
  expect(receiver.received).toEqual([]);
  expect(await outcome()).toMatchObject({ outcome: "forbidden" });
});

test("hanging up gives up the request, and the record says so", async () => {
  const { receiver, line, outcome } = await world({});
  receiver.hold();
  await waitFor(() => receiver.received.length > 0, { describe: "the request" });
  line.hangUp();
  expect(await outcome()).toMatchObject({ outcome: "canceled" });
});
