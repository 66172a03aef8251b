// Who makes the language models that can be configured, behind the AI SDK's providers. A model is
// always an object: the SDK resolves plain names to a hosted gateway. Address and key are always
// passed in, because a provider that misses one looks into environment variables of its own
// (OPENAI_BASE_URL, ANTHROPIC_API_KEY …) that no setting of ours shows.

import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import type { LanguageModel } from "ai";

export interface ModelOptions {
  /** CARILLON_MODEL, `maker:name`; null when nothing is configured. */
  readonly model: string | null;
  /** CARILLON_MODEL_BASE_URL; null: the maker's own address. */
  readonly baseUrl: string | null;
  /** CARILLON_MODEL_API_KEY. */
  readonly apiKey: string | null;
}

export type ResolvedModel =
  | { readonly kind: "ready"; readonly name: string; readonly languageModel: LanguageModel }
  /** What to set, in words for the operator. */
  | { readonly kind: "missing"; readonly instruction: string };

interface Maker {
  /** Its own address; null when there is none and CARILLON_MODEL_BASE_URL must say. */
  readonly baseUrl: string | null;
  readonly needsKey: boolean;
  create(name: string, baseURL: string, apiKey: string | null): LanguageModel;
}

const MAKERS: Readonly<Record<string, Maker>> = {
  openai: {
    baseUrl: "https://api.openai.com/v1",
    needsKey: true,
    // Chat completions: the wire that every gateway in front of this maker speaks too.
    create: (name, baseURL, apiKey) => createOpenAI({ baseURL, apiKey: apiKey ?? "" }).chat(name),
  },
  anthropic: {
    baseUrl: "https://api.anthropic.com/v1",
    needsKey: true,
    create: (name, baseURL, apiKey) => createAnthropic({ baseURL, apiKey: apiKey ?? "" })(name),
  },
  google: {
    baseUrl: "https://generativelanguage.googleapis.com/v1beta",
    needsKey: true,
    create: (name, baseURL, apiKey) =>
      createGoogleGenerativeAI({ baseURL, apiKey: apiKey ?? "" })(name),
  },
  "openai-compatible": {
    baseUrl: null,
    // A model on the operator's own machine often has none.
    needsKey: false,
    create: (name, baseURL, apiKey) =>
      createOpenAICompatible({
        name: "openai-compatible",
        baseURL,
        // Token counts are streamed only to who asks for them.
        includeUsage: true,
        // Answers that must fit a schema are held to it by the server, as vLLM, Ollama and
        // llama.cpp do.
        supportsStructuredOutputs: true,
        ...(apiKey === null ? {} : { apiKey }),
      })(name),
  },
};

const NOTHING_SET =
  "No language model is configured. Set CARILLON_MODEL (for example openai:gpt-5-mini) and " +
  "CARILLON_MODEL_API_KEY, or CARILLON_MODEL=openai-compatible:NAME and CARILLON_MODEL_BASE_URL, " +
  "and restart.";

/**
 * Settings to a model, or to what is missing. Never throws and asks nobody: a wrong key shows at
 * the first reply.
 */
export function resolveModel(options: ModelOptions): ResolvedModel {
  if (options.model === null) return { kind: "missing", instruction: NOTHING_SET };
  const [makerName = "", ...rest] = options.model.split(":");
  const name = rest.join(":");
  const maker = Object.hasOwn(MAKERS, makerName) ? MAKERS[makerName] : undefined;
  if (maker === undefined || name === "") {
    const makers = Object.keys(MAKERS).join(", ");
    return missing(`CARILLON_MODEL must be MAKER:NAME with one of the makers ${makers}`);
  }
  const baseUrl = options.baseUrl ?? maker.baseUrl;
  if (baseUrl === null) {
    return missing(`CARILLON_MODEL=${options.model} also needs CARILLON_MODEL_BASE_URL`);
  }
  if (maker.needsKey && (options.apiKey ?? "") === "") {
    return missing(`CARILLON_MODEL=${options.model} also needs CARILLON_MODEL_API_KEY`);
  }
  return {
    kind: "ready",
    name: options.model,
    languageModel: maker.create(name, baseUrl.replace(/\/+$/, ""), options.apiKey),
  };
}

function missing(what: string): ResolvedModel {
  return { kind: "missing", instruction: `${what}. Set it and restart.` };
}
