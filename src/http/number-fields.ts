// Between the phone number of the API and its row. Its own settings are one document; pace,
// concurrency and health are those of the carrier account behind it.

import type { NumberSettings } from "../domain/agent-settings.ts";
import { AppError } from "../domain/app-error.ts";
import { parsePhone, type E164 } from "../domain/phone.ts";
import type { PhoneNumberRow } from "../store/phone-numbers.ts";
import { voiceIdPattern } from "./contract/agent.ts";
import type { ParsedUpdateNumberRequest, PhoneNumber } from "./contract/phone-number.ts";
import { definedFields } from "./defined-fields.ts";
import { isoTime } from "./iso-time.ts";

/** What a number has before anybody changed it. null inherits from the agent. */
export const newNumberSettings = {
  custom_prompt: null,
  voice_id: null,
  sms_reply_enabled: false,
  voicemail_leave_enabled: null,
  voicemail_message: null,
  sms_prompt: null,
  web_prompt: null,
  speaking_rate: null,
  dtmf_enabled: null,
  record_call: null,
  recording_source: null,
  webhook_url: null,
  webhook_url_2: null,
} as const satisfies NumberSettings;

/**
 * A number from a path: its + may have arrived as a space (form encoding). null: no phone number.
 */
export function numberFromPath(text: string): E164 | null {
  const parsed = parsePhone(text.replace(/^ /, "+"));
  return parsed.kind === "valid" ? parsed.phone : null;
}

/**
 * The number's settings after an update. @throws AppError `voicemail_message_required`,
 * `invalid_voice_id`.
 */
export function changeNumberSettings(
  before: NumberSettings,
  update: ParsedUpdateNumberRequest,
): NumberSettings {
  const {
    agent_id: _agent,
    outbound_enabled: _outbound,
    twilio_token: _token,
    calls_per_second: _pace,
    max_concurrent_calls: _concurrency,
    ...changes
  } = update;
  const settings: NumberSettings = {
    ...before,
    ...definedFields(changes),
    ...(changes.custom_prompt === "" ? { custom_prompt: null } : {}),
  };
  if (settings.voice_id !== null && !voiceIdPattern.test(settings.voice_id)) {
    throw new AppError("invalid_voice_id", {
      message: "voice_id must be a voice's name, or null for the agent's.",
      details: { field: "voice_id" },
    });
  }
  if (
    settings.voicemail_leave_enabled === true &&
    (settings.voicemail_message ?? "").trim() === ""
  ) {
    throw new AppError("voicemail_message_required", {
      message: "voicemail_leave_enabled needs a voicemail_message to speak.",
      details: { field: "voicemail_message" },
    });
  }
  return settings;
}

export function presentNumber(number: PhoneNumberRow): PhoneNumber {
  // Settings hold exactly the contract's fields: they passed its schema on the way in.
  const settings = { ...newNumberSettings, ...number.settings } as Pick<
    PhoneNumber,
    keyof typeof newNumberSettings
  >;
  return {
    ...settings,
    phone_number: number.phone,
    agent_id: number.agentId,
    provider: "twilio",
    twilio_number_sid: number.carrierNumberId,
    twilio_sid: number.carrierAccountId,
    inbound_enabled: true,
    outbound_enabled: number.outboundEnabled,
    benched_reason: number.benchReason,
    calls_per_second: number.callsPerSecond,
    max_concurrent_calls: number.maxConcurrentCalls,
    account_paused_reason: number.pauseReason,
    created_at: isoTime(number.createdAt),
    updated_at: isoTime(number.updatedAt),
  };
}
