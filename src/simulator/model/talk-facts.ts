// What the scripted agent knows about a talk: the facts in its instructions, what was said last,
// and how far the talk is. Everything is read from the messages of the request; nothing is
// remembered.

export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

export interface TalkFacts {
  /** First name of whoever is called; "" when nobody said. */
  readonly name: string;
  /** Who the agent calls for; "" when nobody said. */
  readonly business: string;
  /** "your check-up on Tuesday at 10 am", or "" when the call is about something else. */
  readonly appointment: string;
  /** Everything the person said since the agent spoke last; "" when nothing. */
  readonly said: string;
  /** The agent's last words; "" when it has not spoken. */
  readonly lastWords: string;
  readonly agentTurns: number;
  /** The matter of the call is settled: confirmed, moved or canceled. */
  readonly isSettled: boolean;
  /** "2026-12-01"; "" when the instructions name no day. */
  readonly tomorrow: string;
  /** The phone system noted the call back that was asked for. */
  readonly isCallbackNoted: boolean;
  /** The instructions ask for this tag when a machine answers. */
  readonly knowsVoicemailTag: boolean;
  /** The newest word of a tool since the agent spoke last; null when there is none. */
  readonly toolNews: ToolNews | null;
}

export interface ToolNews {
  readonly tool: string;
  /** pending: it was called and its answer is to come. */
  readonly kind: "answered" | "failed" | "pending";
  /** What it answered, as words; "" when it failed or has not yet. */
  readonly words: string;
}

const MAX_FACT_CHARACTERS = 80;
const MAX_ANSWER_CHARACTERS = 200;

// Words with capitals after "calling from" and its like.
const BUSINESS =
  /\b(?:calling|call) (?:from|for|on behalf of) ([A-Z][\w&']*(?: (?:and|of|&|[A-Z][\w&']*))*)/;

export function readTalk(messages: readonly ChatMessage[]): TalkFacts {
  const instructions = messages
    .filter((message) => message.role !== "assistant")
    .map((message) => message.content)
    .join("\n");
  const variables = readVariables(instructions);
  const spoken = messages.filter((message) => message.role === "assistant");
  const lastSpoken = messages.findLastIndex((message) => message.role === "assistant");
  const since = messages.slice(lastSpoken + 1).filter((message) => message.role === "user");
  const said = since
    .map((message) => withoutNotes(message.content))
    .join(" ")
    .trim();
  return {
    name: variable(variables, /^(first_?|patient_?|customer_?|full_?)?name$/i).split(" ")[0] ?? "",
    business: BUSINESS.exec(instructions)?.[1] ?? "",
    appointment: describeAppointment(variables, instructions),
    said,
    lastWords: spoken.at(-1)?.content ?? "",
    agentTurns: spoken.length,
    isSettled: spoken.some((message) =>
      /\b(confirmed|have noted|canceled)\b/i.test(message.content),
    ),
    tomorrow: readTomorrow(instructions),
    isCallbackNoted: since.some((message) =>
      message.content.includes("request_callback: it is noted"),
    ),
    toolNews: readToolNews(since.map((message) => message.content).join("\n")),
    knowsVoicemailTag: instructions.includes("[VOICEMAIL]"),
  };
}

/** "Tomorrow is 1 December 2026." as a date. */
function readTomorrow(instructions: string): string {
  const text = /\bTomorrow is (\d{1,2} [A-Z][a-z]+ \d{4})/.exec(instructions)?.[1];
  const at = Date.parse(`${text ?? ""} UTC`);
  return Number.isNaN(at) ? "" : new Date(at).toISOString().slice(0, 10);
}

/** Variables stand in the instructions as JSON objects, one a line. */
function readVariables(instructions: string): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const [line] of instructions.matchAll(/^\s*\{.*\}\s*$/gm)) {
    for (const [key, value] of Object.entries(parseObject(line))) {
      if (typeof value === "string" || typeof value === "number") {
        variables.set(key, String(value).slice(0, MAX_FACT_CHARACTERS));
      }
    }
  }
  return variables;
}

function parseObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

function variable(variables: ReadonlyMap<string, string>, name: RegExp): string {
  for (const [key, value] of variables) if (name.test(key)) return value.trim();
  return "";
}

function describeAppointment(variables: ReadonlyMap<string, string>, instructions: string): string {
  const day = variable(variables, /(^|_)(day|date)$/i);
  const time = variable(variables, /(^|_)(time|slot)$/i);
  const kind = variable(variables, /(^|_)(kind|type|service|reason)$/i) || "appointment";
  if (day === "" && time === "" && !/\bappointment\b/i.test(instructions)) return "";
  return `your ${kind}${day === "" ? "" : ` on ${day}`}${time === "" ? "" : ` at ${time}`}`;
}

const TOOL_NOTE =
  /\[note: (\w+) was (?:not called|called with .*?(?:\. It (answered|failed)|and has (not answered) yet))/g;
const ANSWER_BLOCK = /(=====\S+=====)\n(.*)\n\1/s;

function readToolNews(heard: string): ToolNews | null {
  const news = [...heard.matchAll(TOOL_NOTE)].at(-1);
  if (news === undefined) return null;
  const [, tool = "", ended, pending] = news;
  if (pending !== undefined) return { tool, kind: "pending", words: "" };
  if (ended !== "answered") return { tool, kind: "failed", words: "" };
  const answer = ANSWER_BLOCK.exec(heard.slice(news.index))?.[2] ?? "";
  const words = answer.replaceAll(/[{}"[\]]+/g, " ").replaceAll(/\s+/g, " ");
  return { tool, kind: "answered", words: words.trim().slice(0, MAX_ANSWER_CHARACTERS) };
}

/** Without what the phone system wrote into the talk, and without the data of the call. */
function withoutNotes(content: string): string {
  if (content.startsWith("[note:")) return "";
  return content.replace(/\[(?!keypad)[^\]]*\]/g, " ").trim();
}
