// What the pretend model says: a plausible agent that reads its instructions, answers what the
// person said, and says goodbye. The same talk always gets the same answer.

export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

export interface AgentReply {
  readonly text: string;
  /** A tool to call after the text; null: none. */
  readonly tool: {
    readonly name: string;
    readonly input: Readonly<Record<string, unknown>>;
  } | null;
}

/** The most turns before it says goodbye whatever is said. */
const MAX_TURNS = 6;

const GOODBYE = "Thank you for your time. Goodbye!";
const END_CALL_TOOL = "end_call";

interface Rule {
  readonly heard: RegExp;
  readonly reply: (facts: TalkFacts) => string;
  readonly ends?: true;
}

interface TalkFacts {
  readonly name: string | null;
  readonly time: string | null;
  readonly turn: number;
}

// The first that matches wins: whoever wants no more calls is heard before anything else.
const RULES: readonly Rule[] = [
  {
    heard: /\b(stop calling|off your list|don'?t call|never call|do not call|remove me)\b/i,
    reply: () =>
      "I understand. I will take you off our list, and you will not be called again. Goodbye!",
    ends: true,
  },
  {
    heard: /\b(machine|robot|real person|human|computer)\b/i,
    reply: () => "I am an automated assistant, calling for the office. Is that all right with you?",
  },
  { heard: /\b(bye|have to go|got to go|gotta go)\b/i, reply: () => GOODBYE, ends: true },
  {
    heard: /\bcancel\b/i,
    reply: () => "Of course, I will note that the appointment is canceled. Is there anything else?",
  },
  {
    heard: /\b(move it|another day|another time|can'?t make|reschedule|instead)\b/i,
    reply: () =>
      "No problem, we can move it. Would Thursday at ten or Friday at two suit you better?",
  },
  {
    heard: /\b(first one|second one|thursday|friday)\b/i,
    reply: () => "Wonderful, I have noted that. Is there anything else?",
  },
  {
    heard: /\b(that'?s all|that is all|no,? thank|no more|nothing else)\b/i,
    reply: () => GOODBYE,
    ends: true,
  },
  {
    heard: /\b(who is this|who are you|who am i|speaking to)\b/i,
    reply: (facts) =>
      `This is the automated assistant of the office${forWhom(facts)}. ${question(facts)}`,
  },
  {
    heard: /\b(hold on|wait|say that again|repeat|sorry,? what|pardon)\b/i,
    reply: (facts) => `Of course. ${question(facts)}`,
  },
  {
    heard: /\b(yes|yep|yeah|sure|fine|works|okay|ok|perfect|all right|right)\b/i,
    reply: (facts) =>
      facts.turn <= 1 ? question(facts) : "Great, you are confirmed. Is there anything else?",
  },
];

/** The reply to a talk so far. `hasEndTool`: the end_call tool was offered. */
export function replyTo(messages: readonly ChatMessage[], hasEndTool: boolean): AgentReply {
  const talk = messages.filter((message) => message.role !== "system");
  const said = talk.findLast((message) => message.role === "user")?.content ?? "";
  const turn = talk.filter((message) => message.role === "assistant").length;
  const facts = factsOf(messages, turn);
  const rule = RULES.find((each) => each.heard.test(said));
  const ends = rule?.ends === true || turn >= MAX_TURNS;
  const text =
    turn >= MAX_TURNS && rule?.ends !== true ? GOODBYE : (rule?.reply(facts) ?? fallback(facts));
  return {
    text,
    tool:
      ends && hasEndTool
        ? { name: END_CALL_TOOL, input: { reason: "the conversation is complete" } }
        : null,
  };
}

function fallback(facts: TalkFacts): string {
  return facts.turn <= 1 ? question(facts) : "I see. Is there anything else I can do for you?";
}

function forWhom(facts: TalkFacts): string {
  return facts.name === null ? "" : `, calling for ${facts.name}`;
}

function question(facts: TalkFacts): string {
  const when = facts.time === null ? "your appointment" : `your appointment at ${facts.time}`;
  return `I am calling about ${when}. Can you still make it?`;
}

// Variables reach the model as a JSON block somewhere in its instructions; whatever looks like a
// name or a time in it is good enough.
function factsOf(messages: readonly ChatMessage[], turn: number): TalkFacts {
  const told = messages
    .filter((message) => message.role !== "assistant")
    .map((message) => message.content)
    .join("\n");
  return {
    name: valueOf(told, /"(?:patient_|customer_|first_)?name"\s*:\s*"([^"]{1,60})"/i),
    time: valueOf(told, /"(?:appointment_)?time"\s*:\s*"([^"]{1,60})"/i),
    turn,
  };
}

function valueOf(text: string, pattern: RegExp): string | null {
  return pattern.exec(text)?.[1] ?? null;
}
