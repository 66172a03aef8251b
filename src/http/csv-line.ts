// One line of CSV (RFC 4180). What a spreadsheet would run as a formula is made text: the people
// who were called decide what stands in some of these cells.

/** Ends in CRLF. null is an empty cell. */
export function formatCsvLine(cells: readonly (string | number | boolean | null)[]): string {
  return `${cells.map(formatCell).join(",")}\r\n`;
}

function formatCell(value: string | number | boolean | null): string {
  if (value === null) return "";
  const text = String(value);
  // Numbers and phones begin with + or - and are no formulas.
  const isFormula = /^\s*[=+\-@\t\r\n]/.test(text) && !/^[+-]?\d+(\.\d+)?$/.test(text);
  const safe = isFormula ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
