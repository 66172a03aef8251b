// The agent's own tools in a rehearsal. Nobody's address is asked unless that is wished for: a tool
// may book or pay. Otherwise each answers what a file says.

import { z } from "zod";
import type { OutboundOutcome } from "../../ports/outbound.ts";
import { createHttpOutbound } from "../outbound/http-outbound.ts";
import { toolRequestOf, type ToolTalk } from "../tool-runner.ts";
import type { RehearsedAgent } from "./rehearsed-agent.ts";
import { readYaml } from "./read-yaml.ts";

/** What `--tools` is called with to have the addresses asked. */
const ASK = "ask";

/** By the tool's name: a text as it is, anything else as JSON. */
const ToolAnswers = z.record(z.string(), z.unknown());

export interface RehearsedTools {
  run(
    talk: ToolTalk,
    call: { readonly name: string; readonly input: unknown },
    signal: AbortSignal,
  ): Promise<OutboundOutcome>;
  close(): Promise<void>;
}

/**
 * @param source `ask`, a file of answers, or null: neither
 * @throws Error in words when a tool of the agent would have no answer
 */
export function openTools(
  { settings, toolHeaders, isFromFile }: RehearsedAgent,
  source: string | null,
): RehearsedTools {
  const tools = settings.tools ?? [];
  if (source === ASK) {
    // Who wrote the file may ask this machine; who stored an agent may not.
    const outbound = createHttpOutbound({
      allowLocal: isFromFile,
      userAgent: "Carillon rehearsal",
    });
    return {
      run: (talk, { name, input }, signal) => {
        const tool = tools.find((each) => each.name === name);
        if (tool === undefined) return Promise.resolve(unknownTool);
        const request = toolRequestOf(tool, talk, input);
        const headers = { "content-type": "application/json", ...toolHeaders[name] };
        return outbound.send({ ...request, headers, signal });
      },
      close: () => outbound.close(),
    };
  }
  const answers = readAnswers(
    tools.map(({ name }) => name),
    source,
  );
  return {
    run: (_talk, { name }) => {
      const body = answers[name];
      return Promise.resolve(
        body === undefined ? unknownTool : { kind: "answered", status: 200, body },
      );
    },
    close: () => Promise.resolve(),
  };
}

const unknownTool = { kind: "forbidden", reason: "the agent has no such tool" } as const;

function readAnswers(
  names: readonly string[],
  file: string | null,
): Readonly<Record<string, string>> {
  if (file === null) {
    if (names.length === 0) return {};
    throw new Error(
      `the agent has tools of its own (${names.join(", ")}); --tools FILE says what they answer, ` +
        "--tools ask has their addresses asked",
    );
  }
  const { value, fault } = readYaml(file, ToolAnswers);
  const strange = Object.keys(value).find((name) => !names.includes(name));
  if (strange !== undefined) throw fault([strange], "is no tool of the agent");
  const missing = names.find((name) => !(name in value));
  if (missing !== undefined) throw fault([], `${missing} has no answer`);
  return Object.fromEntries(
    Object.entries(value).map(([name, answer]) => [
      name,
      typeof answer === "string" ? answer : JSON.stringify(answer),
    ]),
  );
}
