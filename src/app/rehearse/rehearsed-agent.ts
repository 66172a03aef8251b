// The agent of a rehearsal: a YAML or JSON file with the fields of the API's agent, or the id of a
// stored one.

import { z } from "zod";
import { AppError } from "../../domain/app-error.ts";
import type { AgentSettings } from "../../domain/agent-settings.ts";
import type { ToolHeaders } from "../../domain/agent-tool.ts";
import { changeAgent, settingsOfNewAgent } from "../../http/agent-fields.ts";
import { headersOf } from "../../http/agent-tools.ts";
import { AgentRequest } from "../../http/contract/agent.ts";
import { findAgentOfAnyKey, type AgentRow } from "../../store/agents.ts";
import type { Config } from "../config.ts";
import { loadEncryptionKey } from "../encryption-key.ts";
import { withStore } from "../open-store.ts";
import { createSecretBox, type SecretBox } from "../secret-box.ts";
import { systemRandom } from "../system-random.ts";
import { readYaml } from "./read-yaml.ts";

export interface RehearsedAgent {
  readonly name: string;
  readonly timezone: string;
  readonly settings: AgentSettings;
  /** Of the agent's own tools; secret. */
  readonly toolHeaders: ToolHeaders;
  /** The addresses of its tools are the user's own, not some tenant's. */
  readonly isFromFile: boolean;
}

const AGENT_ID = /^agent_[0-9a-f]{16}$/;
/** As for a campaign (DESIGN §5). */
const DEFAULT_TIMEZONE = "Europe/London";

// A field that is silently ignored would be rehearsed without it.
const AgentFile = z.strictObject(AgentRequest.shape);

/** @throws Error in words: no such agent, or line and field of the file */
export async function readAgent(
  source: string,
  config: Config,
  onNotice: (notice: string) => void,
): Promise<RehearsedAgent> {
  if (!AGENT_ID.test(source)) return readAgentFile(source);
  return withStore(config, onNotice, async (database, store) => {
    const agent = await findAgentOfAnyKey(database, source);
    if (agent === null) throw new Error(`there is no agent ${source}`);
    const explicit = config.get("CARILLON_ENCRYPTION_KEY");
    const { key } = loadEncryptionKey({ explicit, dataDirectory: store.dataDirectory });
    return { ...rehearsed(agent, createSecretBox(key, systemRandom)), isFromFile: false };
  });
}

function rehearsed(agent: AgentRow, secretBox: SecretBox): Omit<RehearsedAgent, "isFromFile"> {
  const { name, timezone, settings } = agent;
  const toolHeaders = headersOf(agent, secretBox);
  return { name, timezone: timezone ?? DEFAULT_TIMEZONE, settings, toolHeaders };
}

function readAgentFile(file: string): RehearsedAgent {
  const { value, fault } = readYaml(file, AgentFile);
  const now = Date.now();
  // Headers are kept as those of a stored agent are, though only for as long as this process lives.
  const secretBox = createSecretBox(systemRandom.bytes(32), systemRandom);
  const nobody = { id: "", uuid: "", keyId: "", createdAt: now, updatedAt: now };
  try {
    const before = { ...nobody, ...settingsOfNewAgent() };
    const rules = { now, allowLocalUrls: true, secretBox };
    return { ...rehearsed(changeAgent(before, value, rules), secretBox), isFromFile: true };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { field } = error.details;
    throw fault(typeof field === "string" ? [field] : [], error.message);
  }
}
