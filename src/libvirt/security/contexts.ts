/** Contexts as text, and the categories of their ranges: what a manager needs of them without a policy. libvirt, src/security/security_selinux.c. */

import { InputError } from "../../sim/assert.ts";

/** `user:role:type:range` */
export interface ContextText {
  readonly user: string;
  readonly role: string;
  readonly type: string;
  /** Empty without MLS. */
  readonly range: string;
}

export function parseContextText(text: string, place: string): ContextText {
  const [, user, role, type, range = ""] =
    /^([^:\s]+):([^:\s]+):([^:\s]+)(?::(\S+))?$/.exec(text) ?? [];
  if (user === undefined || role === undefined || type === undefined)
    throw new InputError(`${place}: ${JSON.stringify(text)} is no context: user:role:type:range`);
  return { user, role, type, range };
}

export const contextText = ({ user, role, type, range }: ContextText): string =>
  range === "" ? `${user}:${role}:${type}` : `${user}:${role}:${type}:${range}`;

/** Numbers of categories, ascending. */
export type Categories = readonly number[];

const MOST_CATEGORIES = 1 << 16;

/** Of a level as `s0:c1,c4.c6`. */
function categoriesOf(level: string, place: string): Categories {
  const [, list] = /^[^:]+(?::(.+))?$/.exec(level) ?? [];
  if (list === undefined) return [];
  const found = new Set<number>();
  for (const part of list.split(",")) {
    const [, first, last = first] = /^c(\d{1,5})(?:\.c(\d{1,5}))?$/.exec(part) ?? [];
    if (first === undefined || Number(first) > Number(last) || Number(last) >= MOST_CATEGORIES)
      throw new InputError(`${place}: ${JSON.stringify(part)} are no categories: c1 or c1.c5`);
    for (let category = Number(first); category <= Number(last); category += 1) found.add(category);
  }
  return [...found].sort((a, b) => a - b);
}

/** Of the high level of a context's range. */
export function categoriesOfContext(text: string, place: string): Categories {
  const [low = "", high = low] = parseContextText(text, place).range.split("-");
  return categoriesOf(high, place);
}

/** Whether one holds all of the other: then who has it may reach what is the other's. */
export const isComparable = (a: Categories, b: Categories): boolean =>
  a.every((one) => b.includes(one)) || b.every((one) => a.includes(one));
