/** S-expressions: names, strings in quotes and lists; a comment goes from `;` to the end of the line. CIL Reference Guide, "Symbol Character Set". */

import type { Place, Source } from "./source.ts";

export interface Atom extends Place {
  readonly text: string;
}

export interface List extends Place {
  readonly items: readonly Form[];
}

export type Form = Atom | List;

export const isAtom = (form: Form | undefined): form is Atom =>
  form !== undefined && "text" in form;

export const isList = (form: Form | undefined): form is List =>
  form !== undefined && "items" in form;

/** Shown in errors. */
export const show = (form: Form | undefined): string =>
  form === undefined ? "nothing" : isAtom(form) ? `"${form.text}"` : "a list";

/** Expressions nest no deeper in any policy; what walks them may recurse. */
const DEPTH_MAX = 1000;

const OPEN = 0x28;
const CLOSE = 0x29;
const QUOTE = 0x22;
const COMMENT = 0x3b;
const NEWLINE = 0x0a;

/** Kinds of characters. */
const NAME = 1;
const SPACE = 2;
const KINDS = kindsOfCharacters();

function kindsOfCharacters(): Uint8Array {
  const kinds = new Uint8Array(256);
  const names =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ[].@=/*-_$%+!|&^:~`#{}'<>?,";
  for (const character of names) kinds[character.charCodeAt(0)] = NAME;
  for (const character of " \t\r\n") kinds[character.charCodeAt(0)] = SPACE;
  return kinds;
}

/** The statements of a text. */
export function readForms(source: Source): readonly List[] {
  const { text } = source;
  const open: { readonly at: number; readonly items: Form[] }[] = [{ at: 0, items: [] }];
  let at = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    const kind = KINDS[code] ?? 0;
    const list = open[open.length - 1] as { readonly items: Form[] };
    if (kind === SPACE) at += 1;
    else if (kind === NAME) {
      const start = at;
      while ((KINDS[text.charCodeAt(at)] ?? 0) === NAME) at += 1;
      list.items.push({ at: start, text: text.slice(start, at) });
    } else if (code === OPEN) {
      if (open.length > DEPTH_MAX) {
        source.fail({ at }, `expected lists that nest at most ${DEPTH_MAX} deep`);
      }
      open.push({ at, items: [] });
      at += 1;
    } else if (code === CLOSE) {
      const closed = open.pop() as List;
      const around = open[open.length - 1];
      if (around === undefined) source.fail({ at }, `expected a statement, found ")"`);
      around.items.push(closed);
      at += 1;
    } else if (code === QUOTE) {
      const end = endOfString(source, at);
      list.items.push({ at, text: text.slice(at + 1, end) });
      at = end + 1;
    } else if (code === COMMENT) {
      const end = text.indexOf("\n", at);
      at = end < 0 ? text.length : end;
    } else source.fail({ at }, `expected a name, a string or a list, found ${shown(text, at)}`);
  }
  if (open.length > 1) {
    source.fail(open[open.length - 1] as List, `expected ")" before the end, for this "("`);
  }
  return statementsOf(source, (open[0] as { readonly items: Form[] }).items);
}

function endOfString(source: Source, at: number): number {
  const { text } = source;
  for (let end = at + 1; end < text.length; end += 1) {
    const code = text.charCodeAt(end);
    if (code === QUOTE) return end;
    if (code === NEWLINE || code === 0) break;
  }
  return source.fail({ at }, "expected a closing quotation mark on the same line");
}

const shown = (text: string, at: number): string =>
  `U+${(text.codePointAt(at) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;

function statementsOf(source: Source, items: readonly Form[]): readonly List[] {
  for (const item of items) {
    if (!isList(item))
      source.fail(item, `expected a statement in parentheses, found ${show(item)}`);
    if (!isAtom(item.items[0])) source.fail(item, "expected the keyword of a statement");
  }
  return items as readonly List[];
}
