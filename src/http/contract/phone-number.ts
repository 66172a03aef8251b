// Phone numbers (contract B.10): import, list, update, delete, and the webhook addresses of one
// number (B.12). camelCase aliases of the import are given their real names by `importAliases`
// before validation.

import { z } from "zod";

import { speakingRate } from "./agent.ts";
import type { FieldCodes } from "./field-codes.ts";

const MAX_CUSTOM_PROMPT_LENGTH = 8_000;
const MAX_VOICEMAIL_MESSAGE_LENGTH = 2_000;
const MAX_IGNORED_PROMPT_LENGTH = 20_000;
// Carriers sell up to a few hundred on request; more is a typing error.
const MAX_CALLS_PER_SECOND = 1_000;
const MAX_CONCURRENT_CALLS = 100_000;

const callsPerSecond = z
  .number()
  .min(0.01)
  .max(MAX_CALLS_PER_SECOND)
  .describe(
    "Calls started per second on the carrier account; shared by all of its numbers. 1 unless given.",
  );

const maxConcurrentCalls = z
  .int()
  .min(0)
  .max(MAX_CONCURRENT_CALLS)
  .nullable()
  .describe("Calls the carrier account may have up at once; null: no limit that we know of.");

const customPrompt = z.string().max(MAX_CUSTOM_PROMPT_LENGTH).nullable();
const token = z.string().min(1).max(128);

/** Other spellings that the import accepts (contract B.2.9). */
export const importAliases: Readonly<Record<string, string>> = {
  phoneNumber: "phone_number",
  twilioSid: "twilio_sid",
  twilioToken: "twilio_token",
  telnyxApiKey: "telnyx_api_key",
  telnyxConnectionId: "telnyx_connection_id",
  agentId: "agent_id",
  customPrompt: "custom_prompt",
};

export const ImportNumberRequest = z
  .object({
    phone_number: z.string().min(1).max(64).describe("E.164."),
    agent_id: z.string().min(1).max(64),
    twilio_sid: z.string().min(1).max(64).describe("Twilio account SID: AC and 32 hex characters."),
    twilio_token: token.describe("Kept encrypted."),
    custom_prompt: customPrompt.optional(),
    calls_per_second: callsPerSecond.optional(),
    max_concurrent_calls: maxConcurrentCalls.optional(),
  })
  .meta({
    id: "ImportNumber",
    examples: [
      {
        phone_number: "+12025550100",
        agent_id: "agent_125207e452f8714a",
        twilio_sid: "AC00000000000000000000000000000000",
        twilio_token: "00000000000000000000000000000000",
        calls_per_second: 1,
      },
    ],
  });
export type ImportNumberRequest = z.input<typeof ImportNumberRequest>;
export type ParsedImportNumberRequest = z.output<typeof ImportNumberRequest>;

const updateFields = {
  custom_prompt: customPrompt.describe("null or empty clears."),
  voice_id: z.string().max(100).nullable().describe("null: the agent's."),
  sms_reply_enabled: z.boolean(),
  voicemail_leave_enabled: z.boolean().nullable(),
  voicemail_message: z.string().max(MAX_VOICEMAIL_MESSAGE_LENGTH).nullable(),
  sms_prompt: z.string().max(MAX_IGNORED_PROMPT_LENGTH).nullable(),
  web_prompt: z.string().max(MAX_IGNORED_PROMPT_LENGTH).nullable(),
  speaking_rate: speakingRate,
  dtmf_enabled: z.boolean().nullable(),
  record_call: z.boolean().nullable(),
  recording_source: z.string().max(32).nullable(),
  agent_id: z.string().min(1).max(64).describe("Attaches the number to this agent."),
  outbound_enabled: z
    .boolean()
    .describe("true also takes back a bench that the carrier's refusal caused."),
  twilio_token: token.describe(
    "Verified at the carrier first; the old one stays good for 24 hours.",
  ),
  calls_per_second: callsPerSecond,
  max_concurrent_calls: maxConcurrentCalls,
};

export const UpdateNumberRequest = z
  .object(updateFields)
  .partial()
  .meta({ id: "UpdateNumber", examples: [{ outbound_enabled: false }] });
export type UpdateNumberRequest = z.input<typeof UpdateNumberRequest>;
export type ParsedUpdateNumberRequest = z.output<typeof UpdateNumberRequest>;

export const updateNumberFields: readonly string[] = Object.keys(updateFields);

export const PhoneNumber = z
  .object({
    phone_number: z.string(),
    agent_id: z.string().nullable().describe("null: its agent was deleted."),
    provider: z.literal("twilio"),
    twilio_number_sid: z.string().nullable(),
    twilio_sid: z.string().describe("The carrier account it belongs to."),
    inbound_enabled: z
      .literal(true)
      .describe("Always true: incoming calls stay as you set them at the carrier."),
    outbound_enabled: z.boolean(),
    benched_reason: z.string().nullable().describe("Why the carrier refused to call from it."),
    calls_per_second: z.number(),
    max_concurrent_calls: z.number().nullable(),
    account_paused_reason: z.string().nullable(),
    custom_prompt: z.string().nullable(),
    voice_id: z.string().nullable(),
    sms_reply_enabled: z.boolean(),
    voicemail_leave_enabled: z.boolean().nullable(),
    voicemail_message: z.string().nullable(),
    sms_prompt: z.string().nullable(),
    web_prompt: z.string().nullable(),
    speaking_rate: z.number().nullable(),
    dtmf_enabled: z.boolean().nullable(),
    record_call: z.boolean().nullable(),
    recording_source: z.string().nullable(),
    webhook_url: z.string().nullable(),
    webhook_url_2: z.string().nullable(),
    created_at: z.string(),
    updated_at: z.string(),
  })
  .meta({ id: "PhoneNumber" });
export type PhoneNumber = z.infer<typeof PhoneNumber>;

export const OnePhoneNumber = z
  .object({ phone_number: PhoneNumber })
  .meta({ id: "OnePhoneNumber" });

export const PhoneNumberList = z
  .object({ phone_numbers: z.array(PhoneNumber), count: z.number() })
  .meta({ id: "PhoneNumberList" });

export const DeletedNumber = z
  .object({ phone_number: z.object({ phone_number: z.string(), deleted: z.literal(true) }) })
  .meta({ id: "DeletedNumber" });

export const NumberListQuery = z.object({ agent_id: z.string().max(64).optional() });

export const NumberParams = z.object({
  number: z.string().describe("E.164; the + may be encoded or raw."),
});

export const NumberWebhookRequest = z
  .object({ url: z.string().min(1).max(2048).describe("https address.") })
  .meta({ id: "NumberWebhook", examples: [{ url: "https://example.com/carillon" }] });

export const SetNumberWebhook = z
  .object({
    ok: z.literal(true),
    phone_number: z.string(),
    url: z.string(),
    webhook_url: z.string(),
  })
  .meta({ id: "SetNumberWebhook" });

export const NumberWebhook = z
  .object({
    phone_number: z.string(),
    webhook_url: z.string().nullable().optional(),
    webhook_url_2: z.string().nullable().optional(),
    is_set: z.boolean(),
  })
  .meta({ id: "NumberWebhookState" });

export const DeletedNumberWebhook = z
  .object({ ok: z.literal(true), deleted: z.literal(true), phone_number: z.string() })
  .meta({ id: "DeletedNumberWebhook" });

export const importFieldCodes: FieldCodes = {
  custom_prompt: { too_long: "custom_prompt_too_long" },
  phone_number: { too_long: "invalid_phone_format", isRequired: true },
  agent_id: { isRequired: true },
  twilio_sid: { too_long: "invalid_twilio_sid", isRequired: true },
  twilio_token: { isRequired: true },
};

export const numberFieldCodes: FieldCodes = {
  custom_prompt: { too_long: "custom_prompt_too_long" },
  voice_id: { any: "invalid_voice_id" },
};

export const numberWebhookFieldCodes: FieldCodes = {
  url: { too_long: "invalid_url", isRequired: true },
};
