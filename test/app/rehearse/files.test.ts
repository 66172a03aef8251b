// The files of a rehearsal: what is wrong with one is told with its line, its field and what was
// meant.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { loadConfig } from "../../../src/app/config.ts";
import { readAssertions } from "../../../src/app/rehearse/assertions.ts";
import { readAgent } from "../../../src/app/rehearse/rehearsed-agent.ts";
import { readPeople, splitPeople } from "../../../src/app/rehearse/rehearsed-people.ts";

const PEOPLE = [{ persona: "terse", phone: "+12025550101" }];

function write(name: string, text: string): string {
  const directory = mkdtempSync(join(tmpdir(), "carillon-rehearse-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, name), text);
  return join(directory, name);
}

/** The message without the directory, which no two runs share. */
function told(error: unknown): string {
  return error instanceof Error ? error.message.replaceAll(/\S*\/(?=[\w-]+\.(yaml|csv))/g, "") : "";
}

function faultOfAssertions(text: string): string {
  try {
    readAssertions(write("a.yaml", text), PEOPLE, ["confirmed"]);
    return "";
  } catch (error) {
    return told(error);
  }
}

async function faultOfPeople(text: string): Promise<string> {
  return readPeople(write("p.csv", text), null).then(() => "", told);
}

async function faultOfAgent(text: string): Promise<string> {
  const config = loadConfig({}, () => null);
  return readAgent(write("agent.yaml", text), config, () => {}).then(() => "", told);
}

test.each([
  ["assertions:\n  - must_mention: [", /^a\.yaml:\d: /],
  [
    "assertions:\n  - must_mentoin: x\n",
    "a.yaml:2: assertions[1].must_mentoin is not a field; did you mean must_mention?",
  ],
  [
    "assertions:\n  - for: { persona: terse }\n",
    /^a\.yaml:2: assertions\[1\] checks nothing; name one of must_mention/,
  ],
  [
    "assertions:\n  - must_mention: a\n    for: { persona: silent }\n",
    "a.yaml:3: assertions[1].for is nobody of the list",
  ],
  [
    "assertions:\n  - must_not_say: /(/\n",
    /^a\.yaml:2: assertions\[1\]\.must_not_say\S* is not a regular expression/,
  ],
  [
    "assertions:\n  - extracted_field: { confirm: true }\n",
    "a.yaml:2: assertions[1].extracted_field.confirm is not in the agent's data_extraction_fields; it has confirmed",
  ],
  ["assertions:\n  - outcome: great\n", /^a\.yaml:2: assertions\[1\]\.outcome/],
  ["", /^a\.yaml:1: /],
])("assertions %j", (text, message) => {
  const fault = faultOfAssertions(text);
  if (typeof message === "string") expect(fault).toBe(message);
  else expect(fault).toMatch(message);
});

test.each([
  ["phone,persona\n+12025550101,terse\n12,terse\n", /^p\.csv:3: phone /],
  [
    "phone,persona\n+12025550101,tersse\n",
    /^p\.csv:2: persona "tersse": there is no such person; choose talkative/,
  ],
  ["phone,persona\n+12025550101,busy\n", /^p\.csv:2: persona "busy": nobody talks on such a line/],
  ["phone\n", "p.csv lists nobody"],
  ["name\nAna\n", /^p\.csv.*phone/],
])("people %j", async (text, message) => {
  const fault = await faultOfPeople(text);
  if (typeof message === "string") expect(fault).toBe(message);
  else expect(fault).toMatch(message);
});

test.each([
  ["name: A\nlangauge: en\n", "agent.yaml:2: langauge is not a field; did you mean language?"],
  ["name: A\nlanguage: 7\n", /^agent\.yaml:2: language /],
  ["name: A\ntimezone: Mars/Base\n", /^agent\.yaml:2: timezone /],
])("agent %j", async (text, message) => {
  const fault = await faultOfAgent(text);
  if (typeof message === "string") expect(fault).toBe(message);
  else expect(fault).toMatch(message);
});

test("who picks up is chosen in turn, or is one character for a model", async () => {
  const csv = write("p.csv", "phone\n+12025550101\n+12025550102\n+12025550103\n");
  const people = await readPeople(csv, splitPeople("terse, silent"));
  expect(people.map((person) => person.persona)).toEqual(["terse", "silent", "terse"]);
  expect(splitPeople("model: tired, kind")).toEqual(["model: tired, kind"]);
  expect(() => splitPeople("terse,nobody")).toThrow('persona "nobody": there is no such person');
});

test("assertions are about whom they name, in their own words", () => {
  const file = write(
    "a.yaml",
    "assertions:\n  - must_mention: 'hello   {name}'\n    must_not_say: '/\\d/'\n",
  );
  const assertions = readAssertions(file, PEOPLE, []);
  const held = (words: string) =>
    assertions
      .check([
        {
          person: {
            phone: "+12025550101",
            variables: { name: "Ana" },
            promptOverride: null,
            persona: "terse",
            plays: { kind: "scripted", persona: "terse" },
          },
          transcript: [{ role: "agent", text: words, at: 0, interrupted: false }],
          toolCalls: [],
          endedReason: "completed",
          outcome: "reached",
          answeredBy: "human",
          turns: [],
          avgLatencyMs: null,
          callbackAt: null,
          modelFailures: [],
          analysis: null,
        },
      ])
      .map((failure) => failure.message);
  expect(held("Well, Hello Ana.")).toEqual([]);
  expect(held("Hello Anna 7")).toEqual(['never said "hello   {name}"', 'said "/\\\\d/"']);
});
