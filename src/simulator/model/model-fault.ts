// Which fault strikes one request to the pretend model.

import type { Faults } from "../control/faults.ts";
import type { Dice } from "../dice.ts";

import type { ChatAnswer, OfferedTool, ToolCall } from "./chat-answer.ts";
import { sampleForSchema } from "./schema-sample.ts";

export type StreamFault = "fail_before_first_token" | "fail_mid_stream" | "stall" | "runs_away";

/** What is wrong with an answer that comes whole. */
export type AnswerFault = "empty" | "broken_arguments" | "wrong_arguments" | "unknown_tool";

export interface ModelFault {
  /** Refused with this HTTP status; null: answered. */
  readonly status: number | null;
  /** Added to the wait for the first token. */
  readonly slowMs: number;
  /** What breaks a streamed answer; answers that are not streamed come whole. */
  readonly stream: StreamFault | null;
  readonly answer: AnswerFault | null;
}

export function drawModelFault(dice: Dice, faults: Faults["model"]): ModelFault {
  // Every fault is drawn each time, so that changing one probability leaves the others' dice alone.
  const isThrottled = dice.chance(faults.too_many_requests.probability);
  const isBroken = dice.chance(faults.server_error.probability);
  const { slow } = faults;
  const slowMs = dice.chance(slow.probability) ? dice.between(slow.min_ms, slow.max_ms) : 0;
  const streamKinds = ["fail_before_first_token", "fail_mid_stream", "stall", "runs_away"] as const;
  const answerKinds = ["empty", "broken_arguments", "wrong_arguments", "unknown_tool"] as const;
  const struckStream = streamKinds.filter((kind) => dice.chance(faults[kind].probability));
  const struckAnswer = answerKinds.filter((kind) => dice.chance(faults[kind].probability));
  return {
    status: isThrottled ? 429 : isBroken ? 500 : null,
    slowMs,
    stream: struckStream[0] ?? null,
    answer: struckAnswer[0] ?? null,
  };
}

/** The answer as the fault leaves it. Where no tool is called, the first that was offered is. */
export function spoilAnswer(
  answer: ChatAnswer,
  offered: readonly OfferedTool[],
  fault: AnswerFault | null,
): ChatAnswer {
  switch (fault) {
    case null:
      return answer;
    case "empty":
      return { text: "", toolCalls: [] };
    case "unknown_tool":
      return { ...answer, toolCalls: [{ name: "transfer_money", input: { amount: 1_000 } }] };
    case "broken_arguments":
    case "wrong_arguments":
      return {
        ...answer,
        toolCalls: callsOf(answer, offered).map((call) => spoilCall(call, fault)),
      };
  }
}

function callsOf(answer: ChatAnswer, offered: readonly OfferedTool[]): readonly ToolCall[] {
  const [first] = offered;
  if (answer.toolCalls.length > 0 || first === undefined) return answer.toolCalls;
  return [{ name: first.name, input: sampleForSchema(first.parameters, []) ?? {} }];
}

function spoilCall(call: ToolCall, fault: "broken_arguments" | "wrong_arguments"): ToolCall {
  if (fault === "broken_arguments") return { ...call, isBroken: true };
  return {
    name: call.name,
    input: { when: ["soon", 7], reason: null, destination: "+12025550199" },
  };
}
