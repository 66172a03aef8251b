// One rehearsed talk: the real prompt reaches the model, its tools act, and a person played by a
// model hears what was said and hangs up when its model says so.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createSecretBox } from "../../../src/app/secret-box.ts";
import { systemRandom } from "../../../src/app/system-random.ts";
import { changeAgent, settingsOfNewAgent } from "../../../src/http/agent-fields.ts";
import type { RehearsedAgent } from "../../../src/app/rehearse/rehearsed-agent.ts";
import type { RehearsedPerson } from "../../../src/app/rehearse/rehearsed-people.ts";
import { openTools } from "../../../src/app/rehearse/rehearsed-tools.ts";
import { rehearseTalk } from "../../../src/app/rehearse/rehearse-talk.ts";
import { webhookReceiver } from "../../support/webhook-receiver.ts";
import { scriptedModel, type ScriptedModel } from "../../support/scripted-model.ts";

const PLAYED: RehearsedPerson = {
  phone: "+12025550101",
  variables: { name: "Ana" },
  promptOverride: null,
  persona: "model: a busy baker",
  plays: { kind: "model", character: "a busy baker" },
};

const TOOL = {
  name: "find_slot",
  description: "Finds a free appointment.",
  parameters: { type: "object", properties: { day: { type: "string" } } },
  url: "https://clinic.example/slots",
  timeout_seconds: 8,
  filler: null,
};

function agent(tools: readonly (typeof TOOL)[] = []): RehearsedAgent {
  const nobody = { id: "", uuid: "", keyId: "", createdAt: 0, updatedAt: 0 };
  const request = {
    name: "Sarah",
    system_prompt: "You are Sarah.",
    business_name: "Bright Smile Dental",
    welcome_message: "Hello {name}, can you come on Tuesday?",
    tools: [...tools],
  };
  const secretBox = createSecretBox(new Uint8Array(32), systemRandom);
  const rules = { now: 0, allowLocalUrls: true, secretBox };
  const { name, settings } = changeAgent({ ...nobody, ...settingsOfNewAgent() }, request, rules);
  return { name, timezone: "America/New_York", settings, toolHeaders: {}, isFromFile: true };
}

function talk(
  person: RehearsedPerson,
  model: ScriptedModel,
  peopleModel: ScriptedModel,
  who: { readonly agent: RehearsedAgent; readonly tools: string | null } = {
    agent: agent(),
    tools: null,
  },
) {
  const prompt = "Ask whether they can come on Tuesday.";
  const tools = openTools(who.agent, who.tools);
  const parts = { agent: who.agent, tools, prompt, model, peopleModel, seed: 1, speed: 40 };
  return rehearseTalk(person, parts);
}

const NOISY: RehearsedPerson = {
  ...PLAYED,
  phone: "+12025550107",
  persona: "noisy",
  plays: { kind: "scripted", persona: "noisy" },
};

test("a line that somebody coughs into is said once more", async () => {
  const model = scriptedModel();
  const reply = "We have a time on Tuesday, at ten in the morning. Would you like to take it?";
  model.script(...Array.from({ length: 4 }, () => [reply]));
  const held = await talk(NOISY, model, scriptedModel());
  const cut = held.transcript.findIndex(({ role, interrupted }) => role === "agent" && interrupted);
  expect(cut).toBeGreaterThan(-1);
  expect(held.transcript[cut + 1]?.role).toBe("agent");
});

function answersFile(text: string): string {
  const directory = mkdtempSync(join(tmpdir(), "carillon-rehearse-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "tools.yaml");
  writeFileSync(file, text);
  return file;
}

test("a person played by a model answers what it heard and hangs up when it is done", async () => {
  const model = scriptedModel();
  const person = scriptedModel();
  model.script(["Wonderful,", " see you then."], [{ stall: true }]);
  person.script(["Tuesday is fine."], ["Bye now. [HANG_UP]"]);
  const held = await talk(PLAYED, model, person);

  const words = held.transcript.map(({ role, text }) => `${role}: ${text}`);
  expect(words[0]).toBe("callee: Hello?");
  expect(words[1]).toMatch(/^agent: .*Bright Smile Dental\. Hello Ana, can you come on Tuesday\?$/);
  expect(words.slice(2)).toEqual([
    "callee: Tuesday is fine.",
    "agent: Wonderful, see you then.",
    "callee: Bye now.",
  ]);
  expect(held).toMatchObject({ endedReason: "callee_hangup", answeredBy: "human" });
  expect(model.requests[0]?.messages[0]?.content).toContain(
    "Ask whether they can come on Tuesday.",
  );
  expect(person.requests[0]?.messages[0]?.content).toContain("Your character: a busy baker");
  expect(person.requests[0]?.messages.at(-1)?.content).toContain("can you come on Tuesday?");
});

test("the tools of the campaign act and are told", async () => {
  const model = scriptedModel();
  const person = scriptedModel();
  model.script(["Goodbye!", { tool: "end_call", input: { reason: "goal_reached" } }]);
  person.script(["No."], [{ stall: true }]);
  const held = await talk(PLAYED, model, person);
  expect(held.toolCalls).toEqual([{ name: "end_call", input: { reason: "goal_reached" } }]);
  expect(held).toMatchObject({ endedReason: "completed", modelFailures: [] });
});

test("a tool of the agent's own answers what the file says", async () => {
  const model = scriptedModel();
  const person = scriptedModel();
  model.script(
    [{ tool: "find_slot", input: { day: "Tuesday" } }],
    ["At three."],
    [{ stall: true }],
  );
  person.script(["When?"], ["Bye now. [HANG_UP]"]);
  const tools = answersFile("find_slot:\n  free: [Tuesday at 3 pm]\n");
  const held = await talk(PLAYED, model, person, { agent: agent([TOOL]), tools });
  expect(held.toolCalls).toEqual([{ name: "find_slot", input: { day: "Tuesday" } }]);
  expect(held.transcript.map(({ text }) => text)).toContain("At three.");
  expect(JSON.stringify(model.requests[1]?.messages)).toContain("Tuesday at 3 pm");
});

test("a tool of the agent's own is asked at its address where that is wished", async () => {
  const receiver = await webhookReceiver();
  receiver.answer('{"free":"noon"}');
  const asked = {
    ...agent([{ ...TOOL, url: receiver.url }]),
    toolHeaders: { find_slot: { "x-token": "let me in" } },
  };
  const tools = openTools(asked, "ask");
  onTestFinished(() => tools.close());
  const nobody = { callId: "rehearsal", agentId: "rehearsal", campaignId: null };
  const where = { ...nobody, fromNumber: "+12025550100", toNumber: PLAYED.phone, variables: {} };
  const call = { name: "find_slot", input: { day: "Monday" } };
  const outcome = await tools.run(where, call, new AbortController().signal);
  expect(outcome).toMatchObject({ kind: "answered", status: 200, body: '{"free":"noon"}' });
  expect(receiver.received).toMatchObject([
    {
      headers: { "x-token": "let me in" },
      payload: { event: "tool.call", arguments: { day: "Monday" }, to: PLAYED.phone },
    },
  ]);
});

test.each([
  [null, /^the agent has tools of its own \(find_slot\); --tools FILE/],
  ["find_slto: 1\n", /tools\.yaml:1: find_slto is no tool of the agent$/],
  ["{}\n", /tools\.yaml:1: find_slot has no answer$/],
])("a tool without an answer is refused before anybody is called: %j", (text, message) => {
  const file = text === null ? null : answersFile(text);
  expect(() => openTools(agent([TOOL]), file)).toThrow(message);
});

test("a model that fails is told in its own words", async () => {
  const model = scriptedModel();
  const person = scriptedModel();
  const fails = [{ fail: "quota is used up", retryable: false }];
  model.script(fails, fails);
  person.script(["Yes."], ["What?"]);
  const held = await talk(PLAYED, model, person);
  expect(held.endedReason).toBe("failed");
  expect(held.modelFailures).toEqual(["quota is used up", "quota is used up"]);
});
