// An agent's own tools, as they are sent and as they are answered: header values go in and never
// come out.

import { z } from "zod";

import {
  ENGINE_TOOL_NAMES,
  isReservedHeader,
  MAX_TOOLS,
  TOOL_NAME,
} from "../../domain/agent-tool.ts";
import { schemaFault } from "../../domain/tool-schema.ts";

// What browsers and servers agree to carry.
const MAX_URL_LENGTH = 2_048;
const MAX_HEADERS = 10;
/** Longer than any token that is sent as a header. */
const HEADER_VALUE = /^[\x20-\x7e]{1,2000}$/;
/** A token of RFC 9110. */
const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/;
/** A person waits in silence, or behind a filler, for as long. */
const MAX_TIMEOUT_SECONDS = 20;

const fields = {
  name: z
    .string()
    .regex(TOOL_NAME, "must begin with a letter and hold at most 64 letters, digits and _")
    .refine((name) => !ENGINE_TOOL_NAMES.has(name.toLowerCase()), {
      error: "is the name of a tool that the engine has",
    }),
  description: z
    .string()
    .min(1)
    .max(1_000)
    .describe("For the model: what it does, when to call it."),
  parameters: z
    .record(z.string(), z.unknown())
    .superRefine((schema, context) => {
      const fault = schemaFault(schema);
      if (fault !== null) context.addIssue({ code: "custom", message: fault });
    })
    .describe(
      "JSON Schema of an object: type, properties, required, additionalProperties, items, enum of texts, minimum, maximum, minLength, maxLength, minItems, maxItems, title, description. At most 5 levels and 4,000 characters.",
    ),
  url: z.string().max(MAX_URL_LENGTH).describe("https address that is asked by POST."),
  timeout_seconds: z.int().min(1).max(MAX_TIMEOUT_SECONDS).default(8),
  filler: z
    .string()
    .max(200)
    .nullable()
    .default(null)
    .describe("Spoken when it is slow; null: words of the engine, an empty text: none."),
};

const headers = z
  .record(z.string(), z.string())
  .superRefine((sent, context) => {
    const names = Object.keys(sent);
    const fault = headersFault(names, Object.values(sent));
    if (fault !== null) context.addIssue({ code: "custom", message: fault });
  })
  .optional()
  .describe(
    "Sent with every request, at most 10. Stored encrypted and never answered. Left out: those of the tool of this name stay, while its url keeps its origin.",
  );

/** The end of a sentence about a tool's headers; null: they are fine. */
function headersFault(names: readonly string[], values: readonly string[]): string | null {
  if (names.length > MAX_HEADERS) return `must be at most ${MAX_HEADERS}`;
  if (!names.every((name) => HEADER_NAME.test(name))) return "holds a name that no header may have";
  const reserved = names.find(isReservedHeader);
  if (reserved !== undefined) return `must not hold ${reserved}, which the request itself sets`;
  if (new Set(names.map((name) => name.toLowerCase())).size < names.length) {
    return "holds the same header twice";
  }
  const isFine = values.every((value) => HEADER_VALUE.test(value));
  return isFine ? null : "holds a value that is empty, too long or not of plain characters";
}

const ToolRequest = z.object({ ...fields, headers });
export type ParsedToolRequest = z.output<typeof ToolRequest>;

export const AgentTools = z
  .array(ToolRequest)
  .max(MAX_TOOLS)
  .superRefine((tools, context) => {
    const names = tools.map((tool) => tool.name);
    const twice = names.findIndex((name, index) => names.indexOf(name) < index);
    if (twice === -1) return;
    context.addIssue({
      code: "custom",
      path: [twice, "name"],
      message: "is the name of another tool of this agent",
    });
  })
  .describe("Addresses of yours that the model may have asked during a call, at most 10.");

export const AnsweredTools = z.array(z.object({ ...fields, header_names: z.array(z.string()) }));
