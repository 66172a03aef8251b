// An agent's own tool: an address of the user's that the model may have asked during a call. The
// values of its headers are secrets: they are kept encrypted beside the agent, and only their names
// stand here.

import type { ToolSchema } from "./tool-schema.ts";

/** As it is stored and answered; field names are those of the API. */
export interface AgentTool {
  readonly name: string;
  /** For the model: what it does and when to call it. */
  readonly description: string;
  readonly parameters: ToolSchema;
  readonly url: string;
  readonly header_names: readonly string[];
  readonly timeout_seconds: number;
  /** Spoken while it is slow; null: the engine's own words, "": nothing. */
  readonly filler: string | null;
}

/** The values of each tool's headers, by the tool's name. Secret. */
export type ToolHeaders = Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * More are a third of every prompt, and models choose worse among them (voice.md §2).
 */
export const MAX_TOOLS = 10;
/** Names that every maker of models takes. */
export const TOOL_NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

/** Names of the engine's own tools, today's and one that models expect from other systems. */
export const ENGINE_TOOL_NAMES: ReadonlySet<string> = new Set([
  "end_call",
  "record_opt_out",
  "request_callback",
  "transfer_to_human",
  "classify_answer",
  "voicemail",
]);

/**
 * Headers that carry the request itself, or our signature of it: nobody else may set them.
 * Source: RFC 9110 and RFC 9112 (connection, framing), Standard Webhooks.
 */
export function isReservedHeader(name: string): boolean {
  return (
    RESERVED_HEADERS.has(name.toLowerCase()) || /^(webhook|proxy|sec)-/.test(name.toLowerCase())
  );
}

const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "expect",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
