// What a person makes of something the agent said. English only, by its words: enough to answer
// plausibly, and the same text is always understood the same way.

export type AgentMeaning =
  | { readonly kind: "goodbye" }
  | { readonly kind: "asks_for_key"; readonly digit: string }
  | { readonly kind: Topic };

/** What calls for an answer in words. `asks` is any other question, `states` no question at all. */
export type Topic =
  | "asks_who_you_are"
  | "offers_choice"
  | "asks_for_more"
  | "asks_presence"
  | "asks_to_confirm"
  | "asks"
  | "states";

const DIGIT_WORDS: Readonly<Record<string, string>> = {
  zero: "0",
  one: "1",
  two: "2",
  three: "3",
  four: "4",
  five: "5",
  six: "6",
  seven: "7",
  eight: "8",
  nine: "9",
  star: "*",
  pound: "#",
};

const GOODBYE =
  /\b(good ?bye|bye|have an? (great|nice|good|lovely|wonderful) (day|evening|one|weekend))\b/;
const KEY =
  /\bpress (?:the )?([0-9]|zero|one|two|three|four|five|six|seven|eight|nine|star|pound)\b/;

// The first that matches the last question wins; order matters.
const QUESTIONS: readonly (readonly [RegExp, Topic])[] = [
  [/\b(anything|something) else\b|\bany (other )?questions\b/, "asks_for_more"],
  [/\b(still there|are you there|hear me|on the line)\b/, "asks_presence"],
  [
    /\b(am i speaking|speaking (with|to)|is this|is that) (with |to )?(mr|mrs|ms|dr|[a-z]+)\b/,
    "asks_who_you_are",
  ],
  [
    /\b(suit|work|works|make it|confirm|still|okay|ok|correct|right|attend|come)\b/,
    "asks_to_confirm",
  ],
];

export function understandAgent(text: string): AgentMeaning {
  const words = text.toLowerCase();
  const key = KEY.exec(words)?.[1];
  if (key !== undefined) return { kind: "asks_for_key", digit: DIGIT_WORDS[key] ?? key };
  const question = lastQuestion(words);
  if (question === null) return GOODBYE.test(words) ? { kind: "goodbye" } : { kind: "states" };
  if (/\b(or|which)\b/.test(question)) return { kind: "offers_choice" };
  for (const [pattern, topic] of QUESTIONS) {
    if (pattern.test(question)) return { kind: topic };
  }
  return { kind: "asks" };
}

/**
 * The last sentence that ends in a question mark; null when the text does not end in or near one.
 */
function lastQuestion(text: string): string | null {
  const end = text.lastIndexOf("?");
  if (end === -1 || text.length - end > 60) return null;
  const before = text.slice(0, end);
  return before.slice(Math.max(...[".", "!", "?"].map((mark) => before.lastIndexOf(mark))) + 1);
}
