// The line of a rehearsed talk: a person, both voices, the carrier's side of the wire and our own
// conversation, wired as they are on a call but with no socket between them.

import pino from "pino";
import { openSession, type SessionOpening } from "../../agent/session.ts";
import type { SessionFacts } from "../../agent/session-events.ts";
import { parseRelayFrame } from "../../carrier/twilio/relay-frames.ts";
import { speechAttributes } from "../../carrier/twilio/speech-attributes.ts";
import type { AgentSettings } from "../../domain/agent-settings.ts";
import { speechOf } from "../../engine/dial-order.ts";
import { voiceEventOf } from "../../http/relay-translation.ts";
import {
  createVoiceSession,
  type VoiceSession,
  type VoiceSessionParts,
} from "../../http/voice-session.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Model } from "../../ports/model.ts";
import type { Dice } from "../../simulator/dice.ts";
import { PersonVoice } from "../../simulator/line/person-voice.ts";
import { SpeechPlayer } from "../../simulator/line/speech-player.ts";
import type { Pace } from "../../simulator/pace.ts";
import type { Person, PersonParts } from "../../simulator/people/person.ts";
import { parseRelaySettings } from "../../simulator/relay/relay-settings.ts";
import { RelaySession } from "../../simulator/relay/relay-session.ts";

/** What a talk is held with. */
export interface Scene {
  readonly from: string;
  readonly to: string;
  readonly settings: AgentSettings;
  readonly opening: SessionOpening;
  readonly model: Model;
  readonly clock: Clock;
  readonly dice: Dice;
  readonly pace: Pace;
  /** Whoever picks up. */
  readonly person: (line: Omit<PersonParts, "dice">) => Person;
  readonly runTool: VoiceSessionParts["runTool"];
}

const RELAY_CONNECT_MS = [450, 950] as const;

/** Holds a talk until the line is dead. null: the conversation said nothing of itself. */
export function holdTalk(scene: Scene): Promise<SessionFacts | null> {
  const { dice, pace, clock } = scene;
  const { promise, resolve } = Promise.withResolvers<SessionFacts | null>();
  let facts: SessionFacts | null = null;
  const voice = new PersonVoice(pace, () => undefined);
  const relay: RelaySession = connectRelay(scene, {
    person: () => person,
    // The reducer's events and the carrier's frames never nest: each is taken in its own turn.
    send: (text) => queueMicrotask(() => hear(session, text)),
    close: () => session.happen({ kind: "closed", how: "hung_up" }),
    ended: () => {
      person.lineClosed();
      voice.setListener(null);
      voice.stop();
      resolve(facts);
    },
  });
  const session = createVoiceSession({
    start: openSession(scene.opening),
    clock,
    model: scene.model,
    socket: {
      send: (text) => queueMicrotask(() => relay.receive(text)),
      close: () => relay.stop(),
    },
    records: {
      record: (snapshot) => {
        // The store knows less of what the conversation hands it.
        facts = snapshot as SessionFacts;
      },
      settled: () => Promise.resolve(),
    },
    log: pino({ level: "silent" }),
    runTool: scene.runTool,
    ended: () => undefined,
  });
  const person = scene.person({ pace, voice, hangUp: () => relay.stop() });
  const answeredAt = clock.now();
  person.pickedUp();
  pace.afterTalk(dice.between(...RELAY_CONNECT_MS), () => {
    voice.setListener(relay);
    session.happen({ kind: "connected", answeredAt });
  });
  return promise;
}

interface Ends {
  readonly person: () => Person;
  readonly send: (text: string) => void;
  readonly close: () => void;
  readonly ended: () => void;
}

/** The carrier's side, with the agent's voice: both it and the person hear what is played. */
function connectRelay(scene: Scene, { person, send, close, ended }: Ends): RelaySession {
  const { from, to, pace, dice } = scene;
  const player = new SpeechPlayer(pace, {
    began: () => {
      relay.began();
      person().agentBegan();
    },
    spoke: (clause) => {
      relay.spoke(clause);
      person().agentSpoke(clause);
    },
    ended: (heard) => {
      relay.ended();
      person().agentEnded(heard);
    },
    wasCut: () => {
      relay.wasCut();
      person().agentWasCut();
    },
  });
  const relay = new RelaySession({
    call: { accountSid: "AC0", sid: "CA0", from, to, direction: "outbound-api" },
    sessionId: "VX0",
    settings: relaySettingsOf(scene.settings),
    pace,
    dice,
    player,
    peer: { send, close },
    ended,
  });
  return relay;
}

function hear(session: VoiceSession, text: string): void {
  const parsed = parseRelayFrame(text);
  const event = parsed.kind === "frame" ? voiceEventOf(parsed.frame) : null;
  if (event !== null) session.happen(event);
}

/** As the carrier reads them in the markup of a call. */
function relaySettingsOf(settings: AgentSettings) {
  const spoken = speechAttributes(speechOf(settings, null));
  const attributes = { url: "wss://rehearsal.invalid", ...spoken };
  const element = { name: "ConversationRelay", attributes, children: [], text: "" };
  const parsed = parseRelaySettings(element);
  if (parsed === null) throw new Error("the markup of a rehearsal names no socket");
  return parsed;
}
