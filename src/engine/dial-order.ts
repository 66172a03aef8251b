// What the carrier is asked for, from the agent's and the number's settings. A number's own setting
// wins over its agent's.

import type { AgentSettings, NumberSettings } from "../domain/agent-settings.ts";
import { MAX_TRANSFER_SECONDS, TRANSFER_RING_SECONDS } from "../domain/transfer-limits.ts";
import type { DialOrder, SpeechSettings } from "../ports/carrier.ts";
import type { GatedCall } from "../store/gate.ts";
import { RING_TIMEOUT_SECONDS } from "./look-up-times.ts";

/** The carrier cuts the call this much after the conversation should have ended it. */
const TIME_LIMIT_MARGIN_SECONDS = 15;
/** The carrier takes no time limit below a minute. */
const MIN_TIME_LIMIT_SECONDS = 60;

export function dialOrderOf(call: GatedCall): DialOrder {
  const agent = call.agentSettings;
  const number = call.numberSettings;
  return {
    callId: call.id,
    dialNumber: call.dialNumber,
    to: call.toNumber,
    from: call.fromNumber,
    ringTimeoutSeconds: RING_TIMEOUT_SECONDS,
    maxCallDurationSeconds: Math.max(
      MIN_TIME_LIMIT_SECONDS,
      agent.max_call_duration_seconds + TIME_LIMIT_MARGIN_SECONDS + transferSeconds(agent),
    ),
    // The conversation recognises machines by itself on every call (contract A.6, B.7); the
    // carrier's detection costs extra.
    detectMachine: agent.amd_enabled,
    isRecorded: call.isRecorded,
    speech: speechOf(agent, number),
  };
}

// The conversation ends itself when its time is up; the talk with a colleague goes on after it.
function transferSeconds({ transfer_number }: AgentSettings): number {
  return (transfer_number ?? "") === "" ? 0 : TRANSFER_RING_SECONDS + MAX_TRANSFER_SECONDS;
}

/** How the carrier is to hear and speak. `number` null: the agent's own settings. */
export function speechOf(agent: AgentSettings, number: NumberSettings | null): SpeechSettings {
  return {
    language: agent.language,
    voiceId: number?.voice_id ?? agent.voice_id,
    speakingRate: number?.speaking_rate ?? agent.speaking_rate,
    interruptionSensitivity: agent.interruption_sensitivity,
    boostedKeywords: keywordsOf(agent.boosted_keywords),
    dtmfEnabled: number?.dtmf_enabled ?? agent.dtmf_enabled ?? false,
  };
}

function keywordsOf(list: string | null): readonly string[] {
  return (list ?? "")
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}
