// Agents: every field of contract B.9 with its default and limit. Fields marked "ignored" are
// accepted, kept and answered so that clients of the hosted product work unchanged, and mean
// nothing here.

import { z } from "zod";

import { AgentTools, AnsweredTools } from "./agent-tool.ts";
import type { FieldCodes } from "./field-codes.ts";
import { pageFields } from "./page.ts";

/** Contract B.9. */
export const MAX_SYSTEM_PROMPT_LENGTH = 16_000;
// Each of these is spoken in one breath or two.
const MAX_SPOKEN_LENGTH = 2_000;
// What browsers and servers agree to carry.
const MAX_URL_LENGTH = 2_048;
/** A name, a role and a sentence. */
const MAX_ATTESTATION_LENGTH = 500;
const MAX_KEYWORDS = 50;
// Ignored texts are kept too, so they are bounded too (the contract's own bound for such prompts).
const MAX_IGNORED_TEXT_LENGTH = 20_000;

const LANGUAGES = "en|es|fr|de|it|pt|nl|hi|ru|ja|ar|he|ko|zh|pl";

/** `multi`, one of the contract's codes, or one with a region (`en-GB`). */
export const languagePattern = new RegExp(`^(multi|(${LANGUAGES})(-([A-Z]{2}|[0-9]{3}))?)$`);
/** A voice's name at the speech vendor; whether it exists is known only there. */
export const voiceIdPattern = /^[A-Za-z0-9][A-Za-z0-9 ._:/+-]{0,99}$/;

const ignored = "Accepted, kept and answered; means nothing here.";
const spoken = z.string().max(MAX_SPOKEN_LENGTH);
const flag = z.boolean();

/** Speaking rates out of range are clamped, not refused (contract B.9). */
export const speakingRate = z
  .number()
  .transform((rate) => Math.min(1.5, Math.max(0.5, rate)))
  .nullable()
  .describe("Rate of speech, clamped to 0.5–1.5; null: the voice's own.");

const keywords = z
  .string()
  .max(MAX_SPOKEN_LENGTH)
  .refine(
    (text) => text.split(",").length <= MAX_KEYWORDS,
    `must hold at most ${MAX_KEYWORDS} words`,
  )
  .nullable()
  .describe(`Words to expect, separated by commas, at most ${MAX_KEYWORDS}.`);

const extractionField = z.object({
  type: z.enum(["text", "selector", "boolean", "number"]),
  name: z.string().min(1).max(64),
  description: z.string().max(500),
  optional: z.boolean().optional(),
  choices: z.array(z.string().max(100)).max(50).optional(),
  format_example: z.string().max(200).optional(),
});

// The fields without their defaults: what an update may hold.
const fields = {
  name: z.string().max(100),
  is_active: flag.describe("An inactive agent is not listed and cannot call."),
  timezone: z
    .string()
    .max(64)
    .nullable()
    .describe("IANA zone of its calling windows; null: Europe/London."),
  system_prompt: z.string().max(MAX_SYSTEM_PROMPT_LENGTH),
  welcome_message: spoken.describe("Spoken at answer."),
  voice_id: z
    .string()
    .regex(voiceIdPattern, "must be a voice's name of at most 100 letters, digits and . _ : / + -"),
  language: z
    .string()
    .regex(languagePattern, `must be multi or one of ${LANGUAGES.replaceAll("|", ", ")}`),
  temperature: z.number().min(0).max(1),
  response_length: z.enum(["short", "medium", "long"]),
  ai_speaks_first: flag.describe(
    "false: the model answers the person's first words, and the opening is for who says nothing.",
  ),
  greeting_mode: z
    .enum(["after_hello", "at_once"])
    .describe(
      "When the opening is spoken: after the person's hello or a short silence, or at once.",
    ),
  dynamic_greeting: flag.describe(
    "true: the model writes the opening while the phone rings; welcome_message is for when it is late.",
  ),
  disclosure_enabled: flag.describe(
    "The engine says first that an automated assistant is calling. Off needs disclosure_attestation.",
  ),
  disclosure_attestation: z
    .string()
    .max(MAX_ATTESTATION_LENGTH)
    .nullable()
    .describe("Who answers for calls without the disclosure, and why they may be made."),
  business_name: z
    .string()
    .max(100)
    .nullable()
    .describe("Who the agent calls for, as the disclosure names them."),
  interruption_sensitivity: z.int().min(0).max(100),
  response_eagerness: z.int().min(0).max(1000).describe("Milliseconds."),
  boosted_keywords: keywords,
  pickup_delay: z.int().min(5).max(30).describe("Seconds."),
  max_call_duration_seconds: z.int().min(60).max(1800),
  silence_hangup_seconds: z.int().min(5).max(45),
  record_call: flag.describe(
    "The carrier records the call; the engine says so before anything else.",
  ),
  recording_source: z.string().max(32).describe(ignored),
  amd_enabled: flag.describe("The carrier's voicemail detection."),
  dtmf_enabled: flag.nullable(),
  voicemail_leave_enabled: flag.describe("Needs voicemail_message."),
  voicemail_message: spoken.nullable().describe("Spoken word for word on voicemail."),
  webhook_url: z
    .string()
    .max(MAX_URL_LENGTH)
    .nullable()
    .describe("https address that hears about its calls."),
  func_end_call: flag,
  func_send_sms: flag.describe(ignored),
  func_cold_transfer: flag.describe(ignored),
  incall_sms_enabled: flag.describe(ignored),
  transfer_whisper: z.string().max(MAX_SPOKEN_LENGTH).nullable(),
  transfer_type: z.enum(["cold", "warm"]),
  transfer_number: z
    .string()
    .max(64)
    .nullable()
    .describe("E.164 phone of a person to hand over to."),
  voice_speed: z.number().describe(ignored),
  speaking_rate: speakingRate,
  greet_by_name: flag,
  fallback_message: spoken,
  post_call_sms_enabled: flag.describe(ignored),
  post_call_sms_template: z.string().max(MAX_IGNORED_TEXT_LENGTH).nullable().describe(ignored),
  data_extraction_fields: z.array(extractionField).max(50),
  phone_number: z.string().max(64).nullable().describe(ignored),
  tools: AgentTools,
};

/** What a new agent has unless the request says otherwise (contract B.9, field table). */
export const agentDefaults = {
  name: "Untitled Agent",
  is_active: true,
  timezone: null,
  system_prompt: "You are a friendly assistant on the phone. Keep your answers short and clear.",
  welcome_message: "Hello! How can I help you today?",
  voice_id: "Ashley",
  language: "multi",
  temperature: 0.3,
  response_length: "short",
  ai_speaks_first: true,
  greeting_mode: "after_hello",
  dynamic_greeting: false,
  disclosure_enabled: true,
  disclosure_attestation: null,
  business_name: null,
  interruption_sensitivity: 50,
  response_eagerness: 200,
  boosted_keywords: null,
  pickup_delay: 10,
  max_call_duration_seconds: 600,
  silence_hangup_seconds: 30,
  // The contract's default is true; here nobody is recorded unless somebody asked for it (DESIGN
  // §5).
  record_call: false,
  recording_source: "provider",
  amd_enabled: false,
  dtmf_enabled: null,
  voicemail_leave_enabled: false,
  voicemail_message: null,
  webhook_url: null,
  func_end_call: true,
  func_send_sms: false,
  func_cold_transfer: false,
  incall_sms_enabled: false,
  transfer_whisper: null,
  transfer_type: "cold",
  transfer_number: null,
  voice_speed: 0.85,
  speaking_rate: null,
  greet_by_name: true,
  fallback_message: "I am sorry, could you say that again?",
  post_call_sms_enabled: false,
  post_call_sms_template: null,
  data_extraction_fields: [],
  phone_number: null,
  tools: [],
} as const satisfies Readonly<Record<keyof typeof fields, unknown>>;

const example = {
  name: "Sarah",
  system_prompt: "You are Sarah from Bright Smile Dental. Be brief and kind.",
  welcome_message: "Hello, this is Sarah from Bright Smile Dental.",
  language: "en-GB",
  timezone: "Europe/London",
};

/** Body of create and update. Unknown fields are ignored (contract B.2.9). */
export const AgentRequest = z
  .object(fields)
  .partial()
  .meta({ id: "AgentFields", examples: [example] });
export type AgentRequest = z.input<typeof AgentRequest>;
export type ParsedAgentRequest = z.output<typeof AgentRequest>;

export const Agent = z
  .object({ ...fields, speaking_rate: z.number().nullable(), tools: AnsweredTools })
  .extend({
    id: z.string(),
    agent_id: z.string(),
    api_key_id: z.string(),
    created_at: z.string(),
    updated_at: z.string(),
  })
  .meta({ id: "Agent" });
export type Agent = z.infer<typeof Agent>;

export const AgentList = z.array(Agent);

export const AgentListQuery = z.object(pageFields({ defaultLimit: 100, maxLimit: 200 }));

export const AgentParams = z.object({ agent_id: z.string() });

export const DeletedAgent = z
  .object({ agent_id: z.string(), deleted: z.literal(true) })
  .meta({ id: "DeletedAgent" });

export const agentFieldCodes: FieldCodes = {
  system_prompt: { too_long: "prompt_too_long" },
  voice_id: { any: "invalid_voice_id" },
  language: { any: "invalid_language" },
  webhook_url: { too_long: "invalid_url" },
};
