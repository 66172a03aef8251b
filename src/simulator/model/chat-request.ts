// The body of a chat request, as much of it as the scripted agent looks at. Unknown fields are
// ignored, as OpenAI-compatible servers do.

import { z } from "zod";

export const SIMULATED_MODEL = "scripted-agent";

const Part = z.object({ type: z.string(), text: z.string().optional() });
const ToolFunction = z.object({ name: z.string(), parameters: z.unknown().optional() });

export const ChatRequest = z.object({
  model: z.string().default(SIMULATED_MODEL),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  messages: z
    .array(
      z.object({
        role: z.string(),
        content: z
          .union([
            z.string(),
            z.array(Part).transform((parts) => parts.map((part) => part.text ?? "").join("")),
          ])
          .nullish()
          .transform((content) => content ?? ""),
      }),
    )
    .min(1)
    .max(2_000),
  tools: z.array(z.object({ function: ToolFunction })).nullish(),
  tool_choice: z
    .union([z.string(), z.object({ function: z.object({ name: z.string() }) })])
    .nullish(),
  response_format: z
    .object({ type: z.string(), json_schema: z.object({ schema: z.unknown() }).nullish() })
    .nullish(),
});

export type ChatRequest = z.output<typeof ChatRequest>;
