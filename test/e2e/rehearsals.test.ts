// The rehearsals that come with the package, run as their page says: with the simulator's model, in
// one command, and once with an assertion that cannot hold.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { loadConfig } from "../../src/app/config.ts";
import { runRehearsal } from "../../src/app/rehearse/run-rehearsal.ts";
import { runCarillon } from "../support/carillon-command.ts";

const ROOT = "examples/rehearsals";

/** What the people of each set must between them bring about. */
const TOOLS: Readonly<Record<string, readonly string[]>> = {
  reminders: ["end_call", "record_opt_out", "request_callback", "transfer_to_human"],
  "lead-qualification": ["end_call", "transfer_to_human"],
  surveys: ["end_call"],
};

test("every set that ships is tried here", () => {
  expect(readdirSync(ROOT).toSorted()).toEqual(Object.keys(TOOLS).toSorted());
});

test.concurrent.each(Object.keys(TOOLS))(
  "%s: every assertion holds",

  async (set) => {
    const file = (name: string) => join(ROOT, set, name);
    const { talks, failures } = await runRehearsal({
      agent: file("agent.yaml"),
      prompt: file("prompt.txt"),
      csv: file("people.csv"),
      people: null,
      assert: file("assertions.yaml"),
      tools: null,
      isModelSimulated: true,
      seed: 1,
      speed: 8,
      config: loadConfig({}, () => null),
      onNotice: () => {},
      onTalk: () => {},
    });
    expect(failures).toEqual([]);
    const called = new Set(talks.flatMap((talk) => talk.toolCalls.map((call) => call.name)));
    expect([...called].toSorted()).toEqual(TOOLS[set]);
  },
);

test("a command whose assertion does not hold prints the talk and ends with 1", async () => {
  const directory = mkdtempSync(join(tmpdir(), "carillon-rehearse-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const csv = join(directory, "people.csv");
  const wrong = join(directory, "assertions.yaml");
  writeFileSync(csv, "phone,name,persona\n+12125550101,Ana,opts_out\n");
  writeFileSync(
    wrong,
    "assertions:\n  - must_mention: a free cruise\n    must_call_tool: record_opt_out\n",
  );
  const { exitCode, printed } = await runCarillon(
    ["rehearse", "--model", "simulated", "--agent", `${ROOT}/reminders/agent.yaml`].concat([
      "--prompt",
      "Remind them.",
      "--csv",
      csv,
      "--assert",
      wrong,
    ]),
    {},
  );
  expect(printed).toContain("Person  ");
  expect(printed).toContain("Hello Ana, I am calling about your");
  expect(printed).toContain('FAILED  +12125550101: never said "a free cruise"');
  expect(printed).not.toContain("did not call");
  expect(exitCode).toBe(1);
});
