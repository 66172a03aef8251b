// "Stop calling me", heard without a model: whoever says it is never called again, whatever the
// model makes of it. It leans to the side of stopping. Written in every language an agent can have.

import { findPhrase, phrasePattern } from "./phrase-pattern.ts";

const PHRASES: Readonly<Record<string, string>> = {
  en: `stop calling, stop phoning, stop ringing, stop contacting, quit calling, do not call me again,
    dont call me again, do not call again, dont call again, never call me again, never call again, dont ever call,
    do not ever call, dont call me any more, dont call me anymore, do not call me anymore, do not call me any more,
    dont call this number, do not call this number, never call this number, dont call here, take me off * list,
    take my number off, take us off * list, remove me from, remove my number, remove us from, delete my number,
    lose my number, off your list, off your call~ list, do not call list, no more calls, dont want * calls,
    do not want * calls, unsubscribe me, i want to opt out, opt me out, dont want to be called,
    do not want to be called`,
  es: `no me llame mas, no me llamen mas, no me llames mas, no me vuelva a llamar, no me vuelvan a llamar,
    no vuelva a llamar~, no vuelvan a llamar~, deje de llamar~, dejen de llamar~, deja de llamar~, borreme de,
    quiteme de, eliminen mi numero, borren mi numero, no llame mas, no llamen mas, no quiero que me llamen,
    no quiero mas llamadas`,
  fr: `ne mappelez plus, ne me rappelez plus, ne mappelle plus, arretez de mappeler, arretez de me, arretez dappeler,
    cessez de mappeler, plus jamais mappeler, retirez moi de, retirez mon numero, supprimez mon numero,
    enlevez moi de, rayez moi, ne rappelez plus, ne plus etre appele~`,
  de: `rufen sie mich nicht mehr, rufen sie nicht mehr, nicht mehr anrufen, nie wieder anrufen, nie mehr anrufen,
    horen sie auf anzurufen, horen sie auf mich anzurufen, rufen sie nie wieder, rufen sie mich nie wieder,
    rufen sie hier nicht mehr, ruf mich nicht mehr, streichen sie mich, loschen sie meine nummer,
    loschen sie meine daten, von ihrer liste, keine anrufe mehr`,
  it: `non chiamatemi piu, non mi chiamate piu, non mi chiami piu, non chiamate piu, non chiami piu,
    smettete di chiamar~, smetta di chiamar~, smettila di chiamar~, cancellate il mio numero, toglietemi dalla,
    mi tolga dalla, mi cancelli, cancellatemi, non voglio piu essere chiamat~`,
  pt: `nao me ligue mais, nao me liguem mais, nao ligue mais, nao liguem mais, nao me liga mais, pare de ligar,
    parem de ligar, para de me ligar, pare de me ligar, parem de me ligar, tire meu numero, tirem meu numero,
    remova meu numero, retire o meu numero, me tire da lista, nao quero mais ligacoes`,
  nl: `bel me niet meer, bel mij niet meer, belt u mij niet meer, niet meer bellen, nooit meer bellen,
    stop met bellen, hou op met bellen, bel nooit meer, haal me van, haal mij van, verwijder mijn nummer,
    van uw lijst, van de lijst`,
  pl: `prosze nie dzwonic, nie dzwoncie wiecej, nie dzwon wiecej, prosze wiecej nie dzwonic, przestancie dzwonic,
    prosze przestac dzwonic, przestan dzwonic, usuncie moj numer, prosze usunac moj numer, wykresl~ mnie,
    nie dzwoncie do mnie, wiecej nie dzwon~`,
  ru: `больше не звоните, не звоните мне, не звоните сюда, не звони мне больше, больше не звони, перестаньте звонить,
    прекратите звонить, хватит звонить, удалите мой номер, уберите мой номер, не надо мне звонить,
    не надо больше звонить, больше мне не звоните`,
  ja: `もう電話しないで, 二度と電話しないで, 電話をかけてこないで, 電話をかけないで, 電話してこないで, リストから外して, 番号を消して, 番号を削除して, もうかけてこないで`,
  zh: `不要再打, 别再打, 别再给我打, 不要再给我打, 不要打电话给我, 别打电话给我, 把我的号码删, 删除我的号码, 从名单, 不要再骚扰, 别再骚扰`,
  ko: `다시는 전화하지, 전화하지 마, 더 이상 전화, 그만 전화, 제 번호를 지워, 제 번호 지워, 번호 삭제, 명단에서 빼`,
  hi: `मुझे फोन मत, मुझे फ़ोन मत, मुझे कॉल मत, दोबारा कॉल मत, दोबारा फोन मत, दोबारा फ़ोन मत, फिर कभी कॉल मत,
    कॉल करना बंद, फोन करना बंद, फ़ोन करना बंद, मेरा नंबर हटा`,
  ar: `لا تتصل بي مرة أخرى, لا تتصل بي بعد, لا تتصلوا بي, لا تتصل مرة أخرى, توقف عن الاتصال, توقفوا عن الاتصال,
    احذف رقمي, احذفوا رقمي, أزل رقمي`,
  he: `אל תתקשר~ אליי, אל תתקשר~ אלי, אל תתקשר~ יותר, אל תתקשרו יותר, תפסיקו להתקשר, תפסיק להתקשר, תמחקו את המספר,
    תורידו אותי, תסירו אותי`,
};

const PATTERNS = Object.entries(PHRASES).map(([language, phrases]) =>
  phrasePattern(phrases, language),
);

/** The words with which somebody asks never to be called again; null when nobody does. */
export function findOptOut(text: string): string | null {
  for (const pattern of PATTERNS) {
    const found = findPhrase(text, pattern);
    if (found !== null) return found;
  }
  return null;
}
