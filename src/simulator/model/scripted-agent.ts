// What the pretend model says: a plausible agent that reads its instructions, answers what the
// person said, settles the matter of the call and says goodbye. A tool that it is offered it calls
// when the person's words name it. Pure: the same talk gets the same answer. Its rules stand in one
// table; the first that fits wins, so whoever wants no more calls comes first.

import { readTalk, type ChatMessage, type TalkFacts, type ToolNews } from "./talk-facts.ts";

export interface AgentReply {
  readonly text: string;
  /** Tools it would like to call after the text, when they are offered, with words that say why. */
  readonly tools: readonly { readonly name: string; readonly why: string }[];
}

interface Rule {
  readonly fits: (talk: TalkFacts) => boolean;
  readonly reply: (talk: TalkFacts) => string;
  readonly tools?: AgentReply["tools"] | ((talk: TalkFacts) => AgentReply["tools"]);
}

/** After this many turns it says goodbye whatever is said. */
const MAX_TURNS = 10;
/** Shorter words name too much: "get", "set". */
const MIN_NAMING_LENGTH = 4;
/** They have rules of their own. */
const ENGINE_TOOLS: ReadonlySet<string> = new Set([
  "end_call",
  "record_opt_out",
  "request_callback",
  "transfer_to_human",
]);
const GOODBYE = "Thank you for your time. Goodbye!";
const MORE = "Is there anything else?";

const heard = (pattern: RegExp) => (talk: TalkFacts) => pattern.test(talk.said);
const lastAsked = (pattern: RegExp) => (talk: TalkFacts) => pattern.test(talk.lastWords);
const ends = (why: string): AgentReply["tools"] => [{ name: "end_call", why }];

const isMachine = heard(
  /\b(leave (a|your|me a) (message|name)|(after|at) the (tone|beep)|voicemail|record your message|press (one|star))\b/i,
);
const isYes = heard(
  /\b(yes|yep|yeah|sure|fine|works|okay|ok|perfect|all right|suppose so|think so)\b|\[keypad: 1/i,
);
const isNo = heard(/^\W*(no|nope|not really)\b/i);
const askedForMore = lastAsked(/anything else/i);

const RULES: readonly Rule[] = [
  {
    fits: (talk) => isMachine(talk) && talk.knowsVoicemailTag,
    reply: () => "[VOICEMAIL]",
  },
  {
    fits: isMachine,
    reply: () => "I will try again later. Goodbye!",
    tools: [{ name: "voicemail", why: "voicemail" }, ...ends("voicemail")],
  },
  {
    fits: heard(
      /\b(stop calling|off your list|don'?t (call|want)|never call|not call|remove me)\b/i,
    ),
    reply: () => "I am sorry for the disturbance. You will not be called again. Goodbye!",
    tools: [{ name: "record_opt_out", why: "asked not to be called" }, ...ends("not_interested")],
  },
  {
    fits: heard(
      /\b(speak|talk) (to|with) (a |an )?(real )?(person|human|some(body|one)|colleague)\b/i,
    ),
    // No goodbye: whoever hears one hangs up.
    reply: () => "Of course, a colleague will talk to you.",
    tools: [{ name: "transfer_to_human", why: "asked for a person" }, ...ends("other")],
  },
  {
    fits: (talk) => talk.isCallbackNoted,
    reply: () => "You will be called again then. Goodbye!",
    tools: ends("call_back_later"),
  },
  {
    fits: heard(/\b(call|ring|try) (me )?(back|again|later)\b|\btomorrow at ten\b/i),
    reply: () => "Of course, tomorrow at ten.",
    tools: (talk) => [{ name: "request_callback", why: `${talk.tomorrow}T10:00` }],
  },
  {
    fits: heard(
      /\b(wrong number|wrong person|nobody (here )?by that name|don'?t know (him|her|them))\b/i,
    ),
    reply: () => "I am sorry, I must have the wrong number. Goodbye!",
    tools: ends("wrong_person"),
  },
  {
    fits: heard(/\b(goodbye|bye|have to go|got to go|gotta go|at the door)\b/i),
    reply: () => GOODBYE,
    tools: ends("goal_reached"),
  },
  {
    fits: heard(/\b(machine|robot|real person|human|computer)\b/i),
    reply: (talk) => `Yes, I am an automated assistant. ${question(talk)}`,
  },
  {
    fits: heard(/\b(who is this|who are you|who am i|who'?s (this|calling)|speaking to)\b/i),
    reply: (talk) => `${introduction(talk)} ${question(talk)}`,
  },
  {
    fits: heard(
      /\b(hold on|wait|say that again|repeat|sorry,? what|pardon|anybody|hear anything)\b/i,
    ),
    reply: (talk) => `Of course. ${question(talk)}`,
  },
  {
    fits: heard(/\bcancel\b/i),
    reply: () => `Of course, it is canceled. ${MORE}`,
  },
  {
    fits: heard(
      /\b(move it|another (day|time)|can'?t make|reschedule|instead|different (day|time))\b/i,
    ),
    reply: () =>
      "No problem, we can move it. Would Thursday at ten or Friday at two suit you better?",
  },
  {
    fits: heard(/\b(first one|second one|thursday|friday|ten|two)\b/i),
    reply: () => `Wonderful, I have noted that. ${MORE}`,
  },
  {
    fits: heard(/\b(that'?s all|that is all|no,? thank(s| you)|no more|nothing else)\b/i),
    reply: () => GOODBYE,
    tools: ends("goal_reached"),
  },
  {
    // Whatever is said to the last question: it was the last.
    fits: (talk) => askedForMore(talk) && !isYes(talk),
    reply: () => GOODBYE,
    tools: ends("goal_reached"),
  },
  {
    fits: (talk) => isYes(talk) && lastAsked(/make it\?|a minute\?|all right with you\?/i)(talk),
    reply: (talk) =>
      `Great, ${talk.appointment === "" ? "I have noted that" : "that is confirmed"}. ${MORE}`,
  },
  {
    fits: (talk) => isNo(talk) && lastAsked(/make it\?/i)(talk),
    reply: () => "That is no problem. Would Thursday at ten or Friday at two suit you better?",
  },
  {
    // It has introduced itself already.
    fits: (talk) => talk.agentTurns > 0,
    reply: question,
  },
];

/** The reply to a talk so far, with these tools at hand. */
export function replyTo(
  messages: readonly ChatMessage[],
  offered: readonly string[] = [],
): AgentReply {
  const talk = readTalk(messages);
  if (talk.agentTurns >= MAX_TURNS) return { text: GOODBYE, tools: ends("goal_reached") };
  if (talk.toolNews !== null) return { text: ofTool(talk.toolNews), tools: [] };
  const wanted = offered.find((name) => isNamed(name, talk.said));
  if (wanted !== undefined) return { text: "", tools: [{ name: wanted, why: talk.said }] };
  const rule = RULES.find((each) => each.fits(talk));
  return rule === undefined
    ? { text: `${introduction(talk)} ${question(talk)}`, tools: [] }
    : { text: rule.reply(talk), tools: toolsOf(rule, talk) };
}

function toolsOf({ tools = [] }: Rule, talk: TalkFacts): AgentReply["tools"] {
  return typeof tools === "function" ? tools(talk) : tools;
}

/** `opening_hours` is named by "What are your opening hours?". */
function isNamed(tool: string, said: string): boolean {
  if (ENGINE_TOOLS.has(tool)) return false;
  const words = tool.split("_").filter((word) => word.length >= MIN_NAMING_LENGTH);
  return words.length > 0 && words.every((word) => new RegExp(`\\b${word}`, "i").test(said));
}

function ofTool({ kind, words }: ToolNews): string {
  switch (kind) {
    case "answered":
      return `Here is what I found: ${words}. ${MORE}`;
    case "failed":
      return `I am sorry, I could not find that out. ${MORE}`;
    case "pending":
      return "I am still waiting for that, it should not be long.";
  }
}

function introduction({ name, business }: TalkFacts): string {
  const whose =
    business === "" ? "an automated assistant" : `the automated assistant of ${business}`;
  return `Hello${name === "" ? "" : ` ${name}`}, this is ${whose}.`;
}

function question(talk: TalkFacts): string {
  if (talk.isSettled) return MORE;
  return talk.appointment === ""
    ? "I have a short question for you. Do you have a minute?"
    : `I am calling about ${talk.appointment}. Can you still make it?`;
}
