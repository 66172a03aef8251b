// docs/errors.md, made from the catalogue and the meanings that the server itself shows at
// /docs/errors. test/error-page.test.ts holds the file to this; nobody edits the page by hand.

import { AppError, ERROR_STATUS, type ErrorCode } from "../src/domain/app-error.ts";
import { ERROR_MEANINGS } from "../src/http/error-docs.ts";

const INTRODUCTION = `# Error codes

Every error of the API has this shape:

\`\`\`json
{ "error": { "type": "…", "code": "…", "message": "…", "doc_url": "…", "details": {} } }
\`\`\`

Branch on \`code\`, then on \`type\` (it follows the HTTP status), never on \`message\`: that is for
people, and may change. \`details.field\` names the field at fault where there is one. A code marked
*later* may succeed when the same request is sent again; where the answer has a \`Retry-After\`
header, wait that long. All others need another request. This page is made from the catalogue.

| code | status | again | what it means, and what to do |
| --- | --- | --- | --- |
`;

export function renderErrorPage(): string {
  const rows = Object.keys(ERROR_STATUS).map((name) => {
    const code = name as ErrorCode;
    const again = new AppError(code, { message: code }).retryable ? "later" : "no";
    return `| \`${code}\` | ${ERROR_STATUS[code]} | ${again} | ${ERROR_MEANINGS[code]} |\n`;
  });
  return INTRODUCTION + rows.join("");
}
