/** Tables and figures as the command prints them. */

import Table from "cli-table3";

type Cell = string | number;
type Align = "left" | "right";

/** A table with a heading; `aligns` is by column, left where it says nothing. */
export function table(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  aligns: readonly Align[] = [],
): string {
  const made = new Table({
    head: [...head],
    colAligns: head.map((_, i) => aligns[i] ?? "left"),
    style: { head: [], border: [], compact: true },
  });
  made.push(...rows.map((row) => [...row]));
  return `${made.toString()}\n`;
}

/** A table of names and values, without a heading. */
export function facts(rows: readonly (readonly [string, Cell])[]): string {
  const made = new Table({ style: { head: [], border: [], compact: true } });
  made.push(...rows.map((row) => [...row]));
  return `${made.toString()}\n`;
}

/** 1234567 as 1,234,567, whatever the locale. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 2 : 1)} s`;
}

export function count(number: number, noun: string): string {
  return `${grouped(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** At most `limit` characters, saying how many were left out. */
export function shortened(text: string, limit: number): string {
  if (text.length <= limit) return text;
  return `${text.slice(0, limit)}… (${count(text.length - limit, "character")} more)`;
}

/** For JSON output: BigInts as hexadecimal text, as in traces. */
export function jsonText(value: unknown): string {
  const replacer = (_: string, item: unknown): unknown => {
    if (typeof item === "bigint") return `0x${item.toString(16)}`;
    return ArrayBuffer.isView(item) ? [...(item as Uint8Array)] : item;
  };
  return `${JSON.stringify(value, replacer, 2)}\n`;
}
