// Runs the carrier's markup on an answered call, one verb after the other, document after document.
// A document that cannot be had or run leads to the call's fallback address once, then to the end
// of the call.

import type { SimulatorLog } from "../simulator-log.ts";
import { parseTwiml } from "./parse-twiml.ts";
import type { TwimlElement } from "./parse-twiml.ts";
import type { ScriptLine, ScriptSource, VerbResult } from "./script-line.ts";
import { findVerb } from "./verbs.ts";

/** Markup that redirects to itself would never end; the carrier stops loops too. */
const MAX_DOCUMENTS = 200;

/**
 * `stopped`: the call ended or was redirected meanwhile. Otherwise the call is to be hung up, for
 * this reason.
 */
export type ScriptEnd = "stopped" | "script ended" | "script failed";

export async function runScript(
  line: ScriptLine,
  start: ScriptSource,
  signal: AbortSignal,
  log: SimulatorLog,
): Promise<ScriptEnd> {
  let source = start;
  let isFallback = false;
  for (let documents = 0; documents < MAX_DOCUMENTS; documents += 1) {
    const result = await runDocument(line, source, signal);
    if (signal.aborted) return "stopped";
    if (result.kind === "next" || result.kind === "hang_up") return "script ended";
    if (result.kind === "go") {
      source = result.source;
      continue;
    }
    log.warn({ callSid: line.call.sid, code: result.code }, "call script failed");
    const fallback = line.call.request?.fallback ?? null;
    if (fallback === null || isFallback) return "script failed";
    isFallback = true;
    const errorUrl = source.kind === "fetched" ? source.target.url : "";
    const fields = { ErrorCode: String(result.code), ErrorUrl: errorUrl };
    source = { kind: "fetched", target: fallback, fields };
  }
  return "script failed";
}

async function runDocument(
  line: ScriptLine,
  source: ScriptSource,
  signal: AbortSignal,
): Promise<VerbResult> {
  const document =
    source.kind === "inline"
      ? ({ kind: "fetched", twiml: source.twiml } as const)
      : await line.fetch(source);
  if (document.kind === "failed") return document;
  // An empty answer is an empty document: nothing more to do.
  if (document.twiml.trim() === "") return { kind: "next" };
  const parsed = parseTwiml(document.twiml);
  if (parsed.kind === "malformed") return { kind: "failed", code: 12100 };
  const baseUrl = source.kind === "fetched" ? source.target.url : null;
  return runVerbs(line, parsed.verbs, baseUrl, signal);
}

async function runVerbs(
  line: ScriptLine,
  verbs: readonly TwimlElement[],
  baseUrl: string | null,
  signal: AbortSignal,
): Promise<VerbResult> {
  for (const element of verbs) {
    const verb = findVerb(element.name);
    if (verb === null) return { kind: "failed", code: 12200 };
    const result = await verb({ line, element, baseUrl, signal });
    if (signal.aborted || result.kind !== "next") return result;
  }
  return { kind: "next" };
}
