// One rehearsed talk: the real prompt reaches the model, its tools act, and a person played by a
// model hears what was said and hangs up when its model says so.

import { expect, test } from "vitest";
import { changeAgent, settingsOfNewAgent } from "../../../src/http/agent-fields.ts";
import type { RehearsedAgent } from "../../../src/app/rehearse/rehearsed-agent.ts";
import type { RehearsedPerson } from "../../../src/app/rehearse/rehearsed-people.ts";
import { rehearseTalk } from "../../../src/app/rehearse/rehearse-talk.ts";
import { scriptedModel, type ScriptedModel } from "../../support/scripted-model.ts";

const PLAYED: RehearsedPerson = {
  phone: "+12025550101",
  variables: { name: "Ana" },
  promptOverride: null,
  persona: "model: a busy baker",
  plays: { kind: "model", character: "a busy baker" },
};

function agent(): RehearsedAgent {
  const nobody = { id: "", uuid: "", keyId: "", createdAt: 0, updatedAt: 0 };
  const request = {
    name: "Sarah",
    system_prompt: "You are Sarah.",
    business_name: "Bright Smile Dental",
    welcome_message: "Hello {name}, can you come on Tuesday?",
  };
  const rules = { now: 0, allowLocalUrls: true };
  const { name, settings } = changeAgent({ ...nobody, ...settingsOfNewAgent() }, request, rules);
  return { name, timezone: "America/New_York", settings };
}

function talk(person: RehearsedPerson, model: ScriptedModel, peopleModel: ScriptedModel) {
  const prompt = "Ask whether they can come on Tuesday.";
  return rehearseTalk(person, { agent: agent(), prompt, model, peopleModel, seed: 1, speed: 40 });
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
