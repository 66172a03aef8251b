// One ConversationRelay session, from the carrier's side, without the network: frames in, frames
// out, the agent's speech through the call's player, the person's speech into prompts. It ends
// exactly once, with one outcome.
//
//   what happens                          | outcome               | socket
//   the call ended or was redirected      | completed             | closed 1000
//   `end` from the other side             | ended + handoffData   | closed 1000 within 90 ms
//   the other side's socket is gone       | failed 64105          | -
//   ten malformed messages in a row       | failed 64105          | closed 1007

import { parseRelayCommand } from "../../carrier/twilio/relay-frames.ts";
import type { RelayCommand } from "../../carrier/twilio/relay-frames.ts";
import type { Call } from "../carrier-model/call.ts";
import type { Dice } from "../dice.ts";
import type { PersonListener } from "../line/person-voice.ts";
import type { SpeechListener, SpeechPlayer } from "../line/speech-player.ts";
import type { Pace } from "../pace.ts";
import type { Cancel } from "../simulator-clock.ts";
import { admits, parseInputKind } from "./relay-settings.ts";
import type { InputKind, RelaySettings } from "./relay-settings.ts";

export type RelayOutcome =
  | { readonly status: "completed" }
  | { readonly status: "ended"; readonly handoffData: string | null }
  | { readonly status: "failed"; readonly errorCode: number; readonly errorMessage: string };

/** The other side of the session. */
export interface RelayPeer {
  send(text: string): void;
  close(code: number, reason: string): void;
}

export interface RelaySessionParts {
  readonly call: Pick<Call, "accountSid" | "sid" | "from" | "to" | "direction">;
  readonly sessionId: string;
  readonly settings: RelaySettings;
  readonly pace: Pace;
  readonly dice: Dice;
  readonly player: SpeechPlayer;
  readonly peer: RelayPeer;
  readonly ended: (outcome: RelayOutcome) => void;
}

const GREETING_MS = 500;
const END_MS = 90;
const MAX_MALFORMED_IN_A_ROW = 10;
/** From the end of speech to the final prompt. */
const ENDPOINT_MS = [350, 800] as const;
const SOUND_MS = 3_000;
const DIGIT_MS = 250;

export class RelaySession implements SpeechListener, PersonListener {
  readonly #parts: RelaySessionParts;
  #isOver = false;
  #isEnding = false;
  #malformedInARow = 0;
  #language: string;
  #interruptible: InputKind;
  #isPreemptible = false;
  /** Final texts not yet sent, waiting for the end of the person's turn. */
  #unsent = "";
  /** Whether what the person says now will be reported at all. */
  #isReported = true;
  #timers = new Set<Cancel>();
  #endpointTimer: Cancel | null = null;
  #interruptTimer: Cancel | null = null;

  constructor(parts: RelaySessionParts) {
    this.#parts = parts;
    this.#language = parts.settings.language;
    this.#interruptible = parts.settings.interruptible;
  }

  /** The socket is open. */
  start(): void {
    const { call, sessionId, settings } = this.#parts;
    this.#send({
      type: "setup",
      sessionId,
      accountSid: call.accountSid,
      parentCallSid: "",
      callSid: call.sid,
      from: call.from,
      to: call.to,
      forwardedFrom: "",
      callType: "PSTN",
      callerName: "",
      direction: call.direction,
      callStatus: "IN_PROGRESS",
      customParameters: settings.parameters,
    });
    if (settings.welcomeGreeting === "") return;
    this.#afterTalk(GREETING_MS, () => {
      this.#interruptible = settings.greetingInterruptible;
      this.#parts.player.addText(settings.welcomeGreeting, true);
    });
  }

  /** One text message from the other side. */
  receive(text: string): void {
    if (this.#isOver || this.#isEnding) return;
    const parsed = parseRelayCommand(text);
    if (parsed.kind === "command") {
      this.#malformedInARow = 0;
      this.#obey(parsed.command);
      return;
    }
    this.#malformedInARow += 1;
    const description = `Invalid message received, code: 64107, ${text.slice(0, 500)}`;
    this.#send({ type: "error", description });
    if (this.#malformedInARow < MAX_MALFORMED_IN_A_ROW) return;
    this.#parts.peer.close(1007, "Too many consecutive malformed messages.");
    this.#finish({ status: "failed", errorCode: 64105, errorMessage: "Websocket ended" });
  }

  /** The other side's socket is gone. */
  peerClosed(): void {
    this.#finish({ status: "failed", errorCode: 64105, errorMessage: "Websocket ended" });
  }

  /** The call ended, or goes on with another script. */
  stop(): void {
    if (this.#isOver) return;
    this.#parts.peer.close(1000, "Closing websocket session");
    this.#finish({ status: "completed" });
  }

  // --- the agent's speech

  began(): void {
    if (this.#parts.settings.sendsSpeakerEvents) this.#sendInfo("agentSpeaking", "on");
  }

  spoke(clause: string): void {
    if (this.#parts.settings.sendsTokensPlayed) this.#sendInfo("tokensPlayed", clause);
  }

  ended(): void {
    if (this.#parts.settings.sendsSpeakerEvents) this.#sendInfo("agentSpeaking", "off");
  }

  wasCut(): void {
    this.ended();
  }

  // --- the person's speech

  personBegan(): void {
    const { settings, player, pace } = this.#parts;
    this.#endpointTimer?.();
    this.#endpointTimer = null;
    if (settings.sendsSpeakerEvents) this.#sendInfo("clientSpeaking", "on");
    this.#isReported = !player.isSpeaking || admits(settings.reportDuringSpeech, "speech");
    if (!player.isSpeaking || !admits(this.#interruptible, "speech")) return;
    this.#interruptTimer = pace.afterTalk(settings.interruptAfterMs, () => this.#interrupt());
  }

  personContinued(soFar: string): void {
    if (!this.#isReported || !this.#parts.settings.sendsPartials) return;
    this.#sendPrompt(joinSpeech(this.#unsent, soFar), false);
  }

  personEnded(text: string): void {
    const { settings, pace, dice } = this.#parts;
    this.#interruptTimer?.();
    this.#interruptTimer = null;
    if (settings.sendsSpeakerEvents) this.#sendInfo("clientSpeaking", "off");
    if (this.#isReported && text !== "") this.#unsent = joinSpeech(this.#unsent, text);
    if (this.#unsent === "") return;
    this.#endpointTimer = pace.afterTalk(dice.between(...ENDPOINT_MS), () => {
      this.#endpointTimer = null;
      const whole = this.#unsent;
      this.#unsent = "";
      this.#sendPrompt(whole, true);
    });
  }

  personPressed(digit: string): void {
    const { settings, player } = this.#parts;
    if (player.isSpeaking && admits(this.#interruptible, "dtmf")) this.#interrupt();
    if (settings.detectsDtmf) this.#send({ type: "dtmf", digit });
  }

  // --- inside

  #obey(command: RelayCommand): void {
    const { player, settings } = this.#parts;
    switch (command.type) {
      case "text":
        this.#preempt(command.preemptible === true && command.last === true);
        this.#interruptible = parseInputKind(command.interruptible, settings.interruptible);
        player.addText(command.token, command.last ?? false);
        return;
      case "play":
        this.#preempt(command.preemptible === true);
        player.addSound(SOUND_MS * (command.loop === 0 ? 1000 : (command.loop ?? 1)));
        return;
      case "sendDigits":
        player.addSound(DIGIT_MS * command.digits.length);
        return;
      case "language":
        this.#language = command.transcriptionLanguage ?? this.#language;
        return;
      case "end":
        this.#isEnding = true;
        this.#timers.add(
          this.#parts.pace.after(END_MS, () => {
            this.#parts.peer.close(1000, "Closing websocket session");
            this.#finish({ status: "ended", handoffData: command.handoffData ?? null });
          }),
        );
    }
  }

  /** A message marked preemptible is cut by the next one. */
  #preempt(nextIsPreemptible: boolean): void {
    if (this.#isPreemptible) this.#parts.player.cut();
    this.#isPreemptible = nextIsPreemptible;
  }

  #interrupt(): void {
    this.#interruptTimer = null;
    const { heard, durationMs } = this.#parts.player.cut();
    this.#isReported = true;
    this.#isPreemptible = false;
    this.#send({
      type: "interrupt",
      utteranceUntilInterrupt: heard,
      durationUntilInterruptMs: durationMs,
    });
  }

  #sendPrompt(voicePrompt: string, last: boolean): void {
    this.#send({ type: "prompt", voicePrompt, lang: this.#language, last });
  }

  #sendInfo(name: string, value: string): void {
    this.#send({ type: "info", name, value });
  }

  #send(frame: object): void {
    if (!this.#isOver) this.#parts.peer.send(JSON.stringify(frame));
  }

  #afterTalk(delayMs: number, run: () => void): void {
    this.#timers.add(this.#parts.pace.afterTalk(delayMs, run));
  }

  #finish(outcome: RelayOutcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const cancel of this.#timers) cancel();
    this.#endpointTimer?.();
    this.#interruptTimer?.();
    this.#parts.player.cut();
    this.#parts.ended(outcome);
  }
}

function joinSpeech(before: string, text: string): string {
  return before === "" ? text : `${before} ${text}`;
}
