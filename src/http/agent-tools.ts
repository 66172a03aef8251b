// An agent's own tools between the API and its row. The values of their headers are secrets: stored
// encrypted, in one piece beside the settings, and handed to nobody.

import type { AgentTool, ToolHeaders } from "../domain/agent-tool.ts";
import { AppError } from "../domain/app-error.ts";
import type { AgentRow } from "../store/agents.ts";
import type { ParsedToolRequest } from "./contract/agent-tool.ts";
import type { SecretBox } from "./server-dependencies.ts";
import { checkWebAddress } from "./web-address.ts";

export interface ToolContext {
  readonly allowLocalUrls: boolean;
  readonly secretBox: SecretBox;
}

export interface ChangedTools {
  readonly tools: readonly AgentTool[];
  readonly toolHeadersEncrypted: Uint8Array | null;
}

/**
 * The tools that take the place of an agent's own. Headers that are not sent stay, where they go on
 * to the same place.
 * @throws AppError `invalid_url`, `invalid_request` for secrets that would go to another place.
 */
export function changeTools(
  before: AgentRow,
  sent: readonly ParsedToolRequest[],
  { allowLocalUrls, secretBox }: ToolContext,
): ChangedTools {
  for (const [index, { url }] of sent.entries()) {
    checkWebAddress(url, `tools[${index}].url`, allowLocalUrls);
  }
  const old = headersOf(before, secretBox);
  const headers: Record<string, Readonly<Record<string, string>>> = {};
  for (const [index, tool] of sent.entries()) {
    const kept = tool.headers ?? keptHeaders(before, old, tool, index);
    if (Object.keys(kept).length > 0) headers[tool.name] = kept;
  }
  const hasNone = Object.keys(headers).length === 0;
  return {
    tools: sent.map(({ headers: _secret, ...tool }) => ({
      ...tool,
      header_names: Object.keys(headers[tool.name] ?? {}),
    })),
    toolHeadersEncrypted: hasNone ? null : secretBox.encrypt(JSON.stringify(headers)),
  };
}

/** The values of the headers of an agent's tools. Secret. */
export function headersOf(
  { toolHeadersEncrypted }: Pick<AgentRow, "toolHeadersEncrypted">,
  secretBox: Pick<SecretBox, "decrypt">,
): ToolHeaders {
  if (toolHeadersEncrypted === null) return {};
  return JSON.parse(secretBox.decrypt(toolHeadersEncrypted)) as ToolHeaders;
}

function keptHeaders(
  { settings }: AgentRow,
  old: ToolHeaders,
  tool: ParsedToolRequest,
  index: number,
): Readonly<Record<string, string>> {
  const before = settings.tools?.find(({ name }) => name === tool.name);
  const isKept = before !== undefined && Object.hasOwn(old, before.name);
  const kept = isKept ? old[before.name] : undefined;
  if (before === undefined || kept === undefined) return {};
  if (URL.parse(before.url)?.origin === URL.parse(tool.url)?.origin) return kept;
  throw new AppError("invalid_request", {
    message: `tools[${index}].headers must be sent with a url at another origin: those that are kept were meant for the old one.`,
    details: { field: `tools[${index}].headers` },
  });
}
