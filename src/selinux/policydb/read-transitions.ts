/** Transitions of roles, ranges and by file name in a binary policy. Linux, security/selinux/ss/policydb.c, policydb_read, filename_trans_read and range_read. */

import type { Cursor } from "./cursor.ts";
import { type Ebitmap, ebitmapOf } from "./ebitmap.ts";
import type { FilenameTransition, RangeTransition, RoleAllow, RoleTransition } from "./policy.ts";
import { readValidRange } from "./read-contexts.ts";
import type { SymbolTables } from "./read-symbols.ts";

/** First version with one entry for all sources and new types of a name. */
const COMPRESSED_SINCE = 33;

export class TransitionReader {
  readonly #cursor: Cursor;
  readonly #symbols: SymbolTables;

  constructor(cursor: Cursor, symbols: SymbolTables) {
    this.#cursor = cursor;
    this.#symbols = symbols;
  }

  roles(): readonly RoleTransition[] {
    const seen = new Set<string>();
    return this.#cursor.list(16, "role transitions", () => {
      const at = this.#cursor.offset;
      const role = this.#role();
      const type = this.#type();
      const newRole = this.#role();
      const tclass = this.#class();
      this.#once(seen, `${role} ${type} ${tclass}`, at);
      return { role, type, class: tclass, newRole };
    });
  }

  allows(): readonly RoleAllow[] {
    return this.#cursor.list(8, "allowed roles", () => ({
      role: this.#role(),
      newRole: this.#role(),
    }));
  }

  filenames(version: number): readonly FilenameTransition[] {
    return version < COMPRESSED_SINCE ? this.#singleFilenames() : this.#compressedFilenames();
  }

  /** The first rule of a source is the one that counts. */
  #singleFilenames(): readonly FilenameTransition[] {
    const cursor = this.#cursor;
    const byKey = new Map<string, Map<number, number[]>>();
    const merged: {
      name: string;
      target: number;
      class: number;
      newType: number;
      sources: number[];
    }[] = [];
    const count = cursor.count(21, "filename transitions");
    for (let i = 0; i < count; i += 1) {
      const name = this.#name();
      const source = this.#type();
      const target = this.#type();
      const tclass = this.#class();
      const newType = this.#type();
      const key = `${target} ${tclass} ${name}`;
      const rules = byKey.get(key) ?? new Map<number, number[]>();
      byKey.set(key, rules);
      if ([...rules.values()].some((sources) => sources.includes(source - 1))) continue;
      const sources = rules.get(newType);
      if (sources !== undefined) sources.push(source - 1);
      else {
        const first = [source - 1];
        rules.set(newType, first);
        merged.push({ name, target, class: tclass, newType, sources: first });
      }
    }
    return merged.map((rule) => ({ ...rule, sources: ebitmapOf(rule.sources) }));
  }

  #compressedFilenames(): readonly FilenameTransition[] {
    const cursor = this.#cursor;
    const seen = new Set<string>();
    const count = cursor.count(33, "filename transitions");
    const transitions: FilenameTransition[] = [];
    for (let i = 0; i < count; i += 1) {
      const at = cursor.offset;
      const name = this.#name();
      const target = this.#type();
      const tclass = this.#class();
      this.#once(seen, `${target} ${tclass} ${name}`, at);
      const types = cursor.count(16, "new types of a filename transition");
      cursor.expect(types > 0, "a new type of a filename transition");
      for (let j = 0; j < types; j += 1) {
        const sources = this.#sources();
        transitions.push({ name, target, class: tclass, sources, newType: this.#type() });
      }
    }
    return transitions;
  }

  ranges(): readonly RangeTransition[] {
    const seen = new Set<string>();
    return this.#cursor.list(32, "range transitions", () => {
      const at = this.#cursor.offset;
      const source = this.#type();
      const target = this.#type();
      const tclass = this.#class();
      this.#once(seen, `${source} ${target} ${tclass}`, at);
      return { source, target, class: tclass, range: readValidRange(this.#cursor, this.#symbols) };
    });
  }

  #once(seen: Set<string>, key: string, at: number): void {
    if (seen.has(key)) this.#cursor.refuse("no transition twice", at);
    seen.add(key);
  }

  #name(): string {
    return this.#cursor.text(this.#cursor.u32("a file name"), "a filename transition");
  }

  #sources(): Ebitmap {
    return this.#cursor.ebitmap(this.#symbols.types.length, "sources of a filename transition");
  }

  #role(): number {
    return this.#cursor.within(1, this.#symbols.roles.length, "a role");
  }

  #class(): number {
    return this.#cursor.within(1, this.#symbols.classes.length, "a class");
  }

  #type(): number {
    const at = this.#cursor.offset;
    const value = this.#cursor.within(1, this.#symbols.types.length, "a type");
    this.#cursor.expect(this.#symbols.types[value - 1]?.name !== "", "a type that there is", at);
    return value;
  }
}
