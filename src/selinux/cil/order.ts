/** Orders of classes, sensitivities, categories and initial SIDs: one list, or several that share names. CIL Reference Guide, "classorder". */

import { type Atom, isAtom, isList, type List, show } from "./forms.ts";
import type { Source } from "./source.ts";

export class Order {
  readonly #source: Source;
  readonly #kind: string;
  /** In the order in which they are first named. */
  readonly #named = new Map<string, Atom>();
  readonly #after = new Map<string, Set<string>>();

  constructor(source: Source, kind: string) {
    this.#source = source;
    this.#kind = kind;
  }

  /** `(keyword (a b c))`; with `unordered` first, they come in any order. */
  add(statement: List): void {
    const list = statement.items[1];
    if (!isList(list) || statement.items.length !== 2 || list.items.length === 0) {
      this.#source.fail(statement, `expected a list of names in their order`);
    }
    let before: string | null = null;
    let ordered = true;
    const seen = new Set<string>();
    for (const [i, name] of list.items.entries()) {
      if (!isAtom(name)) this.#source.fail(name, `expected ${this.#kind}, found a list`);
      if (i === 0 && name.text === "unordered") {
        ordered = false;
        continue;
      }
      if (seen.has(name.text)) this.#source.fail(name, `expected ${show(name)} once in the list`);
      seen.add(name.text);
      if (!this.#named.has(name.text)) this.#named.set(name.text, name);
      if (ordered && before !== null) this.#put(before, name.text);
      before = name.text;
    }
  }

  #put(before: string, after: string): void {
    const known = this.#after.get(before);
    if (known === undefined) this.#after.set(before, new Set([after]));
    else known.add(after);
  }

  /** All names, so that each list holds. */
  names(): readonly Atom[] {
    const waiting = new Map([...this.#named.keys()].map((name) => [name, 0]));
    for (const followers of this.#after.values())
      for (const name of followers) waiting.set(name, (waiting.get(name) ?? 0) + 1);
    const ready = [...waiting].filter(([, count]) => count === 0).map(([name]) => name);
    for (const name of ready) {
      for (const follower of this.#after.get(name) ?? []) {
        const count = (waiting.get(follower) ?? 0) - 1;
        waiting.set(follower, count);
        if (count === 0) ready.push(follower);
      }
    }
    if (ready.length < waiting.size) {
      const stuck = [...waiting].find(([, count]) => count > 0)?.[0] ?? "";
      const place = this.#named.get(stuck) ?? { at: 0 };
      this.#source.fail(place, `expected orders that agree, "${stuck}" comes before itself`);
    }
    return ready.map((name) => this.#named.get(name) as Atom);
  }
}
