// The one error class for operating errors, and the catalogue of every code. Expected outcomes are
// values, not errors; programmer errors are assertions. Nobody branches on a message.

/**
 * Every code the API can answer, with its HTTP status. docs/errors.md lists exactly these (a test
 * holds them together).
 */
export const ERROR_STATUS = {
  // requests
  missing_field: 400,
  invalid_request: 400,
  invalid_json: 400,
  invalid_url: 400,
  invalid_phone_format: 400,
  prompt_too_long: 400,
  invalid_voice_id: 400,
  invalid_language: 400,
  voicemail_message_required: 400,
  custom_prompt_too_long: 400,
  too_many_recipients: 400,
  body_too_large: 413,
  unsupported_media_type: 415,
  // campaigns and calls
  campaign_creation_failed: 400,
  campaign_launch_failed: 400,
  campaign_already_completed: 400,
  campaign_no_recipients: 400,
  from_number_not_found: 400,
  agent_missing_phone_number: 400,
  agent_missing_twilio_credentials: 400,
  country_not_allowed: 400,
  model_not_configured: 400,
  campaign_not_found: 404,
  recipient_not_found: 404,
  call_not_found: 404,
  agent_not_found: 404,
  number_not_found: 404,
  key_not_found: 404,
  suppression_not_found: 404,
  not_found: 404,
  method_not_allowed: 405,
  campaign_state_conflict: 409,
  call_in_progress: 409,
  call_not_uncertain: 409,
  carrier_call_taken: 409,
  phone_suppressed: 409,
  call_not_analyzable: 409,
  recording_not_found: 404,
  recording_not_ready: 409,
  delivery_not_found: 404,
  webhook_not_set: 400,
  // numbers at the carrier
  invalid_twilio_sid: 400,
  twilio_invalid_credentials: 401,
  twilio_auth_failed: 401,
  agent_not_owned: 403,
  number_not_in_twilio: 404,
  number_already_imported: 409,
  carrier_unavailable: 502,
  // access
  unauthorized: 401,
  permission_denied: 403,
  rate_limit_exceeded: 429,
  server_busy: 503,
  // idempotency
  idempotency_key_reused: 409,
  request_in_progress: 409,
  // server
  server_error: 500,
  database_unavailable: 503,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof ERROR_STATUS;

export interface AppErrorOptions {
  /** Shown to the caller: names the field, says what to do. Holds no secret. */
  readonly message: string;
  /** Machine-readable facts for the caller. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** True when the same request may succeed later. Default: by status (429 and 5xx). */
  readonly retryable?: boolean;
  /** Seconds for Retry-After. */
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

export class AppError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly retryable: boolean;
  readonly retryAfterSeconds: number | null;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, options: AppErrorOptions) {
    super(options.message, { cause: options.cause });
    this.name = "AppError";
    this.code = code;
    this.status = ERROR_STATUS[code];
    this.retryable = options.retryable ?? (this.status === 429 || this.status >= 500);
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
    this.details = options.details ?? {};
  }
}
