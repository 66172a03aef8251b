// The few sentences the engine says by itself, when there is no model to say them or no time to ask
// it. Fixed texts in every language an agent can have, so that they can be checked by reading;
// never made of data.

export interface StockLines {
  /** The first words where there are no others: before a model is asked. */
  readonly hello: string;
  /** The person has been silent for a while. */
  readonly reprompt: string;
  readonly goodbye: string;
  /** The model is out of order and the call must end. */
  readonly apology: string;
  /** The person asked for no more calls. */
  readonly optedOut: string;
  /** Before the person is put through to a human. */
  readonly transferring: string;
  /** That human did not pick up. */
  readonly nobodyThere: string;
  /** While something is looked up. */
  readonly oneMoment: string;
}

const ENGLISH: StockLines = {
  hello: "Hello.",
  reprompt: "Are you still there?",
  goodbye: "Thank you for your time. Goodbye.",
  apology: "I am sorry, we have a technical problem. We will be in touch again. Goodbye.",
  optedOut: "You will not be called again. Goodbye.",
  transferring: "One moment, I am connecting you.",
  nobodyThere: "I am sorry, nobody can take your call at the moment. Goodbye.",
  oneMoment: "One moment, please.",
};

const LINES: Readonly<Record<string, StockLines>> = {
  en: ENGLISH,
  es: {
    hello: "Hola.",
    reprompt: "¿Sigue ahí?",
    goodbye: "Gracias por su tiempo. Adiós.",
    apology:
      "Lo siento, tenemos un problema técnico. Volveremos a ponernos en contacto con usted. Adiós.",
    optedOut: "No le volveremos a llamar. Adiós.",
    transferring: "Un momento, le paso.",
    nobodyThere: "Lo siento, en este momento nadie puede atenderle. Adiós.",
    oneMoment: "Un momento, por favor.",
  },
  fr: {
    hello: "Bonjour.",
    reprompt: "Vous êtes toujours là ?",
    goodbye: "Merci pour votre temps. Au revoir.",
    apology:
      "Je suis désolé, nous avons un problème technique. Nous vous recontacterons. Au revoir.",
    optedOut: "Nous ne vous appellerons plus. Au revoir.",
    transferring: "Un instant, je vous mets en relation.",
    nobodyThere: "Je suis désolé, personne n'est disponible pour le moment. Au revoir.",
    oneMoment: "Un instant, s'il vous plaît.",
  },
  de: {
    hello: "Guten Tag.",
    reprompt: "Sind Sie noch da?",
    goodbye: "Vielen Dank für Ihre Zeit. Auf Wiederhören.",
    apology:
      "Es tut mir leid, wir haben ein technisches Problem. Wir melden uns wieder bei Ihnen. Auf Wiederhören.",
    optedOut: "Wir rufen Sie nicht mehr an. Auf Wiederhören.",
    transferring: "Einen Moment, ich verbinde Sie.",
    nobodyThere: "Es tut mir leid, im Moment ist niemand zu erreichen. Auf Wiederhören.",
    oneMoment: "Einen Moment, bitte.",
  },
  it: {
    hello: "Salve.",
    reprompt: "È ancora in linea?",
    goodbye: "Grazie per il suo tempo. Arrivederci.",
    apology: "Mi dispiace, abbiamo un problema tecnico. La ricontatteremo. Arrivederci.",
    optedOut: "Non la chiameremo più. Arrivederci.",
    transferring: "Un momento, la metto in contatto.",
    nobodyThere: "Mi dispiace, al momento nessuno è disponibile. Arrivederci.",
    oneMoment: "Un momento, per favore.",
  },
  pt: {
    hello: "Olá.",
    reprompt: "Ainda está aí?",
    goodbye: "Obrigado pelo seu tempo. Até logo.",
    apology: "Peço desculpa, temos um problema técnico. Voltaremos a entrar em contato. Até logo.",
    optedOut: "Não ligaremos mais. Até logo.",
    transferring: "Um momento, vou transferir a ligação.",
    nobodyThere: "Peço desculpa, neste momento ninguém está disponível. Até logo.",
    oneMoment: "Um momento, por favor.",
  },
  nl: {
    hello: "Goedendag.",
    reprompt: "Bent u er nog?",
    goodbye: "Bedankt voor uw tijd. Tot ziens.",
    apology:
      "Het spijt me, we hebben een technisch probleem. We nemen opnieuw contact met u op. Tot ziens.",
    optedOut: "U wordt niet meer gebeld. Tot ziens.",
    transferring: "Een moment, ik verbind u door.",
    nobodyThere: "Het spijt me, er is op dit moment niemand bereikbaar. Tot ziens.",
    oneMoment: "Een moment, alstublieft.",
  },
  hi: {
    hello: "नमस्ते।",
    reprompt: "क्या आप अभी भी लाइन पर हैं?",
    goodbye: "आपके समय के लिए धन्यवाद। नमस्ते।",
    apology: "क्षमा करें, हमें तकनीकी समस्या आ रही है। हम आपसे फिर संपर्क करेंगे। नमस्ते।",
    optedOut: "आपको फिर कॉल नहीं किया जाएगा। नमस्ते।",
    transferring: "एक क्षण, मैं आपको जोड़ रहा हूँ।",
    nobodyThere: "क्षमा करें, इस समय कोई उपलब्ध नहीं है। नमस्ते।",
    oneMoment: "कृपया एक क्षण रुकिए।",
  },
  ru: {
    hello: "Здравствуйте.",
    reprompt: "Вы ещё на линии?",
    goodbye: "Спасибо за ваше время. До свидания.",
    apology: "Извините, у нас техническая неполадка. Мы свяжемся с вами ещё раз. До свидания.",
    optedOut: "Мы больше не будем вам звонить. До свидания.",
    transferring: "Одну минуту, я вас соединяю.",
    nobodyThere: "Извините, сейчас никто не может ответить. До свидания.",
    oneMoment: "Одну минуту, пожалуйста.",
  },
  ja: {
    hello: "もしもし。",
    reprompt: "もしもし、聞こえていますか?",
    goodbye: "お時間をいただきありがとうございました。失礼いたします。",
    apology:
      "申し訳ございません。技術的な問題が発生しました。改めてご連絡いたします。失礼いたします。",
    optedOut: "今後お電話はいたしません。失礼いたします。",
    transferring: "少々お待ちください。おつなぎいたします。",
    nobodyThere: "申し訳ございません。ただいま電話に出られる者がおりません。失礼いたします。",
    oneMoment: "少々お待ちください。",
  },
  ar: {
    hello: "مرحبًا.",
    reprompt: "هل ما زلت معي؟",
    goodbye: "شكرًا لوقتك. مع السلامة.",
    apology: "عذرًا، لدينا مشكلة تقنية. سنتواصل معك مرة أخرى. مع السلامة.",
    optedOut: "لن نتصل بك مرة أخرى. مع السلامة.",
    transferring: "لحظة من فضلك، سأحول المكالمة.",
    nobodyThere: "عذرًا، لا يوجد أحد متاح الآن. مع السلامة.",
    oneMoment: "لحظة من فضلك.",
  },
  he: {
    hello: "שלום.",
    reprompt: "האם אתם עדיין על הקו?",
    goodbye: "תודה על הזמן שלכם. להתראות.",
    apology: "סליחה, יש לנו תקלה טכנית. ניצור אתכם קשר שוב. להתראות.",
    optedOut: "לא נתקשר אליכם שוב. להתראות.",
    transferring: "רגע אחד, אני מעביר את השיחה.",
    nobodyThere: "סליחה, אין כרגע מי שיענה לכם. להתראות.",
    oneMoment: "רגע אחד, בבקשה.",
  },
  ko: {
    hello: "안녕하세요.",
    reprompt: "아직 듣고 계신가요?",
    goodbye: "시간 내주셔서 감사합니다. 안녕히 계세요.",
    apology: "죄송합니다. 기술적인 문제가 있습니다. 다시 연락드리겠습니다. 안녕히 계세요.",
    optedOut: "다시 전화드리지 않겠습니다. 안녕히 계세요.",
    transferring: "잠시만 기다려 주세요. 연결해 드리겠습니다.",
    nobodyThere: "죄송합니다. 지금은 연결할 수 있는 담당자가 없습니다. 안녕히 계세요.",
    oneMoment: "잠시만 기다려 주세요.",
  },
  zh: {
    hello: "您好。",
    reprompt: "请问您还在吗?",
    goodbye: "感谢您的时间,再见。",
    apology: "很抱歉,我们遇到了技术问题。我们会再次与您联系。再见。",
    optedOut: "我们不会再给您打电话。再见。",
    transferring: "请稍等,我为您转接。",
    nobodyThere: "很抱歉,现在没有人可以接听。再见。",
    oneMoment: "请稍等。",
  },
  pl: {
    hello: "Dzień dobry.",
    reprompt: "Czy jest Pan lub Pani nadal na linii?",
    goodbye: "Dziękuję za poświęcony czas. Do widzenia.",
    apology: "Przepraszam, mamy problem techniczny. Skontaktujemy się ponownie. Do widzenia.",
    optedOut: "Nie będziemy już dzwonić. Do widzenia.",
    transferring: "Chwileczkę, już łączę.",
    nobodyThere: "Przepraszam, w tej chwili nikt nie może odebrać. Do widzenia.",
    oneMoment: "Chwileczkę, proszę.",
  },
};

/**
 * The lines in a language ("en", "pt-BR"); English for "multi" and for one we do not have.
 */
export function stockLinesFor(language: string): StockLines {
  const primary = language.toLowerCase().split(/[-_]/)[0] ?? "";
  return Object.hasOwn(LINES, primary) ? (LINES[primary] ?? ENGLISH) : ENGLISH;
}
