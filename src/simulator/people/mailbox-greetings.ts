// What mailboxes say before their beep, by language: from three words to half a minute. Which one a
// phone has is a function of seed and phone.

import { openDice } from "../dice.ts";

const ENGLISH: readonly [string, ...string[]] = [
  "Hi, you have reached my voicemail. I can't come to the phone right now. Please leave a message after the tone.",
  "The person you are calling is not available. At the tone, please record your message. When you have finished recording, you may hang up.",
  "Hello, this is the Harper family. We are not home at the moment. Leave your name and number and we will call you back.",
  "Leave a message.",
  "You have reached the voicemail of Nora Whitfield. I am out of the office until Monday the fourteenth and will not be reading messages every day. If your matter is urgent, please call my colleague at the front desk, who will be glad to help you. Otherwise please leave your name, your number and a short message after the tone, and I will call you back as soon as I can.",
];

const GREETINGS = {
  en: ENGLISH,
  es: [
    "Deje su mensaje.",
    "Hola, has llamado al buzón de voz de Lucía. Ahora no puedo atenderte. Deja tu mensaje después de la señal.",
    "El número al que llama no está disponible en este momento. Por favor, deje su mensaje después de oír la señal. Cuando haya terminado, puede colgar.",
  ],
  fr: [
    "Laissez un message.",
    "Bonjour, vous êtes bien sur la messagerie de Camille. Je ne suis pas disponible pour le moment. Laissez-moi un message après le bip.",
    "Votre correspondant n'est pas disponible. Veuillez laisser votre message après le signal sonore. Dès que vous aurez terminé, vous pourrez raccrocher.",
  ],
  de: [
    "Nachricht bitte nach dem Ton.",
    "Hallo, hier ist die Mailbox von Jonas. Ich bin gerade nicht erreichbar. Bitte hinterlassen Sie eine Nachricht nach dem Signalton.",
    "Der gewünschte Gesprächspartner ist zurzeit nicht erreichbar. Bitte hinterlassen Sie nach dem Signalton eine Nachricht. Sie können danach auflegen.",
  ],
  it: [
    "Lasciate un messaggio.",
    "Ciao, questa è la segreteria telefonica di Giulia. Non posso rispondere. Lascia un messaggio dopo il segnale acustico.",
  ],
  pt: [
    "Deixe o seu recado.",
    "Olá, ligou para a caixa de correio de voz do Rui. Não posso atender. Deixe a sua mensagem após o sinal.",
  ],
  nl: [
    "Spreek een bericht in na de piep.",
    "Hallo, dit is de voicemail van Sanne. Ik kan de telefoon nu niet opnemen. Laat een bericht achter na de toon.",
  ],
  pl: [
    "Zostaw wiadomość po sygnale.",
    "Dzień dobry, tu poczta głosowa. Nie mogę teraz odebrać. Proszę zostawić wiadomość po sygnale.",
  ],
} as const satisfies Readonly<Record<string, readonly [string, ...string[]]>>;

export type MailboxLanguage = keyof typeof GREETINGS;

export const MAILBOX_LANGUAGES = Object.keys(GREETINGS) as [MailboxLanguage, ...MailboxLanguage[]];

/** Shares of all mailboxes; any non-negative numbers. */
export type LanguageShares = Readonly<Partial<Record<MailboxLanguage, number>>>;

/** Of a mailbox that nobody drew. */
export const DEFAULT_GREETING: string = ENGLISH[0];

/** The greeting of a phone. All shares zero: it is English. */
export function drawMailboxGreeting(seed: number, shares: LanguageShares, phone: string): string {
  const dice = openDice(seed, "greeting", phone);
  const draw = dice.fraction();
  const greetings: readonly [string, ...string[]] =
    GREETINGS[drawLanguage(dice.fraction(), shares)];
  return greetings[Math.floor(draw * greetings.length)] ?? greetings[0];
}

function drawLanguage(draw: number, shares: LanguageShares): MailboxLanguage {
  const total = MAILBOX_LANGUAGES.reduce((sum, language) => sum + (shares[language] ?? 0), 0);
  let left = draw * total;
  for (const language of MAILBOX_LANGUAGES) {
    left -= shares[language] ?? 0;
    if (left < 0) return language;
  }
  return "en";
}
