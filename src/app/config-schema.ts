// Every setting, once: its name, rule, default, and what it is for. The configuration is read,
// checked, shown and documented from this list and nothing else.

import { z } from "zod";
import { parseCurfew } from "../domain/curfew.ts";
import { parseEncryptionKey } from "./secret-box.ts";

export interface Setting {
  readonly schema: z.ZodType<unknown, string>;
  /** As text; null when there is none. */
  readonly fallback: string | null;
  /** In words, for the documentation, where the default is computed. */
  readonly fallbackNote?: string;
  readonly isSecret?: true;
  readonly rule: string;
  readonly example: string;
  readonly description: string;
}

const boolean = z.enum(["true", "false"]).transform((text) => text === "true");
const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,12}$/)
    .transform(Number)
    .pipe(z.number().min(min).max(max));
// These addresses are shown by commands, in answers and in the API's description; and no client of
// ours would send what stands before an @.
const httpUrl = z
  .url({ protocol: /^https?$/ })
  .refine((text) => !hasCredentials(text))
  .transform((text) => text.replace(/\/+$/, ""));

function hasCredentials(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && (url.username !== "" || url.password !== "");
}

export const ROLES = ["api", "dialer", "voice", "jobs"] as const;
export type Role = (typeof ROLES)[number];

const roles = z
  .string()
  .transform((text) => (text === "all" ? [...ROLES] : text.split(",").map((role) => role.trim())))
  .pipe(z.array(z.enum(ROLES)).min(1));

const curfew = z.string().transform((text, context) => {
  const allowed = parseCurfew(text);
  if (allowed !== null) return allowed;
  context.addIssue({ code: "custom", message: "is not of the form HH:MM-HH:MM" });
  return z.NEVER;
});

const model = z.string().regex(/^(openai|anthropic|google|openai-compatible):.+$/);

export const SETTINGS = {
  CARILLON_HOST: {
    schema: z.string().min(1),
    fallback: "127.0.0.1",
    rule: "an address of this machine",
    example: "0.0.0.0",
    description: "Where the server listens.",
  },
  CARILLON_PORT: {
    schema: whole(0, 65_535),
    fallback: "8080",
    rule: "a port from 0 to 65535; 0 picks a free one",
    example: "8080",
    description: "The port the server listens on.",
  },
  CARILLON_PUBLIC_URL: {
    schema: httpUrl,
    fallback: null,
    fallbackNote: "the listen address",
    rule: "an http or https address without a user name or password",
    example: "https://calls.example.com",
    description:
      "Where the carrier reaches this server: callbacks, signatures and voice sockets " + "use it.",
  },
  CARILLON_DATA_DIR: {
    schema: z.string().min(1),
    fallback: "./data",
    rule: "a directory",
    example: "/var/lib/carillon",
    description:
      "Holds the embedded database and the encryption key. As root, where the database's user " +
      "cannot reach the default directory, `/var/lib/carillon` is used instead and said so.",
  },
  DATABASE_URL: {
    schema: z.string().regex(/^postgres(ql)?:\/\//),
    fallback: null,
    fallbackNote: "the embedded database",
    isSecret: true,
    rule: "a PostgreSQL address (server 15 or newer)",
    example: "postgresql://carillon:secret@db.example.com/carillon",
    description: "A PostgreSQL server to use instead of the embedded one.",
  },
  CARILLON_OPERATOR_TOKEN: {
    schema: z.string().min(20),
    fallback: null,
    fallbackNote: "made at first start and printed once",
    isSecret: true,
    rule: "at least 20 characters",
    example: "a long random text",
    description: "The operator's token: creates API keys and stops all dialing. Kept as a hash.",
  },
  CARILLON_METRICS_TOKEN: {
    schema: z.string().min(20),
    fallback: null,
    fallbackNote: "only the operator's token",
    isSecret: true,
    rule: "at least 20 characters",
    example: "a long random text",
    description: "Reads /metrics and nothing else; the operator's token reads it too.",
  },
  CARILLON_ENCRYPTION_KEY: {
    schema: z.string().refine((text) => parseEncryptionKey(text) !== null),
    fallback: null,
    fallbackNote: "made at first start in the data directory",
    isSecret: true,
    rule: "32 bytes as 64 hex characters or base64",
    example: "the output of: openssl rand -hex 32",
    description:
      "Encrypts carrier tokens at rest. Every process of an installation needs the " + "same one.",
  },
  CARILLON_ROLES: {
    schema: roles,
    fallback: "all",
    rule: "all, or a comma list of api, dialer, voice, jobs",
    example: "api,voice",
    description: "What this process does.",
  },
  TWILIO_API_BASE_URL: {
    schema: httpUrl,
    fallback: "https://api.twilio.com",
    rule: "an http or https address without a user name or password",
    example: "http://127.0.0.1:9090",
    description: "Where Twilio's REST API is; the simulator's address for rehearsals.",
  },
  CARILLON_MODEL: {
    schema: model,
    fallback: null,
    rule: "openai:NAME, anthropic:NAME, google:NAME or openai-compatible:NAME",
    example: "openai:gpt-5-mini",
    description:
      "The language model that holds the conversations. Campaigns are refused until " +
      "it is set.",
  },
  CARILLON_MODEL_BASE_URL: {
    schema: httpUrl,
    fallback: null,
    fallbackNote: "the maker's own",
    rule: "an http or https address without a user name or password",
    example: "http://127.0.0.1:11434/v1",
    description: "Another address for the model; openai-compatible needs it.",
  },
  CARILLON_MODEL_API_KEY: {
    schema: z.string().min(1),
    fallback: null,
    isSecret: true,
    rule: "the key as its maker gave it",
    example: "sk-…",
    description: "The model's API key.",
  },
  CARILLON_FALLBACK_MODEL: {
    schema: model,
    fallback: null,
    rule: "openai:NAME, anthropic:NAME, google:NAME or openai-compatible:NAME",
    example: "anthropic:claude-haiku-4-5",
    description: "A second model, asked when a reply of the first broke before its first word.",
  },
  CARILLON_FALLBACK_MODEL_BASE_URL: {
    schema: httpUrl,
    fallback: null,
    fallbackNote: "the maker's own",
    rule: "an http or https address without a user name or password",
    example: "http://127.0.0.1:11434/v1",
    description: "Another address for the second model; openai-compatible needs it.",
  },
  CARILLON_FALLBACK_MODEL_API_KEY: {
    schema: z.string().min(1),
    fallback: null,
    isSecret: true,
    rule: "the key as its maker gave it",
    example: "sk-…",
    description: "The second model's API key.",
  },
  CARILLON_RATE_LIMIT_PER_MINUTE: {
    schema: whole(1, 1_000_000),
    fallback: "600",
    rule: "a whole number from 1 to 1000000",
    example: "600",
    description: "API requests per minute and key, counted in each process.",
  },
  CARILLON_LOG_LEVEL: {
    schema: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]),
    fallback: "info",
    rule: "fatal, error, warn, info, debug, trace or silent",
    example: "warn",
    description: "How much is logged.",
  },
  CARILLON_LOG_PII: {
    schema: boolean,
    fallback: "false",
    rule: "true or false",
    example: "false",
    description: "Whether phone numbers, names and transcripts may appear in logs.",
  },
  CARILLON_MAX_VOICE_SESSIONS: {
    schema: whole(0, 10_000),
    fallback: "200",
    rule: "a whole number from 0 to 10000",
    example: "200",
    description:
      "Conversations this process can hold at once. No more calls are dialed than can " +
      "be talked to.",
  },
  CARILLON_ALLOW_LOCAL_URLS: {
    schema: boolean,
    fallback: "false",
    rule: "true or false",
    example: "true",
    description:
      "Accept http and local addresses (this machine, private networks) for webhooks. For " +
      "development only; cloud metadata addresses stay refused.",
  },
  CARILLON_CURFEW: {
    schema: curfew,
    fallback: null,
    fallbackNote: "no curfew",
    rule: "local hours as HH:MM-HH:MM",
    example: "21:00-08:00",
    description:
      "Hours in which nobody is called, in the recipient's own zones (of the recipient, else of the " +
      "phone), whatever a campaign's window or a launch by hand says. A phone of unknown zone is not called.",
  },
  CARILLON_RETENTION_CONVERSATION_DAYS: {
    schema: whole(1, 36_500),
    fallback: "90",
    rule: "a whole number of days from 1 to 36500",
    example: "30",
    description:
      "How long transcripts, analyses, variables and prompts of recipients are kept after a call.",
  },
  CARILLON_RETENTION_RECORDS_DAYS: {
    // Caps on calls to one phone look back 30 days (max_calls_per_recipient).
    schema: whole(31, 36_500),
    fallback: "90",
    rule: "a whole number of days from 31 to 36500",
    example: "365",
    description: "How long campaigns that are over, their recipients and calls are kept.",
  },
  CARILLON_RETENTION_DELIVERIES_DAYS: {
    schema: whole(1, 36_500),
    fallback: "90",
    rule: "a whole number of days from 1 to 36500",
    example: "14",
    description: "How long the log of webhooks is kept.",
  },
  CARILLON_RETENTION_EVIDENCE_DAYS: {
    schema: whole(31, 36_500),
    fallback: "1460",
    rule: "a whole number of days from 31 to 36500",
    example: "1825",
    description:
      "How long it is kept, after a call's record is gone, who was dialed when and from which number, " +
      "and the receipts of erasures. Four years cover the time in which a call can be sued over in the US.",
  },
  CARILLON_PG_BINARIES: {
    schema: z.string().min(1),
    fallback: null,
    fallbackNote: "the packaged PostgreSQL",
    rule: "a directory that holds bin/initdb and bin/postgres",
    example: "/usr/lib/postgresql/18",
    description: "Other PostgreSQL programs for the embedded database.",
  },
  CARILLON_MAX_BODY_BYTES: {
    schema: whole(1_024, 1_073_741_824),
    fallback: "41943040",
    rule: "a whole number of bytes from 1024 to 1073741824",
    example: "41943040",
    description: "Largest request body. 100,000 recipients are about 32 MB.",
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;
export type SettingValue<N extends SettingName> = z.output<(typeof SETTINGS)[N]["schema"]>;
