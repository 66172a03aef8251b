// What every error code means and what to do about it: the page that `doc_url` points at. The type
// makes it complete, so a new code without an explanation does not compile.

import { ERROR_STATUS, type ErrorCode } from "../domain/app-error.ts";

export const ERROR_MEANINGS: Readonly<Record<ErrorCode, string>> = {
  missing_field: "A field that is needed is missing, null or blank. `details.field` names it.",
  invalid_request:
    "A field has the wrong type, is out of range or is unknown. `details.field` names it.",
  invalid_json: "The body is not JSON in UTF-8.",
  invalid_url: "The address must be an https URL.",
  invalid_phone_format:
    "A phone is not a valid E.164 number. For a list, `details.invalid` names them; send `skip_invalid: true` to go on with the others.",
  prompt_too_long: "The prompt is longer than its field allows.",
  invalid_voice_id: "The voice's name is not one that a speech vendor could have.",
  invalid_language: "The language is not one of the codes that agents speak.",
  voicemail_message_required: "voicemail_leave_enabled needs a voicemail_message.",
  custom_prompt_too_long: "custom_prompt is longer than 8,000 characters.",
  too_many_recipients: "A batch holds at most 100,000 recipients. Split the list.",
  body_too_large: "The body is larger than the server accepts.",
  unsupported_media_type:
    "Bodies are JSON: send Content-Type: application/json. The message names what else is taken.",
  campaign_creation_failed:
    "The campaign was not created; the message says why: the zone, the window, the date, the number or the agent. `details.reason` is for programs.",
  campaign_launch_failed: "The campaign cannot start; the message says what is missing.",
  campaign_already_completed: "The campaign is over. Create a new one to call again.",
  campaign_no_recipients: "Nobody is left to call: every phone is invalid.",
  from_number_not_found: "from_number is not one of the agent's numbers that may call.",
  agent_missing_phone_number: "The agent has no number that may call. Import one for it.",
  agent_missing_twilio_credentials: "The number's carrier account has no usable credentials.",
  country_not_allowed:
    "The key may not call this country. The operator can change `allowed_countries`.",
  model_not_configured:
    "No language model is set up, so nobody is called. The message says what to set.",
  campaign_not_found: "There is no such campaign, or it belongs to another key.",
  recipient_not_found: "The campaign's list has no such row; rows count from 0.",
  call_not_found: "There is no such call, it was deleted, or it belongs to another key.",
  agent_not_found: "There is no such agent, it was deleted, or it belongs to another key.",
  number_not_found: "The number was not imported with this key.",
  key_not_found: "There is no such API key.",
  suppression_not_found: "There is no such suppression in this list.",
  not_found: "There is nothing at this path.",
  method_not_allowed: "The path exists, with other methods. The Allow header lists them.",
  campaign_state_conflict: "The campaign's status does not allow this.",
  phone_suppressed:
    "The phone must not be called: it is on a suppression list of the key or of the operator. `details.scope` says whose.",
  call_in_progress: "A live call cannot be deleted. Wait until it has ended.",
  call_not_uncertain:
    "Only a call that is uncertain can be settled by hand, and only once; `GET /v1/calls/{call_id}/evidence` says what was decided.",
  carrier_call_taken: "The carrier's call belongs to another call already.",
  delivery_not_found:
    "There is no such webhook delivery, it is no longer kept, or it belongs to another key.",
  webhook_not_set: "No webhook address is set on the agent or number that was named.",
  recording_not_found:
    "The call has no recording: none was asked for, nobody answered, or it was deleted.",
  recording_not_ready:
    "The call was recorded, and the carrier has not made the recording available yet. Ask again in a minute.",
  call_not_analyzable: "The call did not connect, or has not ended: there is nothing to analyse.",
  invalid_twilio_sid: "The account SID must be AC and 32 hex characters.",
  twilio_invalid_credentials: "The carrier refused the account: it is closed or suspended.",
  twilio_auth_failed: "The carrier refused the account SID and token.",
  agent_not_owned: "The agent belongs to another key.",
  number_not_in_twilio: "The carrier account does not own this number, or may not call from it.",
  number_already_imported: "The number is imported already. Delete it first to move it.",
  carrier_unavailable: "The carrier did not answer. Try again later.",
  unauthorized: "The Authorization header is missing, half or wrong, or the key was revoked.",
  permission_denied: "The credentials are good but not for this.",
  rate_limit_exceeded:
    "Too many requests in a minute. `details.retry_after` says how many seconds to wait.",
  server_busy: "The server is reading as many large lists as it can. Wait as Retry-After says.",
  idempotency_key_reused: "The Idempotency-Key belongs to another request of the last 24 hours.",
  request_in_progress: "The first request with this Idempotency-Key is still in work.",
  server_error: "A fault of the server. Its log holds the details under the request's id.",
  database_unavailable:
    "The database cannot be reached, or is read-only, full or too slow just now. Wait as Retry-After says; with the same Idempotency-Key nothing is done twice.",
};

/** The page at /docs/errors. Every code is an anchor. */
export function errorDocsPage(): string {
  const rows = Object.entries(ERROR_STATUS).map(
    ([code, status]) =>
      `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td>` +
      `<td>${escapeHtml(ERROR_MEANINGS[code as ErrorCode])}</td></tr>`,
  );
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Carillon: error codes</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
td{padding:.4rem .8rem;vertical-align:top;border-top:1px solid #ddd}tr:target{background:#fff3c4}</style></head>
<body><h1>Error codes</h1><p>Branch on <code>code</code>, then on <code>type</code>, never on <code>message</code>.</p>
<table><tr><th>code</th><th>status</th><th>meaning</th></tr>
${rows.join("\n")}
</table></body></html>`;
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
