// Who makes the language models that can be configured, behind the AI SDK's providers. A model is always an object: the SDK
// resolves plain names to a hosted gateway.

import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import type { LanguageModel } from "ai";

export interface MakerOptions {
  readonly baseUrl: string | null;
  readonly apiKey: string | null;
}

/**
 * @param model `maker:name`, checked by the settings' schema
 * @throws Error for an unknown maker, or an openai-compatible one without an address
 */
export function createLanguageModel(model: string, options: MakerOptions): LanguageModel {
  const [maker = "", ...rest] = model.split(":");
  const name = rest.join(":");
  const settings = {
    ...(options.baseUrl === null ? {} : { baseURL: options.baseUrl }),
    ...(options.apiKey === null ? {} : { apiKey: options.apiKey }),
  };
  switch (maker) {
    case "openai":
      return createOpenAI(settings).chat(name);
    case "anthropic":
      return createAnthropic(settings)(name);
    case "google":
      return createGoogleGenerativeAI(settings)(name);
    case "openai-compatible":
      if (options.baseUrl === null) throw new Error("CARILLON_MODEL_BASE_URL is needed for openai-compatible models.");
      return createOpenAICompatible({ name: "openai-compatible", baseURL: options.baseUrl, ...settings })(name);
    default:
      throw new Error(`CARILLON_MODEL names an unknown maker: ${maker}`);
  }
}
