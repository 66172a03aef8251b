// One answered call: the person on one side, the script on the other, the agent's and the person's
// voices between them. It writes the transcript (what could be heard) into the books and asks the
// carrier to hang up; it never ends a call by itself.

import type { WebSocket } from "ws";
import type { Account } from "./carrier-model/account.ts";
import type { Call } from "./carrier-model/call.ts";
import type { Carrier } from "./carrier-model/carrier.ts";
import type { PhoneLine } from "./carrier-model/phone-line.ts";
import { drawDelay } from "./carrier-model/carrier-delays.ts";
import type { CarrierDelays } from "./carrier-model/carrier-delays.ts";
import type { CallbackTarget, CreateCallRequest } from "./carrier-model/create-call-request.ts";
import type { Faults } from "./control/faults.ts";
import { openDice, type Dice } from "./dice.ts";
import { collectInput } from "./line/collect-input.ts";
import { PersonVoice } from "./line/person-voice.ts";
import { SpeechPlayer } from "./line/speech-player.ts";
import type { SpeechListener } from "./line/speech-player.ts";
import type { Pace } from "./pace.ts";
import type { Person, PersonParts } from "./people/person.ts";
import { connectRelay } from "./relay/connect-relay.ts";
import { runAside } from "./run-aside.ts";
import type { RelayOutcome, RelaySession } from "./relay/relay-session.ts";
import { drawRelayTrouble } from "./relay/relay-trouble.ts";
import { parseRelaySettings } from "./relay/relay-settings.ts";
import type { SimulatorLog } from "./simulator-log.ts";
import type { TwimlElement } from "./twiml/parse-twiml.ts";
import { runScript } from "./twiml/run-script.ts";
import type {
  Collected,
  CollectOrder,
  FetchOutcome,
  ScriptLine,
  ScriptSource,
  StopReason,
  VerbResult,
} from "./twiml/script-line.ts";
import { formatRfc2822, standardFields } from "./webhooks/call-fields.ts";
import type { CallbackSender } from "./webhooks/status-callbacks.ts";
import type { WebhookClient } from "./webhooks/webhook-client.ts";

export interface LiveCallParts {
  readonly pace: Pace;
  readonly dice: Dice;
  readonly log: SimulatorLog;
  readonly delays: CarrierDelays;
  readonly faults: () => Faults;
  readonly findAccount: (accountSid: string) => Account | null;
  readonly webhooks: WebhookClient;
  readonly callbacks: CallbackSender;
  readonly carrier: () => Carrier;
  readonly lineOf: (phone: string) => PhoneLine;
  readonly sockets: Set<WebSocket>;
  /** Puts the phone's person on the line. */
  readonly createPerson: (call: Call, parts: Omit<PersonParts, "dice">) => Person;
}

interface OpenRecording {
  readonly callback: CallbackTarget | null;
  readonly events: ReadonlySet<string>;
  readonly startedAt: number;
}

/**
 * From the markup to the socket's handshake; the person waits meanwhile, so it counts as talking
 * time.
 */
const RELAY_CONNECT_MS = [450, 950] as const;

export class LiveCall implements ScriptLine, SpeechListener {
  readonly call: Call;
  readonly #parts: LiveCallParts;
  readonly #voice: PersonVoice;
  readonly #player: SpeechPlayer;
  readonly #person: Person;
  #relay: RelaySession | null = null;
  #recording: OpenRecording | null = null;
  #stop = new AbortController();
  #script: Promise<void> = Promise.resolve();
  /** Runs when the agent falls silent. */
  #silent: () => void = () => undefined;

  constructor(parts: LiveCallParts, call: Call) {
    const { pace } = parts;
    this.call = call;
    this.#parts = parts;
    this.#voice = new PersonVoice(pace, (text, wasInterrupted) => {
      call.transcript.push({ at: pace.now(), speaker: "person", text, wasInterrupted });
    });
    this.#player = new SpeechPlayer(pace, this);
    const hangUp = () => {
      parts.carrier().hangUp(call, "the person hung up");
    };
    this.#person = parts.createPerson(call, { pace, voice: this.#voice, hangUp });
  }

  /** The person says hello. */
  pickUp(): void {
    this.#person.pickedUp();
  }

  /** Starts the call's script, or replaces the running one. */
  run(script: CreateCallRequest["script"], fields: Readonly<Record<string, string>> = {}): void {
    this.#stopScript("redirected");
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    const source: ScriptSource = script.kind === "inline" ? script : { ...script, fields };
    this.#script = runScript(this, source, signal, this.#parts.log).then((end) => {
      if (end !== "stopped") this.#parts.carrier().hangUp(this.call, end);
    });
  }

  /** The call has ended. Resolves when the script has sent its last request. */
  async end(): Promise<void> {
    this.#person.lineClosed();
    this.#voice.stop();
    this.#voice.setListener(null);
    this.#stopScript("call_ended");
    await this.#script;
    this.#finishRecording();
  }

  // --- what the person hears

  began(): void {
    this.#relay?.began();
    this.#person.agentBegan();
  }

  spoke(clause: string): void {
    this.#relay?.spoke(clause);
    this.#person.agentSpoke(clause);
  }

  ended(heard: string): void {
    this.#recordAgent(heard, false);
    this.#relay?.ended();
    this.#person.agentEnded(heard);
  }

  wasCut(heard: string): void {
    this.#recordAgent(heard, true);
    this.#relay?.wasCut();
    this.#person.agentWasCut();
  }

  // --- what a script can do

  lineOf(phone: string): PhoneLine {
    return this.#parts.lineOf(phone);
  }

  async speak(text: string, signal: AbortSignal): Promise<void> {
    if (text === "") return;
    this.#player.addText(text, true);
    await this.#whenSilent(signal);
  }

  async playSound(durationMs: number, signal: AbortSignal): Promise<void> {
    this.#player.addSound(durationMs);
    await this.#whenSilent(signal);
  }

  pause(durationMs: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (signal.aborted) return Promise.resolve();
    const cancel = this.#parts.pace.afterTalk(durationMs, resolve);
    const stop = () => {
      cancel();
      resolve();
    };
    signal.addEventListener("abort", stop);
    return promise.finally(() => signal.removeEventListener("abort", stop));
  }

  collect(
    order: CollectOrder,
    prompt: (signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ): Promise<Collected> {
    return collectInput(this.#parts.pace, this.#voice, order, prompt, signal);
  }

  async fetch(source: Extract<ScriptSource, { kind: "fetched" }>): Promise<FetchOutcome> {
    const form = standardFields(this.call, this.call.status);
    for (const [name, value] of Object.entries(source.fields)) form.set(name, value);
    const authToken = this.#parts.findAccount(this.call.accountSid)?.authToken ?? "";
    const idempotencyToken = this.#parts.dice.hex(24);
    const { webhooks } = this.#parts;
    const { target } = source;
    const outcome = await webhooks.send({ authToken, target, form, idempotencyToken });
    if (outcome.kind === "failed" || outcome.status >= 400) return { kind: "failed", code: 11200 };
    const isXml = /xml/i.test(outcome.contentType) || outcome.body.trim() === "";
    return isXml ? { kind: "fetched", twiml: outcome.body } : { kind: "failed", code: 12300 };
  }

  startRecording(callback: CallbackTarget | null, events: ReadonlySet<string>): void {
    this.#recording ??= { callback, events, startedAt: this.#parts.pace.now() };
  }

  async connectRelay(
    relay: TwimlElement,
    action: CallbackTarget | null,
    signal: AbortSignal,
  ): Promise<VerbResult> {
    const { pace, dice, delays } = this.#parts;
    await this.pause(dice.between(...RELAY_CONNECT_MS), signal);
    if (signal.aborted) return { kind: "next" };
    const sessionId = `VX${dice.hex(32)}`;
    const startedAt = pace.now();
    const outcome = await this.#openRelay(relay, sessionId, signal);
    if (signal.reason === ("redirected" satisfies StopReason)) return { kind: "next" };
    if (action === null) return { kind: "next" };
    const { promise, resolve } = Promise.withResolvers<void>();
    const seconds = Math.round((pace.now() - startedAt) / 1000);
    pace.after(drawDelay(dice, delays.closeToAction), resolve);
    await promise;
    const fields = actionFields(sessionId, seconds, outcome);
    const source: ScriptSource = { kind: "fetched", target: action, fields };
    if (!signal.aborted) return { kind: "go", source };
    // The call is over: the request is made all the same, its answer changes nothing.
    runAside(this.fetch(source), this.#parts.log, "connect action");
    return { kind: "next" };
  }

  #openRelay(relay: TwimlElement, sessionId: string, signal: AbortSignal): Promise<RelayOutcome> {
    const { pace, dice, faults, findAccount, sockets } = this.#parts;
    const settings = parseRelaySettings(relay);
    // Dice of its own: what goes wrong on one socket leaves everything else as it was.
    const trouble = drawRelayTrouble(openDice(sessionId, "trouble"), faults().relay);
    if (settings === null) {
      const errorMessage = "The address is not a WebSocket address";
      return Promise.resolve({ status: "failed", errorCode: 64102, errorMessage });
    }
    return connectRelay({
      authToken: findAccount(this.call.accountSid)?.authToken ?? "",
      session: { call: this.call, sessionId, settings, pace, dice, player: this.#player },
      trouble,
      signal,
      sockets,
      attach: (session) => {
        this.#relay = session;
        this.#voice.setListener(session);
      },
    });
  }

  #stopScript(reason: StopReason): void {
    this.#stop.abort(reason);
    this.#player.cut();
  }

  #whenSilent(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#silent = resolve;
    const stop = () => {
      this.#player.cut();
      resolve();
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop);
    return promise.finally(() => signal.removeEventListener("abort", stop));
  }

  #recordAgent(text: string, wasInterrupted: boolean): void {
    this.#silent();
    if (text === "") return;
    const at = this.#parts.pace.now();
    this.call.transcript.push({ at, speaker: "agent", text, wasInterrupted });
  }

  #finishRecording(): void {
    const recording = this.#recording;
    if (recording === null) return;
    const { pace, dice, callbacks, faults } = this.#parts;
    const { sid, accountSid } = this.call;
    const recordingSid = `RE${dice.hex(32)}`;
    const isAbsent = dice.chance(faults().recordings.absent.probability);
    const status = isAbsent ? "absent" : "completed";
    const durationSeconds = Math.round((pace.now() - recording.startedAt) / 1000);
    if (!isAbsent) {
      const { startedAt } = recording;
      this.call.recordings.push({
        sid: recordingSid,
        startedAt,
        durationSeconds,
        isDeleted: false,
      });
    }
    if (recording.callback === null || !recording.events.has(status)) return;
    const form = new URLSearchParams({
      AccountSid: accountSid,
      CallSid: sid,
      RecordingSid: recordingSid,
      RecordingUrl: `https://api.twilio.com/2010-04-01/Accounts/${accountSid}/Recordings/${recordingSid}`,
      RecordingStatus: status,
      RecordingDuration: String(durationSeconds),
      RecordingChannels: "2",
      RecordingStartTime: formatRfc2822(recording.startedAt),
      RecordingSource: "StartCallRecordingTwiML",
      RecordingTrack: "both",
    });
    callbacks.send(this.call, recording.callback, form);
  }
}

function actionFields(
  sessionId: string,
  seconds: number,
  outcome: RelayOutcome,
): Record<string, string> {
  const fields: Record<string, string> = {
    SessionId: sessionId,
    SessionDuration: String(seconds),
    SessionStatus: outcome.status,
  };
  if (outcome.status === "ended" && outcome.handoffData !== null) {
    fields["HandoffData"] = outcome.handoffData;
  }
  if (outcome.status === "failed") {
    fields["ErrorCode"] = String(outcome.errorCode);
    fields["ErrorMessage"] = outcome.errorMessage;
  }
  return fields;
}
