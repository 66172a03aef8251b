// The tools of the engine that a model may call. None takes a destination, amount or address, so
// there is nothing to misuse: a transfer goes to the agent's own number, and what a person says can
// only choose among what the agent may do anyway.

import type { ModelTool } from "../ports/model.ts";

export const END_CALL_TOOL: ModelTool = {
  name: "end_call",
  description:
    "Hang up. Call it when the purpose of the call is settled, the person wants to stop, or the wrong person " +
    "answered. Say goodbye in the same reply, before calling it.",
  inputSchema: {
    type: "object",
    properties: {
      reason: {
        type: "string",
        enum: ["goal_reached", "not_interested", "wrong_person", "call_back_later", "other"],
        description: "Why the call is over.",
      },
    },
    required: ["reason"],
    additionalProperties: false,
  },
};

export const OPT_OUT_TOOL: ModelTool = {
  name: "record_opt_out",
  description:
    "The person does not want to be called again. They never will be. Confirm it and say goodbye in the same reply, " +
    "before calling it: the call ends.",
  inputSchema: { type: "object", properties: {}, additionalProperties: false },
};

export const CALLBACK_TOOL: ModelTool = {
  name: "request_callback",
  description:
    "The person wants to be called again at another time. Agree on a day and a time first. It is answered whether the " +
    "time is possible; only then promise it.",
  inputSchema: {
    type: "object",
    properties: {
      when: {
        type: "string",
        description: "Local date and time, like 2026-12-01T14:30.",
      },
    },
    required: ["when"],
    additionalProperties: false,
  },
};

export const TRANSFER_TOOL: ModelTool = {
  name: "transfer_to_human",
  description:
    "Connect the person to a human colleague. Call it when they ask for a person, or when you cannot help. Tell them in " +
    "the same reply, before calling it.",
  inputSchema: { type: "object", properties: {}, additionalProperties: false },
};

/** The local time in a call of `request_callback`; "" when there is none. */
export function readCallbackTime(input: unknown): string {
  if (typeof input !== "object" || input === null) return "";
  const { when } = input as { readonly when?: unknown };
  return typeof when === "string" ? when : "";
}
