/** A bar of text. */

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;
const FULL = "█";

/** `value` and `mark` are parts of the width, from 0 to 1; the mark is `|`. */
export function bar(value: number, mark: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, value)) * width * 8);
  const part = EIGHTHS[eighths % 8] as string;
  const filled = `${FULL.repeat(Math.floor(eighths / 8))}${part}`.padEnd(width);
  const at = Math.min(width - 1, Math.round(Math.min(1, Math.max(0, mark)) * (width - 1)));
  return `${filled.slice(0, at)}|${filled.slice(at + 1)}`;
}
