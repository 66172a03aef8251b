// The error envelope of every endpoint (contract B.2.3). Clients branch on `code`, then on `type`,
// never on `message`.

import { z } from "zod";

export const ErrorType = z.enum([
  "invalid_request",
  "authentication_error",
  "permission_denied",
  "not_found",
  "conflict",
  "rate_limit_error",
  "server_error",
]);
export type ErrorType = z.infer<typeof ErrorType>;

export const ErrorEnvelope = z
  .object({
    error: z.object({
      type: ErrorType.describe("Follows the HTTP status."),
      code: z.string().describe("What went wrong, for programs."),
      message: z.string().describe("What went wrong and what to do, for people."),
      doc_url: z.string().describe("Explains the code."),
      details: z
        .record(z.string(), z.unknown())
        .describe(
          "Facts for programs: `field`, `retry_after`, lists. `{}` when there is nothing to say.",
        ),
    }),
  })
  .meta({
    id: "Error",
    examples: [
      {
        error: {
          type: "invalid_request",
          code: "missing_field",
          message: "prompt is required.",
          doc_url: "http://127.0.0.1:8080/docs/errors#missing_field",
          details: { field: "prompt" },
        },
      },
    ],
  });
export type ErrorEnvelope = z.infer<typeof ErrorEnvelope>;
