// Between the agent of the API and its row: name, activity and zone are columns, everything else is
// one document. Rules that need more than one field, or more than a schema, live here.

import type { AgentSettings } from "../domain/agent-settings.ts";
import { AppError } from "../domain/app-error.ts";
import type { Instant } from "../domain/instant.ts";
import { parsePhone } from "../domain/phone.ts";
import { resolveTimeZone } from "../domain/time-zone.ts";
import type { AgentRow } from "../store/agents.ts";
import { changeTools, type ToolContext } from "./agent-tools.ts";
import { Agent, agentDefaults, type ParsedAgentRequest } from "./contract/agent.ts";
import { definedFields } from "./defined-fields.ts";
import { isoTime } from "./iso-time.ts";
import { checkWebAddress } from "./web-address.ts";

/** What a new agent starts from. */
export function settingsOfNewAgent(): Pick<
  AgentRow,
  "name" | "isActive" | "timezone" | "settings" | "toolHeadersEncrypted"
> {
  const { name, is_active, timezone, ...settings } = agentDefaults;
  return { name, isActive: is_active, timezone, settings, toolHeadersEncrypted: null };
}

/**
 * The agent after a create or update; `before` is left alone. Absent fields stay.
 * @throws AppError `invalid_request` (zone, attestation, extraction fields), `invalid_url`,
 * `invalid_phone_format`, `voicemail_message_required`.
 */
export function changeAgent(
  before: AgentRow,
  request: ParsedAgentRequest,
  context: ToolContext & { readonly now: Instant },
): AgentRow {
  const { name, is_active, timezone, tools, ...changes } = request;
  if (typeof changes.webhook_url === "string") {
    checkWebAddress(changes.webhook_url, "webhook_url", context.allowLocalUrls);
  }
  checkExtractionFields(changes.data_extraction_fields ?? []);
  const changed = tools === undefined ? null : changeTools(before, tools, context);
  const settings: AgentSettings = {
    ...before.settings,
    ...definedFields(changes),
    ...(changed === null ? {} : { tools: changed.tools }),
    transfer_number: transferNumber(changes.transfer_number, before.settings.transfer_number),
  };
  if (settings.voicemail_leave_enabled && (settings.voicemail_message ?? "").trim() === "") {
    throw new AppError("voicemail_message_required", {
      message: "voicemail_leave_enabled needs a voicemail_message to speak.",
      details: { field: "voicemail_message" },
    });
  }
  if (!settings.disclosure_enabled && (settings.disclosure_attestation ?? "").trim() === "") {
    throw new AppError("invalid_request", {
      message:
        "disclosure_enabled may be false only with a disclosure_attestation that says who answers for it.",
      details: { field: "disclosure_attestation" },
    });
  }
  return {
    ...before,
    name: name ?? before.name,
    isActive: is_active ?? before.isActive,
    timezone: timezone === undefined ? before.timezone : zoneOf(timezone),
    settings,
    toolHeadersEncrypted:
      changed === null ? before.toolHeadersEncrypted : changed.toolHeadersEncrypted,
    updatedAt: context.now,
  };
}

// Not in the schema, which answers are checked with too: an agent kept from before stays readable.
function checkExtractionFields(
  sent: NonNullable<ParsedAgentRequest["data_extraction_fields"]>,
): void {
  const names = new Set<string>();
  for (const [index, { type, name, choices = [] }] of sent.entries()) {
    if (type === "selector" && choices.length === 0) {
      throw new AppError("invalid_request", {
        message: `data_extraction_fields[${index}].choices must hold what a selector chooses from.`,
        details: { field: `data_extraction_fields[${index}].choices` },
      });
    }
    // Results go by the name, so the second of two would take the place of the first.
    if (names.has(name)) {
      throw new AppError("invalid_request", {
        message: `data_extraction_fields[${index}].name is the name of an earlier field.`,
        details: { field: `data_extraction_fields[${index}].name` },
      });
    }
    names.add(name);
  }
}

function zoneOf(timezone: string | null): string | null {
  if (timezone === null) return null;
  const zone = resolveTimeZone(timezone);
  if (zone === null) {
    throw new AppError("invalid_request", {
      message: "timezone must be an IANA zone such as Europe/London (invalid_timezone).",
      details: { field: "timezone", reason: "invalid_timezone" },
    });
  }
  return zone;
}

function transferNumber(sent: string | null | undefined, before: string | null): string | null {
  if (sent === undefined) return before;
  if (sent === null || sent === "") return null;
  const parsed = parsePhone(sent);
  if (parsed.kind === "invalid") {
    throw new AppError("invalid_phone_format", {
      message: `transfer_number ${parsed.reason}.`,
      details: { field: "transfer_number" },
    });
  }
  return parsed.phone;
}

type SettingName = Exclude<keyof typeof agentDefaults, "name" | "is_active" | "timezone">;

export function presentAgent(agent: AgentRow): Agent {
  // Settings hold exactly the contract's fields: they passed its schema on the way in.
  const settings = agent.settings as AgentSettings & Pick<Agent, SettingName>;
  return {
    ...settings,
    tools: [...(settings.tools ?? [])],
    id: agent.uuid,
    agent_id: agent.id,
    api_key_id: agent.keyId,
    name: agent.name,
    is_active: agent.isActive,
    timezone: agent.timezone,
    created_at: isoTime(agent.createdAt),
    updated_at: isoTime(agent.updatedAt),
  };
}
