// Sounds by which a listener says "I am still here": no words, in no language. "Yeah" and "okay"
// are not among them: they may be answers.

const MURMUR =
  /^(?:(?:m+|h+m+|m+[\s-]*h+m+|u+h+[\s-]*h+u+h+|a+h+[\s-]*h+a+h*|a+h+a+)[\s.,!…]*)+$/iu;

/** Whether somebody only murmured. Blank text is none. */
export function isMurmur(text: string): boolean {
  return MURMUR.test(text.trim());
}
