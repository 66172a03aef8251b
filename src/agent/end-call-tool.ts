// The tool with which a model hangs up. It takes no destination, amount or address: there is
// nothing to misuse.

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
