// A language model at the port's border whose replies a test writes down beforehand. It keeps every
// request and knows which replies were cut short.

import type { Model, ModelAnswer, ModelChunk, ModelRequest } from "../../src/ports/model.ts";

/** One step of a reply. */
export type ScriptStep =
  /** A token. */
  | string
  | { readonly tool: string; readonly input?: unknown }
  | { readonly fail: string; readonly retryable?: boolean }
  /** Says nothing more until it is aborted. */
  | { readonly stall: true }
  /** The adapter breaks its promise. */
  | { readonly throws: Error };

export interface ScriptedModel extends Model {
  readonly requests: readonly ModelRequest[];
  /** What was asked to be answered as JSON, as the last message of each. */
  readonly questions: readonly string[];
  /** Replies that were aborted before their end. */
  readonly aborted: number;
  /** Adds replies; each is used once, in order. */
  script(...replies: readonly (readonly ScriptStep[])[]): void;
  /** Answers to questions, in order; without one left, an empty object. */
  scriptAnswers(...answers: readonly ModelAnswer[]): void;
}

/** Replies in the order of the script; without one left, a single "Yes.". */
export function scriptedModel(): ScriptedModel {
  const requests: ModelRequest[] = [];
  const replies: (readonly ScriptStep[])[] = [];
  const answers: ModelAnswer[] = [];
  const questions: string[] = [];
  let aborted = 0;

  async function* speak(
    steps: readonly ScriptStep[],
    signal: AbortSignal,
  ): AsyncGenerator<ModelChunk, void, void> {
    for (const step of steps) {
      // Tokens arrive one by one, never all in one turn of the event loop.
      await new Promise((resolve) => setImmediate(resolve));
      if (typeof step !== "string" && "stall" in step) await untilAborted(signal);
      if (signal.aborted) {
        aborted += 1;
        return;
      }
      if (typeof step === "string") yield { kind: "text", text: step };
      else if ("stall" in step) continue;
      else if ("tool" in step)
        yield { kind: "tool_call", name: step.tool, input: step.input ?? {} };
      else if ("throws" in step) throw step.throws;
      else {
        yield { kind: "failed", retryable: step.retryable ?? true, message: step.fail };
        return;
      }
    }
    yield { kind: "done", inputTokens: null, outputTokens: null };
  }

  return {
    requests,
    questions,
    get aborted() {
      return aborted;
    },
    script: (...more) => {
      replies.push(...more);
    },
    configuration: () => ({ kind: "ready", name: "scripted" }),
    answer: ({ messages }) => {
      questions.push(messages.at(-1)?.content ?? "");
      return Promise.resolve(answers.shift() ?? { kind: "answered", text: "{}" });
    },
    scriptAnswers: (...more) => {
      answers.push(...more);
    },
    reply: (request, signal) => {
      requests.push(request);
      return speak(replies.shift() ?? ["Yes."], signal);
    },
  };
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
