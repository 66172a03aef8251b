// The agent of a rehearsal: a YAML or JSON file with the fields of the API's agent, or the id of a
// stored one.

import { z } from "zod";
import { AppError } from "../../domain/app-error.ts";
import type { AgentSettings } from "../../domain/agent-settings.ts";
import { changeAgent, settingsOfNewAgent } from "../../http/agent-fields.ts";
import { AgentRequest } from "../../http/contract/agent.ts";
import { findAgentOfAnyKey } from "../../store/agents.ts";
import type { Config } from "../config.ts";
import { withStore } from "../open-store.ts";
import { readYaml } from "./read-yaml.ts";

export interface RehearsedAgent {
  readonly name: string;
  readonly timezone: string;
  readonly settings: AgentSettings;
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
  const agent = await withStore(config, onNotice, (database) =>
    findAgentOfAnyKey(database, source),
  );
  if (agent === null) throw new Error(`there is no agent ${source}`);
  const { name, timezone, settings } = agent;
  return { name, timezone: timezone ?? DEFAULT_TIMEZONE, settings };
}

function readAgentFile(file: string): RehearsedAgent {
  const { value, fault } = readYaml(file, AgentFile);
  const now = Date.now();
  const nobody = { id: "", uuid: "", keyId: "", createdAt: now, updatedAt: now };
  try {
    const { name, timezone, settings } = changeAgent(
      { ...nobody, ...settingsOfNewAgent() },
      value,
      { now, allowLocalUrls: true },
    );
    return { name, timezone: timezone ?? DEFAULT_TIMEZONE, settings };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { field } = error.details;
    throw fault(typeof field === "string" ? [field] : [], error.message);
  }
}
