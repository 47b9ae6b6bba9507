/** Questions to a policy that its rules have something to say about: contexts of the types that a random rule names. */

import { type Ebitmap, ebitmapOf, has, valuesOf } from "../../src/selinux/policydb/ebitmap.ts";
import type { AvTable, Context, MlsRange, Policy } from "../../src/selinux/policydb/policy.ts";
import { isValidContext, OBJECT_R } from "../../src/selinux/policydb/valid.ts";

export interface Draw {
  below(bound: number): number;
}

export interface Query {
  readonly source: Context;
  readonly target: Context;
  readonly tclass: number;
}

const CONTEXTS_PER_TYPE = 2;

export class PolicyQueries {
  /** Those that questions are about. */
  readonly contexts: readonly Context[];
  readonly #policy: Policy;
  readonly #draw: Draw;
  readonly #tables: readonly AvTable[];
  /** By type or attribute: indexes of contexts. */
  readonly #byType: readonly number[][];

  constructor(policy: Policy, draw: Draw) {
    this.#policy = policy;
    this.#draw = draw;
    const branches = policy.conditionals.flatMap(({ whenTrue, whenFalse }) => [
      whenTrue,
      whenFalse,
    ]);
    this.#tables = [policy.rules, ...branches].filter(({ source }) => source.length > 0);
    this.contexts = policy.types.flatMap(({ name, attribute }, i) =>
      name === "" || attribute
        ? []
        : Array.from({ length: CONTEXTS_PER_TYPE }, () => this.contextOf(i + 1)),
    );
    const byType: number[][] = policy.types.map(() => []);
    this.contexts.forEach(({ type }, i) => {
      for (const bit of valuesOf(policy.attributesOf[type - 1] ?? [])) byType[bit]?.push(i);
    });
    this.#byType = byType;
  }

  /** Half of them from rules that hold always, half from conditionals; one in eight about anything. */
  next(): Query {
    const table = this.#draw.below(2) === 0 ? this.#tables[0] : this.#pick(this.#tables);
    const rule = this.#draw.below(table?.source.length ?? 0);
    const anything = this.#draw.below(8) === 0;
    return {
      source: this.#of(table?.source[rule] ?? 0),
      target: anything ? this.#pick(this.contexts) : this.#of(table?.target[rule] ?? 0),
      tclass: anything
        ? 1 + this.#draw.below(this.#policy.classes.length)
        : (table?.class[rule] ?? 0),
    };
  }

  /** Of the contexts, where the type has one: an attribute may be of no type. */
  #of(type: number): Context {
    const own = this.#byType[type - 1] ?? [];
    return own.length === 0
      ? this.#pick(this.contexts)
      : (this.contexts[this.#pick(own)] as Context);
  }

  /** A valid one, of a subject where the type can be one. */
  contextOf(type: number): Context {
    const { roles, users } = this.#policy;
    const able = roles.flatMap((role, i) =>
      i + 1 !== OBJECT_R && has(role.types, type - 1) ? [i + 1] : [],
    );
    const role = able.length === 0 || this.#draw.below(16) === 0 ? OBJECT_R : this.#pick(able);
    const owners = users.flatMap((user, i) =>
      role === OBJECT_R || has(user.roles, role - 1) ? [i + 1] : [],
    );
    if (owners.length === 0) return this.#withRange({ user: 1, role: OBJECT_R, type });
    return this.#withRange({ user: this.#pick(owners), role, type });
  }

  #withRange(context: Omit<Context, "range">): Context {
    const { mls, users, sensitivities } = this.#policy;
    const own = users[context.user - 1]?.range ?? null;
    if (!mls || own === null) return { ...context, range: null };
    const highest = this.#between(own.low.sensitivity, own.high.sensitivity);
    const lowest = this.#between(own.low.sensitivity, highest);
    const least = valuesOf(own.low.categories);
    const most = valuesOf(own.high.categories);
    const high = this.#some(least, most);
    const low = this.#some(least, valuesOf(high));
    const range: MlsRange = {
      low: { sensitivity: lowest, categories: low },
      high: { sensitivity: highest, categories: this.#draw.below(4) === 0 ? low : high },
    };
    const drawn = { ...context, range };
    const isDefined = sensitivities.length > 0 && isValidContext(this.#policy, drawn);
    return isDefined ? drawn : { ...context, range: own };
  }

  /** All of the least and few, or all, of the most. */
  #some(least: readonly number[], most: readonly number[]): Ebitmap {
    const few = Array.from({ length: most.length === 0 ? 0 : this.#draw.below(4) }, () =>
      this.#pick(most),
    );
    return ebitmapOf([...least, ...(this.#draw.below(6) === 0 ? most : few)]);
  }

  #between(low: number, high: number): number {
    return low + this.#draw.below(high - low + 1);
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#draw.below(items.length)] as T;
  }
}
