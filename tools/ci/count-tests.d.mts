/** Types of count-tests.mjs. */

export function countReport(text: string | undefined): { passed: number; failed: number };
export function closingLine(texts: readonly (string | undefined)[]): { line: string; ok: boolean };
