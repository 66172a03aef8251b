// The language model of an installation, and the second one behind it when there is one.

import { createModel } from "../model/ai-model.ts";
import { withFallback } from "../model/fallback-model.ts";
import type { Model } from "../ports/model.ts";
import type { Config } from "./config.ts";

/** @param onNotice told about a second model that cannot be used */
export function configuredModel(config: Config, onNotice: (notice: string) => void): Model {
  const model = createModel({
    model: config.get("CARILLON_MODEL"),
    baseUrl: config.get("CARILLON_MODEL_BASE_URL"),
    apiKey: config.get("CARILLON_MODEL_API_KEY"),
  });
  if (config.get("CARILLON_FALLBACK_MODEL") === null) return model;
  const fallback = createModel({
    model: config.get("CARILLON_FALLBACK_MODEL"),
    baseUrl: config.get("CARILLON_FALLBACK_MODEL_BASE_URL"),
    apiKey: config.get("CARILLON_FALLBACK_MODEL_API_KEY"),
  });
  const configuration = fallback.configuration();
  if (configuration.kind === "missing") {
    onNotice(`The fallback model is not used: ${configuration.instruction}`);
  }
  return withFallback(model, fallback);
}
