// Reads the carrier's markup into a tree: elements, attributes, text. Strict: anything that is not
// well-formed is an error with its place, as the carrier answers 12100. Doctypes are refused, so no
// entity can be defined.

export interface TwimlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly TwimlElement[];
  /** All text directly inside, white space collapsed. */
  readonly text: string;
}

export type TwimlParse =
  | { readonly kind: "document"; readonly verbs: readonly TwimlElement[] }
  | { readonly kind: "malformed"; readonly reason: string };

interface OpenElement {
  name: string;
  attributes: Record<string, string>;
  children: TwimlElement[];
  text: string;
}

const MAX_CHARACTERS = 64 * 1024;
/** Real markup nests three deep. */
const MAX_DEPTH = 16;

// One token of markup: comment, CDATA, processing instruction, tag, or a run of text.
const TOKEN =
  /<!--[\s\S]*?-->|<!\[CDATA\[([\s\S]*?)\]\]>|<\?[\s\S]*?\?>|<\/([\w:.-]+)\s*>|<([\w:.-]+)((?:\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|([^<]+)/y;
const ATTRIBUTE = /([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;

/** Parses a document whose root must be `<Response>`; answers its verbs. */
export function parseTwiml(source: string): TwimlParse {
  if (source.length > MAX_CHARACTERS) return malformed("the document is too long");
  const text = source.replace(/^\ufeff/, "");
  const stack: OpenElement[] = [{ name: "", attributes: {}, children: [], text: "" }];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) return malformed(`unexpected markup at character ${at}`);
    const problem = applyToken(stack, match);
    if (problem !== null) return malformed(`${problem} at character ${at}`);
  }
  const [root, open] = stack;
  if (open !== undefined) return malformed(`<${open.name}> is not closed`);
  const [response, ...others] = root?.children ?? [];
  if (response?.name !== "Response" || others.length > 0 || root?.text.trim() !== "") {
    return malformed("the document is not one <Response>");
  }
  return { kind: "document", verbs: response.children };
}

/** Answers what is wrong, or null. */
function applyToken(stack: OpenElement[], match: RegExpExecArray): string | null {
  const [, cdata, closing, opening, attributes, selfClosing, characters] = match;
  const top = stack.at(-1);
  if (top === undefined) return "text after the end";
  if (cdata !== undefined) top.text += cdata;
  if (characters !== undefined) {
    const decoded = decodeEntities(characters);
    if (decoded === null) return "unknown entity";
    top.text += decoded;
  }
  if (opening !== undefined) {
    const parsed = parseAttributes(attributes ?? "");
    if (typeof parsed === "string") return parsed;
    const element = { name: opening, attributes: parsed, children: [], text: "" };
    if (selfClosing === "/") top.children.push(element);
    else if (stack.push(element) > MAX_DEPTH) return "elements are nested too deep";
  }
  if (closing !== undefined) {
    if (top.name !== closing) return `</${closing}> closes <${top.name}>`;
    stack.pop();
    stack.at(-1)?.children.push({ ...top, text: top.text.replace(/\s+/g, " ").trim() });
  }
  return null;
}

function parseAttributes(source: string): Record<string, string> | string {
  const attributes: Record<string, string> = {};
  for (const [, name = "", double, single] of source.matchAll(ATTRIBUTE)) {
    const value = decodeEntities(double ?? single ?? "");
    if (value === null) return "unknown entity";
    if (Object.hasOwn(attributes, name)) return `attribute ${name} is given twice`;
    attributes[name] = value;
  }
  return attributes;
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

function decodeEntities(text: string): string | null {
  let isSound = true;
  const decoded = text.replace(/&([^;\s&]*);?/g, (whole, name: string) => {
    const numeric = /^#(?:x([0-9a-f]{1,6})|(\d{1,7}))$/i.exec(name);
    const point =
      numeric === null ? null : parseInt(numeric[1] ?? numeric[2] ?? "", numeric[1] ? 16 : 10);
    const value = point === null ? ENTITIES[name] : codePointText(point);
    if (value === undefined || !whole.endsWith(";")) isSound = false;
    return value ?? "";
  });
  return isSound ? decoded : null;
}

function codePointText(point: number): string | undefined {
  return point > 0 && point <= 0x10ffff ? String.fromCodePoint(point) : undefined;
}

function malformed(reason: string): TwimlParse {
  return { kind: "malformed", reason };
}
