// Calls an agent's own tool over HTTP: the arguments and the facts of the call, signed as webhooks
// are, with the headers that the agent has for it. Sent once: a tool may book or pay, so nothing is
// ever tried again by itself.

import type { AgentTool } from "../domain/agent-tool.ts";
import { headersOf } from "../http/agent-tools.ts";
import type { RunTool } from "../http/voice-tools.ts";
import type { JobsDependencies } from "../jobs/jobs-dependencies.ts";
import { signedHeaders } from "../jobs/signed-headers.ts";
import type { Conversation } from "../store/conversations.ts";

export type ToolRunnerParts = Pick<
  JobsDependencies,
  "clock" | "random" | "database" | "outbound" | "secretBox"
>;

export function createToolRunner(parts: ToolRunnerParts): RunTool {
  const { clock, outbound, secretBox } = parts;
  return async (conversation, call, signal) => {
    const tool = conversation.agentSettings.tools?.find(({ name }) => name === call.name);
    if (tool === undefined) return { kind: "forbidden", reason: "the agent has no such tool" };
    const request = toolRequestOf(tool, conversation, call.input);
    const { body } = request;
    // The same for whoever asks twice, another for every call: a receiver can tell them apart.
    const id = `tool_${conversation.callId}_${call.sessionId}_${call.number}`;
    const signed = await signedHeaders(parts, { keyId: conversation.keyId, id, body }, clock.now());
    const headers = { ...headersOf(conversation, secretBox)[tool.name], ...signed };
    return outbound.send({ ...request, headers, signal });
  };
}

/** What a tool learns of the talk that it is called in. */
export interface ToolTalk {
  readonly callId: string;
  readonly agentId: string;
  readonly campaignId: string | null;
  readonly fromNumber: string;
  readonly toNumber: string;
  readonly variables: Conversation["variables"];
}

/** The request to a tool, without its headers. */
export function toolRequestOf(tool: AgentTool, talk: ToolTalk, input: unknown) {
  const payload = {
    event: "tool.call",
    tool: tool.name,
    arguments: input,
    call_id: talk.callId,
    agent_id: talk.agentId,
    campaign_id: talk.campaignId,
    from: talk.fromNumber,
    to: talk.toNumber,
    variables: talk.variables,
  };
  return {
    url: tool.url,
    method: "POST",
    body: JSON.stringify(payload),
    timeoutMs: tool.timeout_seconds * 1_000,
  } as const;
}
