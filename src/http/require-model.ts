// Nobody is called by a machine that cannot answer (DESIGN §5, No model configured).

import { AppError } from "../domain/app-error.ts";
import type { Model } from "../ports/model.ts";

/** @throws AppError `model_not_configured`, saying what to set. */
export function requireModel(model: Pick<Model, "configuration">): void {
  const configuration = model.configuration();
  if (configuration.kind === "missing") {
    throw new AppError("model_not_configured", { message: configuration.instruction });
  }
}
