// API keys (contract B.1; Carillon's own endpoints for the operator). A key is a tenant: everything
// belongs to one.

import { z } from "zod";

/** As many calls at once as one key may be allowed; each is a slot row. */
export const MAX_CONCURRENT_CALL_LIMIT = 10_000;
export const DEFAULT_CONCURRENT_CALL_LIMIT = 10;
const MAX_KEY_NAME_LENGTH = 200;
// There are 249 country codes.
const MAX_COUNTRIES = 300;

const name = z
  .string()
  .max(MAX_KEY_NAME_LENGTH)
  .nullable()
  .describe(`Who uses it, at most ${MAX_KEY_NAME_LENGTH} characters.`);

const concurrentCallLimit = z
  .int()
  .min(0)
  .max(MAX_CONCURRENT_CALL_LIMIT)
  .describe("Calls the key may have open at once; more wait their turn. 0 dials nothing.");

const allowedCountries = z
  .array(z.string().regex(/^[A-Z]{2}$/, "must hold ISO 3166 country codes of two capital letters"))
  .max(MAX_COUNTRIES)
  .nullable()
  .describe("Countries the key may call, as ISO codes; null: all.");

const maxCallsPerDay = z
  .int()
  .min(0)
  .max(100_000_000)
  .nullable()
  .describe("Calls the key may place in 24 hours; null: no limit.");

const cap = z.int().min(1).max(1_000).nullable().optional();

const maxCallsPerRecipient = z
  .strictObject({ per_24_hours: cap, per_7_days: cap, per_30_days: cap })
  .nullable()
  .describe(
    "Calls to one phone over all campaigns of the key, in each rolling period; null: no cap.",
  );

export const CreateKeyRequest = z
  .object({
    name: name.optional(),
    email: z.unknown().optional().describe("Accepted and ignored."),
    concurrent_call_limit: concurrentCallLimit.default(DEFAULT_CONCURRENT_CALL_LIMIT),
    allowed_countries: allowedCountries.optional(),
    max_calls_per_day: maxCallsPerDay.optional(),
    max_calls_per_recipient: maxCallsPerRecipient.optional(),
  })
  .meta({
    id: "CreateKey",
    examples: [{ name: "Bright Smile Dental", concurrent_call_limit: 10 }],
  });
export type CreateKeyRequest = z.input<typeof CreateKeyRequest>;

export const UpdateKeyRequest = z
  .object({
    name: name.optional(),
    concurrent_call_limit: concurrentCallLimit.optional(),
    allowed_countries: allowedCountries.optional(),
    max_calls_per_day: maxCallsPerDay.optional(),
    max_calls_per_recipient: maxCallsPerRecipient.optional(),
  })
  .meta({ id: "UpdateKey", examples: [{ concurrent_call_limit: 25 }] });
export type UpdateKeyRequest = z.input<typeof UpdateKeyRequest>;

export const ApiKey = z
  .object({
    key_id: z.string(),
    name: z.string().nullable(),
    concurrent_call_limit: z.number(),
    allowed_countries: z.array(z.string()).nullable(),
    max_calls_per_day: z.number().nullable(),
    max_calls_per_recipient: z
      .object({
        per_24_hours: z.number().nullable(),
        per_7_days: z.number().nullable(),
        per_30_days: z.number().nullable(),
      })
      .nullable(),
    created_at: z.string(),
    rotated_at: z.string().nullable(),
    revoked_at: z.string().nullable(),
  })
  .meta({ id: "ApiKey" });
export type ApiKey = z.infer<typeof ApiKey>;

export const CreatedKey = ApiKey.extend({
  message: z.string(),
  key_secret: z.string().describe("Shown once; only its hash is kept."),
}).meta({ id: "CreatedKey" });
export type CreatedKey = z.infer<typeof CreatedKey>;

export const RotatedKey = z
  .object({ message: z.string(), key_id: z.string(), key_secret: z.string() })
  .meta({ id: "RotatedKey" });

export const KeyList = z
  .object({ keys: z.array(ApiKey), count: z.number() })
  .meta({ id: "KeyList" });

export const RevokedKey = z
  .object({ key_id: z.string(), revoked: z.literal(true), revoked_at: z.string() })
  .meta({ id: "RevokedKey" });

export const KeyParams = z.object({ key_id: z.string() });
