// Agents as the contract has them: defaults, limits, partial updates, deletion.

import { afterAll, expect, test } from "vitest";
import { agentDefaults } from "../../src/http/contract/agent.ts";
import { testDatabase } from "../support/test-database.ts";
import { testServer } from "./test-server.ts";

const db = await testDatabase();
const server = await testServer(db);
const tenant = await server.tenant();
afterAll(() => server.app.close());

test("an agent of nothing has every default of the contract", async () => {
  const made = await tenant.ask("POST", "/v1/agents");
  expect(made.status).toBe(201);
  expect(made.body).toMatchObject({ ...agentDefaults, api_key_id: tenant.keyId });
  expect(made.body.agent_id).toMatch(/^agent_[0-9a-f]{16}$/);
  expect(made.body.id).toMatch(
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  expect(made.body).toMatchObject({
    temperature: 0.3,
    voice_id: "Ashley",
    language: "multi",
    max_call_duration_seconds: 600,
    silence_hangup_seconds: 30,
    created_at: "2030-06-12T11:00:00.000Z",
  });
  expect((await tenant.ask("GET", `/v1/agents/${made.body.agent_id}`)).body).toEqual(made.body);
});

test("keeps and answers fields that mean nothing here, and ignores unknown ones", async () => {
  const made = await tenant.ask("POST", "/v1/agents", {
    func_send_sms: true,
    post_call_sms_template: "Hello {caller_name}",
    agent_id: "agent_mine",
    surprise: { deep: true },
  });
  expect(made.status).toBe(201);
  expect(made.body).toMatchObject({
    func_send_sms: true,
    post_call_sms_template: "Hello {caller_name}",
  });
  expect(made.body.agent_id).not.toBe("agent_mine");
  expect(made.body).not.toHaveProperty("surprise");
});

test("updates what is sent and leaves the rest", async () => {
  const made = await tenant.ask("POST", "/v1/agents", { name: "Sarah", temperature: 0.9 });
  server.clock.advance(1_000);
  const changed = await tenant.ask("PUT", `/v1/agents/${made.body.agent_id}`, {
    speaking_rate: 9,
    timezone: "america/new_york",
  });
  expect(changed.body).toEqual({
    ...made.body,
    speaking_rate: 1.5,
    timezone: "America/New_York",
    updated_at: "2030-06-12T11:00:01.000Z",
  });
});

test.each([
  ["temperature above 1", { temperature: 1.1 }, "invalid_request", "temperature"],
  ["temperature beyond numbers", '{"temperature":1e999}', "invalid_request", "temperature"],
  ["no disclosure", { disclosure_enabled: false }, "invalid_request", "disclosure_attestation"],
  [
    "no disclosure, blank attestation",
    { disclosure_enabled: false, disclosure_attestation: " " },
    "invalid_request",
    "disclosure_attestation",
  ],
  ["an unknown greeting mode", { greeting_mode: "never" }, "invalid_request", "greeting_mode"],
  ["a name of 101", { name: "n".repeat(101) }, "invalid_request", "name"],
  ["a prompt of 16,001", { system_prompt: "p".repeat(16_001) }, "prompt_too_long", "system_prompt"],
  ["a prompt that is a number", { system_prompt: 5 }, "invalid_request", "system_prompt"],
  ["a null prompt", { system_prompt: null }, "invalid_request", "system_prompt"],
  ["an empty voice", { voice_id: "" }, "invalid_voice_id", "voice_id"],
  ["markup as voice", { voice_id: "<Say>" }, "invalid_voice_id", "voice_id"],
  ["Klingon", { language: "tlh" }, "invalid_language", "language"],
  ["a language of type number", { language: 1 }, "invalid_language", "language"],
  ["an unknown zone", { timezone: "Mars/Olympus" }, "invalid_request", "timezone"],
  ["a fixed offset as zone", { timezone: "+01:00" }, "invalid_request", "timezone"],
  ["an unknown length", { response_length: "huge" }, "invalid_request", "response_length"],
  [
    "sensitivity 101",
    { interruption_sensitivity: 101 },
    "invalid_request",
    "interruption_sensitivity",
  ],
  ["a broken integer", { response_eagerness: 1.5 }, "invalid_request", "response_eagerness"],
  ["pickup delay 4", { pickup_delay: 4 }, "invalid_request", "pickup_delay"],
  [
    "duration 1801",
    { max_call_duration_seconds: 1801 },
    "invalid_request",
    "max_call_duration_seconds",
  ],
  ["silence 46", { silence_hangup_seconds: 46 }, "invalid_request", "silence_hangup_seconds"],
  [
    "51 keywords",
    { boosted_keywords: "a,".repeat(50) + "a" },
    "invalid_request",
    "boosted_keywords",
  ],
  ["a flag as text", { amd_enabled: "true" }, "invalid_request", "amd_enabled"],
  [
    "voicemail without message",
    { voicemail_leave_enabled: true },
    "voicemail_message_required",
    "voicemail_message",
  ],
  ["an http webhook", { webhook_url: "http://example.com/x" }, "invalid_url", "webhook_url"],
  ["a webhook that is no URL", { webhook_url: "example" }, "invalid_url", "webhook_url"],
  ["a script as webhook", { webhook_url: "javascript:alert(1)" }, "invalid_url", "webhook_url"],
  ["a bad transfer number", { transfer_number: "911" }, "invalid_phone_format", "transfer_number"],
  [
    "an extraction field without type",
    { data_extraction_fields: [{ name: "x" }] },
    "missing_field",
    "data_extraction_fields[0].type",
  ],
  [
    "a selector without choices",
    {
      data_extraction_fields: [
        { type: "text", name: "wish", description: "" },
        { type: "selector", name: "mood", description: "" },
      ],
    },
    "invalid_request",
    "data_extraction_fields[1].choices",
  ],
  [
    "a selector with an empty list of choices",
    { data_extraction_fields: [{ type: "selector", name: "mood", description: "", choices: [] }] },
    "invalid_request",
    "data_extraction_fields[0].choices",
  ],
  [
    "two extraction fields of one name",
    {
      data_extraction_fields: [
        { type: "text", name: "wish", description: "" },
        { type: "number", name: "wish", description: "" },
      ],
    },
    "invalid_request",
    "data_extraction_fields[1].name",
  ],
  ["a NUL in the name", { name: "a\u0000b" }, "invalid_request", "name"],
  ["half a surrogate", '{"name":"\\ud800"}', "invalid_request", "name"],
  ["an array", [], "invalid_request", undefined],
])("refuses %s", async (_name, body, code, field) => {
  const before = await tenant.ask("GET", "/v1/agents");
  const answer = await tenant.ask("POST", "/v1/agents", body);
  expect(answer.status).toBe(400);
  expect(answer.body.error.code).toBe(code);
  if (field !== undefined) expect(answer.body.error.details.field).toBe(field);
  expect((await tenant.ask("GET", "/v1/agents")).body).toEqual(before.body);
});

test("one invalid value fails the whole update", async () => {
  const made = await tenant.ask("POST", "/v1/agents", { name: "Whole" });
  const url = `/v1/agents/${made.body.agent_id}`;
  expect((await tenant.ask("PUT", url, { name: "Half", temperature: 7 })).status).toBe(400);
  expect((await tenant.ask("GET", url)).body.name).toBe("Whole");
});

test("lists active agents newest first, in pages that are clamped", async () => {
  const other = await server.tenant();
  const ids: string[] = [];
  for (let made = 0; made < 4; made += 1) {
    server.clock.advance(1_000);
    ids.unshift((await other.ask("POST", "/v1/agents", { name: `A${made}` })).body.agent_id);
  }
  await other.ask("PUT", `/v1/agents/${ids[1]}`, { is_active: false });
  const idsOf = async (query: string) =>
    (await other.ask("GET", `/v1/agents${query}`)).body.map(
      (agent: { agent_id: string }) => agent.agent_id,
    );
  expect(await idsOf("")).toEqual([ids[0], ids[2], ids[3]]);
  expect(await idsOf("?limit=1&offset=1")).toEqual([ids[2]]);
  expect(await idsOf("?limit=100000")).toHaveLength(3);
  for (const query of [
    "?limit=0",
    "?limit=x",
    "?limit=-1",
    "?offset=-1",
    "?limit=1&limit=2",
    "?offset=1e99",
  ]) {
    const answer = await other.ask("GET", `/v1/agents${query}`);
    expect(answer.body.error?.code, query).toBe("invalid_request");
  }
});

test("a deleted agent is gone, and its numbers are left without one", async () => {
  const caller = await server.caller();
  const url = `/v1/agents/${caller.agentId}`;
  expect((await caller.ask("DELETE", url)).body).toEqual({
    agent_id: caller.agentId,
    deleted: true,
  });
  expect((await caller.ask("GET", url)).body.error.code).toBe("agent_not_found");
  expect((await caller.ask("PUT", url, {})).status).toBe(404);
  expect((await caller.ask("DELETE", url)).status).toBe(404);
  const numbers = await caller.ask("GET", "/v1/phone-numbers");
  expect(numbers.body.phone_numbers[0]).toMatchObject({
    phone_number: caller.phone,
    agent_id: null,
  });
});
