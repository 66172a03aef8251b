// What an agent and a number are configured to do. Kept as one document per row; the API's schema
// guards what goes in. Field names are the contract's (B.9, B.10), because the document is stored
// and answered as it is.

import type { AgentTool } from "./agent-tool.ts";

/** Contract B.9. Limits and defaults are in src/http/contract/agent.ts. */
export interface AgentSettings {
  readonly system_prompt: string;
  readonly welcome_message: string;
  readonly voice_id: string;
  readonly language: string;
  readonly temperature: number;
  readonly response_length: "short" | "medium" | "long";
  readonly ai_speaks_first: boolean;
  /** Ours: when the opening is spoken. */
  readonly greeting_mode: "after_hello" | "at_once";
  readonly dynamic_greeting: boolean;
  /** Ours: whether the engine says first that an automated assistant is calling. */
  readonly disclosure_enabled: boolean;
  /** Ours: who answers for switching it off, and why they may; null while it is on. */
  readonly disclosure_attestation: string | null;
  /** Ours: who the agent calls for, as the disclosure names them. */
  readonly business_name: string | null;
  readonly interruption_sensitivity: number;
  readonly response_eagerness: number;
  readonly boosted_keywords: string | null;
  readonly pickup_delay: number;
  readonly max_call_duration_seconds: number;
  readonly silence_hangup_seconds: number;
  readonly record_call: boolean;
  readonly amd_enabled: boolean;
  readonly dtmf_enabled: boolean | null;
  readonly voicemail_leave_enabled: boolean;
  readonly voicemail_message: string | null;
  readonly webhook_url: string | null;
  readonly func_end_call: boolean;
  readonly transfer_number: string | null;
  readonly speaking_rate: number | null;
  readonly greet_by_name: boolean;
  readonly fallback_message: string;
  /** Ours: what the model may have asked during a call; missing where none were ever set. */
  readonly tools?: readonly AgentTool[];
  /** Fields that are accepted and answered but mean nothing here (SMS, web, bookings …). */
  readonly [ignored: string]: unknown;
}

/** Contract B.10. null inherits from the agent. */
export interface NumberSettings {
  readonly custom_prompt: string | null;
  readonly voice_id: string | null;
  readonly voicemail_leave_enabled: boolean | null;
  readonly voicemail_message: string | null;
  readonly speaking_rate: number | null;
  readonly dtmf_enabled: boolean | null;
  readonly record_call: boolean | null;
  readonly [ignored: string]: unknown;
}
