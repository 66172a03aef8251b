// Recorded talks, replayed: the carrier's frames and the model's tokens in, and every byte that
// went back to the carrier compared with what went back when it was recorded. A change of a golden
// file is a change of what people hear.

import { readdirSync, readFileSync } from "node:fs";

import { expect, test } from "vitest";
import type { SessionEffect } from "../../src/agent/session-events.ts";
import type { SessionPlan } from "../../src/agent/session-state.ts";
import { formatRelayCommand, parseRelayFrame } from "../../src/carrier/twilio/relay-frames.ts";
import { endCommandOf, textCommandOf, voiceEventOf } from "../../src/http/relay-translation.ts";
import { Talk } from "../agent/talk.ts";

const FOLDER = new URL("replays/", import.meta.url);
/** Longer than any closing line takes. */
const AFTERWARDS_MS = 60_000;

interface Head {
  readonly plan: Partial<SessionPlan>;
}

interface Line {
  /** Milliseconds since the connection. */
  readonly at: number;
  /** A frame of the carrier, as it came. */
  readonly frame?: object;
  /** Something of the model, about the turn that is running. */
  readonly model?: {
    readonly text?: string;
    readonly tool?: string;
    readonly input?: unknown;
    readonly done?: true;
    readonly failed?: true;
  };
  readonly closed?: "hung_up" | "lost";
}

function replay(name: string): string {
  const [head, ...lines] = readFileSync(new URL(`${name}.events.jsonl`, FOLDER), "utf8")
    .trim()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
  const talk = new Talk((head as Head).plan).connect();
  const startedAt = talk.now;
  const frames: string[] = talk.effects.flatMap((effect) => frameOf(effect, 0));
  const note = (effects: readonly SessionEffect[]) => {
    frames.push(...effects.flatMap((effect) => frameOf(effect, talk.now - startedAt)));
  };
  const passTo = (at: number) => {
    // Step by step, so that a frame carries the instant of its timer.
    for (let next = talk.nextTimer(); next !== null && next.at - startedAt <= at;) {
      note(talk.pass(Math.ceil(next.at) - talk.now));
      next = talk.nextTimer();
    }
    talk.pass(startedAt + at - talk.now);
  };
  for (const line of lines as readonly Line[]) {
    passTo(line.at);
    note(feed(talk, line));
  }
  passTo(talk.now - startedAt + AFTERWARDS_MS);
  return `${frames.join("\n")}\n`;
}

function feed(talk: Talk, { frame, model, closed }: Line): readonly SessionEffect[] {
  if (frame !== undefined) {
    const parsed = parseRelayFrame(JSON.stringify(frame));
    const event = parsed.kind === "frame" ? voiceEventOf(parsed.frame) : null;
    if (event === null) throw new Error(`no event: ${JSON.stringify(frame)}`);
    return talk.happen(event);
  }
  if (closed !== undefined) return talk.happen({ kind: "closed", how: closed });
  const { turnId } = talk.state;
  if (model?.tool !== undefined) {
    return talk.happen({ kind: "modelToolCall", turnId, name: model.tool, input: model.input });
  }
  if (model?.done === true) return talk.happen({ kind: "modelDone", turnId });
  if (model?.failed === true) return talk.happen({ kind: "modelFailed", turnId, retryable: true });
  return talk.token(model?.text ?? "");
}

function frameOf(effect: SessionEffect, at: number): readonly string[] {
  if (effect.kind === "speak") return [`${at} ${formatRelayCommand(textCommandOf(effect))}`];
  if (effect.kind === "end") return [`${at} ${formatRelayCommand(endCommandOf(effect.cause))}`];
  return [];
}

const NAMES = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".events.jsonl"))
  .map((file) => file.replace(".events.jsonl", ""));

test.each(NAMES)("%s replays to the same bytes", async (name) => {
  const frames = replay(name);
  expect(replay(name)).toBe(frames);
  await expect(frames).toMatchFileSnapshot(`replays/${name}.frames.txt`);
});
