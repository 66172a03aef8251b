// Collects what the person presses or says while and after a prompt plays. The first input ends the
// prompt; the silence that ends the collection starts when the prompt is over.

import type { Pace } from "../pace.ts";
import type { Cancel } from "../simulator-clock.ts";
import type { Collected, CollectOrder } from "../twiml/script-line.ts";
import type { PersonVoice } from "./person-voice.ts";

/** Digits beyond this are a stuck key. */
const MAX_DIGITS = 100;

export async function collectInput(
  pace: Pace,
  voice: PersonVoice,
  order: CollectOrder,
  prompt: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<Collected> {
  const { promise, resolve } = Promise.withResolvers<Collected>();
  const promptStop = new AbortController();
  let digits = "";
  const timer: { cancel: Cancel } = { cancel: () => undefined };
  const finish = (speech: string) => resolve({ digits, speech });
  const waitForMore = () => {
    timer.cancel();
    timer.cancel = pace.afterTalk(order.timeoutMs, () => finish(""));
  };
  const stop = () => {
    promptStop.abort();
    finish("");
  };
  signal.addEventListener("abort", stop);
  voice.setListener({
    personBegan: () => undefined,
    personContinued: () => undefined,
    personEnded: (text) => {
      if (!order.acceptsSpeech) return;
      promptStop.abort();
      finish(text);
    },
    personPressed: (digit) => {
      promptStop.abort();
      if (order.finishOnKey.includes(digit)) return finish("");
      digits += digit;
      if (digits.length >= Math.min(order.maxDigits ?? MAX_DIGITS, MAX_DIGITS)) return finish("");
      waitForMore();
    },
  });
  await prompt(promptStop.signal);
  if (digits === "" && !promptStop.signal.aborted) waitForMore();
  const collected = await promise;
  timer.cancel();
  voice.setListener(null);
  signal.removeEventListener("abort", stop);
  return collected;
}
