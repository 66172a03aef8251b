// The frames of ConversationRelay's WebSocket, text JSON in both directions (twilio.md §5.2, §5.3).
// "Frame" is what the carrier sends us, "command" what we send it. The simulator speaks the same
// file from the other side. Tolerant on purpose: fields that nobody needs may be missing, numbers
// may arrive as strings, unknown types are ignored by the caller. It must never throw for what a
// peer sent.

import { z } from "zod";

/**
 * A frame longer than this is refused unread. The longest honest one is a `setup` with our few
 * parameters or a long prompt, a few KiB; the socket should refuse messages of this size too.
 */
export const MAX_RELAY_FRAME_CHARACTERS = 64 * 1024;

// Older documents show durations as strings, captures as numbers, another carrier as decimals.
const numberOrNumeral = z.union([
  z.number(),
  z
    .string()
    .regex(/^-?\d+(\.\d+)?$/)
    .transform(Number),
]);

const flagOrWord = z.union([
  z.boolean(),
  z.enum(["true", "false"]).transform((word) => word === "true"),
]);

const setupFrame = z.object({
  type: z.literal("setup"),
  sessionId: z.string().min(1),
  accountSid: z.string().min(1),
  callSid: z.string().min(1),
  parentCallSid: z.string().nullish(),
  from: z.string().default(""),
  to: z.string().default(""),
  forwardedFrom: z.string().nullish(),
  callType: z.string().nullish(),
  callerName: z.string().nullish(),
  direction: z.string().default(""),
  callStatus: z.string().default(""),
  customParameters: z
    .record(z.string(), z.unknown())
    .nullish()
    .transform((parameters) => parameters ?? {}),
});

const promptFrame = z.object({
  type: z.literal("prompt"),
  voicePrompt: z.string(),
  lang: z.string().nullish(),
  /** false: a partial, cumulative; more of the same utterance follows. */
  last: flagOrWord.default(true),
});

const interruptFrame = z.object({
  type: z.literal("interrupt"),
  /** What was heard of our speech before the callee cut in. */
  utteranceUntilInterrupt: z.string().default(""),
  durationUntilInterruptMs: numberOrNumeral.nullish().transform((duration) => duration ?? null),
});

const dtmfFrame = z.object({
  type: z.literal("dtmf"),
  digit: z.string().regex(/^[0-9A-D*#]$/),
});

const errorFrame = z.object({
  type: z.literal("error"),
  description: z.string().default(""),
});

// Undocumented, seen in captures: use them when they arrive, never depend on their arrival.
const infoFrame = z.discriminatedUnion("name", [
  z.object({
    type: z.literal("info"),
    name: z.enum(["agentSpeaking", "clientSpeaking"]),
    value: z.enum(["on", "off"]),
  }),
  z.object({
    type: z.literal("info"),
    name: z.literal("tokensPlayed"),
    /** Text that was really spoken, a clause at a time. */
    value: z.string(),
  }),
]);

const INFO_NAMES: ReadonlySet<unknown> = new Set([
  "agentSpeaking",
  "clientSpeaking",
  "tokensPlayed",
]);

const FRAME_SCHEMAS = {
  setup: setupFrame,
  prompt: promptFrame,
  interrupt: interruptFrame,
  dtmf: dtmfFrame,
  error: errorFrame,
  info: infoFrame,
} as const;

export type RelaySetupFrame = z.infer<typeof setupFrame>;
export type RelayPromptFrame = z.infer<typeof promptFrame>;
export type RelayInterruptFrame = z.infer<typeof interruptFrame>;
export type RelayDtmfFrame = z.infer<typeof dtmfFrame>;
export type RelayErrorFrame = z.infer<typeof errorFrame>;
export type RelayInfoFrame = z.infer<typeof infoFrame>;

/** One frame from the carrier. */
export type RelayFrame =
  | RelaySetupFrame
  | RelayPromptFrame
  | RelayInterruptFrame
  | RelayDtmfFrame
  | RelayErrorFrame
  | RelayInfoFrame;

export type RelayFrameParse =
  | { readonly kind: "frame"; readonly frame: RelayFrame }
  /** Well-formed, of a type (or an info name) we do not know: ignore it. */
  | { readonly kind: "unknown"; readonly type: string }
  | { readonly kind: "invalid"; readonly reason: string };

/**
 * Parses one text message from the carrier. The reason of `invalid` names the field and holds
 * nothing of its value.
 */
export function parseRelayFrame(text: string): RelayFrameParse {
  const message = parseMessage(text);
  if (message.kind === "invalid") return message;
  const { type, fields } = message;
  if (!Object.hasOwn(FRAME_SCHEMAS, type)) return { kind: "unknown", type };
  if (type === "info" && typeof fields["name"] === "string" && !INFO_NAMES.has(fields["name"])) {
    return { kind: "unknown", type: `info ${fields["name"]}` };
  }
  const parsed = FRAME_SCHEMAS[type as keyof typeof FRAME_SCHEMAS].safeParse(fields);
  if (!parsed.success) return { kind: "invalid", reason: formatIssue(type, parsed.error) };
  return { kind: "frame", frame: parsed.data };
}

const interruptible = z.union([z.boolean(), z.enum(["none", "dtmf", "speech", "any"])]);

const textCommand = z.object({
  type: z.literal("text"),
  /** Spoken as it comes; may be empty, keeps its spaces. */
  token: z.string(),
  /** Closes the talk cycle; speech does not wait for it. */
  last: z.boolean().optional(),
  lang: z.string().optional(),
  interruptible: interruptible.optional(),
  /** The next message may cut this one. */
  preemptible: z.boolean().optional(),
});

const playCommand = z.object({
  type: z.literal("play"),
  source: z.string().min(1),
  /** How often; 0 means 1,000 times. */
  loop: z.number().int().min(0).optional(),
  preemptible: z.boolean().optional(),
  interruptible: interruptible.optional(),
});

const sendDigitsCommand = z.object({
  type: z.literal("sendDigits"),
  digits: z.string().regex(/^[0-9w#*]+$/),
});

const languageCommand = z
  .object({
    type: z.literal("language"),
    ttsLanguage: z.string().min(1).optional(),
    transcriptionLanguage: z.string().min(1).optional(),
  })
  .refine(
    (command) => command.ttsLanguage !== undefined || command.transcriptionLanguage !== undefined,
    "names no language",
  );

const endCommand = z.object({
  type: z.literal("end"),
  /** Comes back word for word with the connect action. */
  handoffData: z.string().optional(),
});

const COMMAND_SCHEMAS = {
  text: textCommand,
  play: playCommand,
  sendDigits: sendDigitsCommand,
  language: languageCommand,
  end: endCommand,
} as const;

export type RelayTextCommand = z.infer<typeof textCommand>;
export type RelayPlayCommand = z.infer<typeof playCommand>;
export type RelaySendDigitsCommand = z.infer<typeof sendDigitsCommand>;
export type RelayLanguageCommand = z.infer<typeof languageCommand>;
export type RelayEndCommand = z.infer<typeof endCommand>;

/** One message from us to the carrier. */
export type RelayCommand =
  | RelayTextCommand
  | RelayPlayCommand
  | RelaySendDigitsCommand
  | RelayLanguageCommand
  | RelayEndCommand;

export type RelayCommandParse =
  | { readonly kind: "command"; readonly command: RelayCommand }
  /** The carrier answers such a message with error 64107, and closes after ten in a row. */
  | { readonly kind: "unknown"; readonly type: string }
  | { readonly kind: "invalid"; readonly reason: string };

/** Parses one text message to the carrier, as the carrier would. For whoever stands in for it. */
export function parseRelayCommand(text: string): RelayCommandParse {
  const message = parseMessage(text);
  if (message.kind === "invalid") return message;
  const { type, fields } = message;
  if (!Object.hasOwn(COMMAND_SCHEMAS, type)) return { kind: "unknown", type };
  const parsed = COMMAND_SCHEMAS[type as keyof typeof COMMAND_SCHEMAS].safeParse(fields);
  if (!parsed.success) return { kind: "invalid", reason: formatIssue(type, parsed.error) };
  return { kind: "command", command: parsed.data };
}

/** The wire text of a command. */
export function formatRelayCommand(command: RelayCommand): string {
  return JSON.stringify(command);
}

type MessageParse =
  | {
      readonly kind: "message";
      readonly type: string;
      readonly fields: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: "invalid"; readonly reason: string };

function parseMessage(text: string): MessageParse {
  if (text.length > MAX_RELAY_FRAME_CHARACTERS) {
    return { kind: "invalid", reason: `is longer than ${MAX_RELAY_FRAME_CHARACTERS} characters` };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: "invalid", reason: "is not JSON" };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { kind: "invalid", reason: "is not a JSON object" };
  }
  const fields = value as Readonly<Record<string, unknown>>;
  const type = fields["type"];
  if (typeof type !== "string") return { kind: "invalid", reason: "has no type" };
  return { kind: "message", type, fields };
}

function formatIssue(type: string, error: z.ZodError): string {
  const issue = error.issues[0];
  const field =
    issue === undefined || issue.path.length === 0 ? "" : ` field ${issue.path.join(".")}:`;
  return `${type}:${field} ${issue?.message ?? "does not match"}`;
}
