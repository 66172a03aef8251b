// What people say, by manner. Kept apart so that the conduct reads without it.

export type Manner = "talkative" | "terse";

export type LineKind =
  | "hello"
  | "whoAreYou"
  | "yesItIsMe"
  | "confirm"
  | "reschedule"
  | "cancel"
  | "choose"
  | "noMore"
  | "present"
  | "answer"
  | "acknowledge"
  | "anyoneThere"
  | "askIfRobot"
  | "interrupt"
  | "optOut"
  | "askHuman"
  | "askCallback"
  | "callbackTime"
  | "oneMore"
  | "backchannel"
  | "mustGo"
  | "goodbye";

type Lines = Readonly<Record<LineKind, readonly [string, ...string[]]>>;

const TERSE: Lines = {
  hello: ["Hello?", "Yes?", "Hi."],
  whoAreYou: ["Who is this?"],
  yesItIsMe: ["Yes.", "Speaking."],
  confirm: ["Yes.", "Yes, that works.", "Yep, fine."],
  reschedule: ["No, another day please.", "I can't make that. Can we move it?"],
  cancel: ["Cancel it, please.", "No. Please cancel it."],
  choose: ["The first one.", "The second one is better."],
  noMore: ["No, thanks.", "No, that's all."],
  present: ["Yes, I'm here."],
  answer: ["Yes.", "Sure.", "I think so."],
  acknowledge: ["Okay.", "All right."],
  anyoneThere: ["Hello?", "Anybody there?"],
  askIfRobot: ["Am I talking to a machine?"],
  interrupt: ["Wait.", "Hold on a second.", "Sorry, what?"],
  optOut: ["Stop calling me. Take me off your list."],
  askHuman: ["Can I talk to a person, please?", "Let me speak to somebody real."],
  askCallback: ["Not now. Call me back tomorrow at ten.", "Bad time. Call again tomorrow at ten."],
  callbackTime: ["Tomorrow at ten."],
  oneMore: ["Wait, one more thing. Where can I park?"],
  backchannel: ["Mm-hm.", "Uh-huh.", "Yeah."],
  mustGo: ["I have to go. Bye."],
  goodbye: ["Bye.", "Thanks, bye."],
};

const TALKATIVE: Lines = {
  hello: ["Hello, good morning, who is this?", "Hello? Sorry, I was just in the garden."],
  whoAreYou: ["And who am I speaking to, if I may ask?"],
  yesItIsMe: [
    "Yes, that's me, what can I do for you?",
    "Speaking. My neighbour said somebody might call.",
  ],
  confirm: [
    "Oh yes, I have it right here in my calendar, that works perfectly for me.",
    "Let me think, yes, my sister can drive me, so that time is fine.",
  ],
  reschedule: [
    "Oh dear, that day I am visiting my daughter. Could we find another day instead?",
    "I am afraid I can't make it then, the car is in the shop. Can we move it?",
  ],
  cancel: [
    "You know what, I am feeling much better already, so I would rather cancel it, please.",
    "I have been meaning to call you. I need to cancel that one, I am sorry.",
  ],
  choose: [
    "The first one would be lovely, I am always up early anyway.",
    "I would take the second one, if it is all the same to you.",
  ],
  noMore: ["No, I think that is all, you have been very helpful, thank you."],
  present: ["Yes, yes, I am still here, I was looking for my glasses."],
  answer: [
    "Well, that is a good question, I would say yes.",
    "Hm, I suppose so, although my husband usually takes care of that.",
  ],
  acknowledge: ["Okay, that is good to know, thank you.", "I see. Well, well."],
  anyoneThere: ["Hello? I can't hear anything.", "Is there anybody on the line?"],
  askIfRobot: ["You sound a little odd. Am I talking to a real person?"],
  interrupt: ["Hold on, let me turn down the radio.", "Sorry, could you say that again, please?"],
  optOut: ["I really don't want these calls. Please take me off your list and never call again."],
  askHuman: ["I would much rather talk to a real person about this, if that is possible."],
  askCallback: [
    "I am in the middle of something, could you call me back tomorrow at ten in the morning?",
  ],
  callbackTime: ["As I said, tomorrow at ten in the morning would be best for me."],
  oneMore: ["Oh, before you go, one more thing: is there somewhere to park near you?"],
  backchannel: ["Mm-hm.", "Right, right.", "I see."],
  mustGo: ["Listen, somebody is at the door, I have to go now. Goodbye!"],
  goodbye: ["Goodbye, and thank you for calling!", "You too, bye bye now."],
};

export function linesFor(manner: Manner): Lines {
  return manner === "terse" ? TERSE : TALKATIVE;
}

export const MENU_PROMPT =
  "Thank you for calling. For opening hours, press one. To speak to somebody at the front desk, press two. To hear this again, press star.";
