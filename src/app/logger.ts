// The log: JSON lines, constant messages. Whatever is personal stands under `pii`, which is cut out
// unless the operator turned it on; secrets are cut out always.

import pino, { type Logger } from "pino";
import type { Config } from "./config.ts";

const SECRET_PATHS = [
  "req.headers.authorization",
  "*.authToken",
  "*.apiKey",
  "*.secret",
  "*.password",
];

export function createLogger(
  config: Config,
  destination: NodeJS.WritableStream = process.stderr,
): Logger {
  return pino(
    {
      level: config.require("CARILLON_LOG_LEVEL"),
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: {
        paths: config.require("CARILLON_LOG_PII") ? SECRET_PATHS : [...SECRET_PATHS, "pii"],
        censor: "(hidden)",
      },
    },
    destination,
  );
}
