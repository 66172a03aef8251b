// Calls: the single outbound call (contract B.4), and reading and deleting (B.5, B.6).

import { z } from "zod";

import { MAX_PROMPT_LENGTH } from "../../domain/batch-request.ts";
import type { FieldCodes } from "./field-codes.ts";
import { pageFields } from "./page.ts";

/** The contract's words for where a call is (B.6). */
export const CallStatusWord = z.enum([
  "queued",
  "initiated",
  "ringing",
  "in-progress",
  "completed",
  "busy",
  "failed",
  "no-answer",
  "canceled",
]);
export type CallStatusWord = z.infer<typeof CallStatusWord>;

export const OutboundCallRequest = z
  .object({
    agent_id: z.string().min(1).max(64),
    to_number: z.string().min(1).max(64).describe("E.164."),
    prompt: z
      .string()
      .max(MAX_PROMPT_LENGTH)
      .describe("Why the agent is calling, for this call only."),
    dynamic_vars: z
      .record(z.string(), z.unknown())
      .nullable()
      .optional()
      .describe(
        "Values for {name} in the prompt: strings, numbers or booleans; at most 50, 4 KB in all.",
      ),
    from_number: z.string().max(64).nullable().optional(),
    campaign_id: z
      .string()
      .max(64)
      .nullable()
      .optional()
      .describe("Files the call under this campaign in reports."),
  })
  .meta({
    id: "OutboundCall",
    examples: [
      {
        agent_id: "agent_125207e452f8714a",
        to_number: "+12025550123",
        prompt: "Call {name} and confirm the delivery at {time}.",
        dynamic_vars: { name: "Ada", time: "10:30" },
      },
    ],
  });
export type OutboundCallRequest = z.input<typeof OutboundCallRequest>;
export type ParsedOutboundCallRequest = z.output<typeof OutboundCallRequest>;

export const outboundFieldCodes: FieldCodes = {
  agent_id: { isRequired: true },
  prompt: { too_long: "prompt_too_long", isRequired: true },
  to_number: { too_long: "invalid_phone_format", isRequired: true },
};

export const OutboundCallAnswer = z
  .object({ call_id: z.string(), status: z.literal("initiated"), to: z.string(), from: z.string() })
  .meta({ id: "OutboundCallAnswer" });

const epochMs = z.number().nullable().describe("Epoch milliseconds.");

export const Call = z
  .object({
    call_id: z.string(),
    carrier_call_id: z.string().nullable(),
    agent_id: z.string(),
    api_key_id: z.string(),
    call_direction: z.literal("outbound"),
    call_type: z.literal("outbound"),
    from_number: z.string(),
    to_number: z.string(),
    call_status: CallStatusWord,
    start_timestamp: epochMs,
    end_timestamp: epochMs,
    answered_at: epochMs,
    duration_ms: z.number().describe("Connected time only."),
    charged_minutes: z.number(),
    ended_reason: z.string().nullable().describe("null while the call lives."),
    error_message: z.string().nullable(),
    transcript: z.string().describe("One turn per line: AI: … or Caller: …"),
    call_summary: z.string().nullable(),
    caller_sentiment: z.enum(["happy", "neutral", "frustrated"]).nullable(),
    call_successful: z.boolean().nullable(),
    extracted_data: z
      .record(z.string(), z.unknown())
      .describe("By the names of the agent's data_extraction_fields; null: not said."),
    extraction_evidence: z
      .record(z.string(), z.string())
      .describe("The words of the transcript that each extracted value rests on."),
    analysis_status: z
      .enum(["pending", "done", "skipped", "failed"])
      .nullable()
      .describe(
        "skipped: too little was said, or a machine answered. null: the call did not connect, or has not ended.",
      ),
    analysis_error: z.string().nullable(),
    analysis_raw_text: z
      .string()
      .nullable()
      .describe("The model's answer, when it did not fit the schema."),
    bookings: z.array(z.unknown()),
    recording_url: z
      .string()
      .nullable()
      .describe("Answers recording_not_ready until the carrier has it; null: there is none."),
    recording_duration_s: z.number().nullable(),
    voicemail_detected: z.boolean(),
    voicemail_detection_method: z.enum(["llm_transcript", "twilio_amd"]).nullable(),
    amd_result: z.string().nullable(),
    answered_by: z.enum(["human", "machine", "fax", "unknown"]).nullable(),
    answer_verdict: z
      .object({
        method: z.string().describe("phrases, model, carrier, tag or silence."),
        reason: z.string().nullable().describe("The words or the answer it rests on."),
        delay_ms: z.number().nullable().describe("From the answer to the verdict."),
      })
      .nullable()
      .describe("How the conversation decided who answered; null: it did not."),
    call_reason: z.string().nullable(),
    caller_name: z.string().nullable(),
    campaign_id: z.string().nullable(),
    attempt: z.number(),
    avg_latency_ms: z.number().nullable(),
    tool_calls: z
      .array(
        z.object({
          name: z.string(),
          arguments: z.unknown().describe("null: they did not fit, or were erased."),
          at: z.string(),
          outcome: z
            .string()
            .nullable()
            .describe(
              "ok, error_status, refused (the arguments), forbidden (the address), failed or canceled (the call ended); null: at work.",
            ),
          status: z.number().nullable(),
          reason: z.string().nullable(),
          duration_ms: z.number().nullable(),
        }),
      )
      .describe("Calls of the agent's own tools, oldest first."),
    answer_to_first_word_ms: z
      .number()
      .nullable()
      .describe("From the answer to the agent's voice."),
    disclosed_at: epochMs.describe(
      "When the person was told that an automated assistant is calling. Epoch milliseconds.",
    ),
    turns: z
      .array(
        z.object({
          asked_at: z.number().describe("When the model was asked. Epoch milliseconds."),
          model_ms: z.number().nullable().describe("To the model's first token."),
          overhead_ms: z
            .number()
            .nullable()
            .describe(
              "From the person's last word to the agent's first, without the model's time.",
            ),
          input_tokens: z.number().nullable(),
          output_tokens: z.number().nullable(),
          interrupted: z.boolean(),
          withheld: z
            .number()
            .describe("Pieces of the reply that are never spoken: addresses, keys, instructions."),
        }),
      )
      .describe("One entry for each time the model was asked."),
    created_at: z.string(),
  })
  .meta({ id: "Call" });
export type Call = z.infer<typeof Call>;

export const CallList = z.array(Call);

export const CallListQuery = z.object({
  ...pageFields({ defaultLimit: 50, maxLimit: 200 }),
  campaign_id: z.string().max(64).optional(),
  agent_id: z.string().max(64).optional(),
  status: CallStatusWord.optional(),
});

export const RequestedAnalysis = z
  .object({ call_id: z.string(), analysis_status: z.literal("pending") })
  .meta({ id: "RequestedAnalysis" });

export const RequestedAnalyses = z
  .object({ campaign_id: z.string(), calls_queued: z.number() })
  .meta({ id: "RequestedAnalyses" });

export const CallParams = z.object({ call_id: z.string() });

export const RecordingFile = z.unknown().describe("The sound, a WAV file.");

export const DeletedCall = z
  .object({ call_id: z.string(), deleted: z.literal(true), recording_deleted: z.boolean() })
  .meta({ id: "DeletedCall" });

export const DeletedCalls = z
  .object({
    deleted: z.literal(true),
    calls_deleted: z.number(),
    recordings_deleted: z.number(),
    sms_deleted: z.number(),
    calls_skipped: z.number().describe("Calls that were still live, and stay."),
  })
  .meta({ id: "DeletedCalls" });
