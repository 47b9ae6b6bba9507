/** Names of one kind, and what they stand for. */

import { type Atom, type Form, isAtom, show } from "./forms.ts";
import type { Place, Source } from "./source.ts";

const NAME = /^[A-Za-z][\w.-]*$/;
const LENGTH_MAX = 2048;

/** Words of expressions. */
const RESERVED = new Set("all and or not xor eq neq self range".split(" "));

export const isName = (text: string): boolean =>
  NAME.test(text) && text.length < LENGTH_MAX && !RESERVED.has(text);

export class Names<T> {
  readonly #source: Source;
  /** As in `a type`. */
  readonly #kind: string;
  readonly #entries = new Map<string, { readonly at: number; readonly value: T }>();

  constructor(source: Source, kind: string) {
    this.#source = source;
    this.#kind = kind;
  }

  declare(name: Atom, value: T): void {
    if (!isName(name.text)) {
      this.#source.fail(name, `expected the name of ${this.#kind}, found ${show(name)}`);
    }
    const before = this.#entries.get(name.text);
    if (before !== undefined) {
      const place = this.#source.placeOf(before);
      this.#source.fail(name, `expected a new name, found ${show(name)}, declared at ${place}`);
    }
    this.#entries.set(name.text, { at: name.at, value });
  }

  find(name: Form | undefined, place: Place): T {
    const found = isAtom(name) ? this.#entries.get(name.text) : undefined;
    if (found === undefined) {
      this.#source.fail(name ?? place, `expected ${this.#kind}, found ${show(name)}`);
    }
    return found.value;
  }

  get(name: string): T | undefined {
    return this.#entries.get(name)?.value;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Where it was declared. */
  placeOf(name: string): Place {
    return { at: this.#entries.get(name)?.at ?? 0 };
  }

  /** In the order of their declarations. */
  all(): readonly (readonly [name: string, value: T])[] {
    return [...this.#entries].map(([name, { value }]) => [name, value] as const);
  }
}
