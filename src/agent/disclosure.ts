// The line with which the engine, and never the model, says that an automated assistant is calling,
// and that the call is recorded. Fixed texts in every language an agent can have, so that they can
// be checked by reading; the only part that changes is the business's own name.

import { boundText } from "./bounded-variables.ts";

interface DisclosureLines {
  /** `@` stands for the business. */
  readonly from: string;
  readonly alone: string;
  readonly recorded: string;
}

const ENGLISH: DisclosureLines = {
  from: "This is an automated assistant calling from @.",
  alone: "This is an automated assistant calling.",
  recorded: "This call is recorded.",
};

const LINES: Readonly<Record<string, DisclosureLines>> = {
  en: ENGLISH,
  es: {
    from: "Le llama un asistente automático de parte de @.",
    alone: "Le llama un asistente automático.",
    recorded: "Esta llamada se graba.",
  },
  fr: {
    from: "Ici un assistant automatique, de la part de @.",
    alone: "Ici un assistant automatique.",
    recorded: "Cet appel est enregistré.",
  },
  de: {
    from: "Hier spricht ein automatischer Assistent im Auftrag von @.",
    alone: "Hier spricht ein automatischer Assistent.",
    recorded: "Dieses Gespräch wird aufgezeichnet.",
  },
  it: {
    from: "Sono un assistente automatico e chiamo per conto di @.",
    alone: "Sono un assistente automatico.",
    recorded: "Questa chiamata viene registrata.",
  },
  pt: {
    from: "Aqui fala um assistente automático em nome de @.",
    alone: "Aqui fala um assistente automático.",
    recorded: "Esta chamada é gravada.",
  },
  nl: {
    from: "U spreekt met een automatische assistent namens @.",
    alone: "U spreekt met een automatische assistent.",
    recorded: "Dit gesprek wordt opgenomen.",
  },
  hi: {
    from: "मैं @ की ओर से एक स्वचालित सहायक बोल रहा हूँ।",
    alone: "मैं एक स्वचालित सहायक बोल रहा हूँ।",
    recorded: "यह कॉल रिकॉर्ड की जा रही है।",
  },
  ru: {
    from: "Вам звонит автоматический помощник от имени компании @.",
    alone: "Вам звонит автоматический помощник.",
    recorded: "Разговор записывается.",
  },
  ja: {
    from: "@からお電話しております、自動音声アシスタントです。",
    alone: "自動音声アシスタントです。",
    recorded: "この通話は録音されています。",
  },
  ar: {
    from: "معك مساعد آلي يتصل نيابة عن @.",
    alone: "معك مساعد آلي.",
    recorded: "هذه المكالمة مسجلة.",
  },
  he: {
    from: "מדבר עוזר אוטומטי מטעם @.",
    alone: "מדבר עוזר אוטומטי.",
    recorded: "השיחה מוקלטת.",
  },
  ko: {
    from: "@에서 전화드리는 자동 음성 상담원입니다.",
    alone: "자동 음성 상담원입니다.",
    recorded: "이 통화는 녹음됩니다.",
  },
  zh: {
    from: "您好,我是@的自动语音助手。",
    alone: "您好,我是自动语音助手。",
    recorded: "本次通话将被录音。",
  },
  pl: {
    from: "Dzień dobry, mówi automatyczny asystent w imieniu @.",
    alone: "Dzień dobry, mówi automatyczny asystent.",
    recorded: "Ta rozmowa jest nagrywana.",
  },
};

const MAX_BUSINESS_CHARACTERS = 100;

/**
 * The line in a language ("en", "pt-BR"); English for "multi" and for one we do not have.
 * @param business null or blank: the line names none
 */
export function disclosureLine(
  language: string,
  business: string | null,
  isRecorded: boolean,
): string {
  const lines = linesFor(language);
  const name = boundText(business ?? "", MAX_BUSINESS_CHARACTERS).replace(/\.$/, "");
  const said = name === "" ? lines.alone : lines.from.replace("@", () => name);
  return isRecorded ? `${said} ${lines.recorded}` : said;
}

/** What is said of a recording by an agent that is exempt from saying anything else. */
export function recordingLine(language: string): string {
  return linesFor(language).recorded;
}

function linesFor(language: string): DisclosureLines {
  const primary = language.toLowerCase().split(/[-_]/)[0] ?? "";
  return Object.hasOwn(LINES, primary) ? (LINES[primary] ?? ENGLISH) : ENGLISH;
}
