/** Keys of rules, so that none is there twice where only one may be. Linux, security/selinux/ss/avtab.c, avtab_insert; conditional.c, cond_insertf. */

import { AV, type AvTable } from "./policy.ts";

const TYPE_RULES = AV.transition | AV.member | AV.change;
const UNIQUE = AV.allowed | AV.auditallow | AV.auditdeny | TYPE_RULES;

/** An exact number for source, target, class and kind of a rule. */
function keyOf(rules: AvTable, i: number): number {
  const source = rules.source[i] as number;
  const pair = source * 0x1_0000 + (rules.target[i] as number);
  const kind = 31 - Math.clz32(rules.specified[i] as number);
  return (pair * 0x1_0000 + (rules.class[i] as number)) * 16 + kind;
}

export class RuleKeys {
  /** Of the rules that hold always, ascending. */
  #always: Float64Array = new Float64Array(0);
  /** Type rules of conditionals: how many there are, at most two. */
  readonly #conditional = new Map<number, number>();

  /** False when a rule is there twice. Extended permissions may be. */
  settle(rules: AvTable): boolean {
    const keys = new Float64Array(rules.source.length);
    let count = 0;
    for (let i = 0; i < keys.length; i += 1)
      if (((rules.specified[i] as number) & UNIQUE) !== 0) {
        keys[count] = keyOf(rules, i);
        count += 1;
      }
    this.#always = keys.subarray(0, count).sort((a, b) => a - b);
    for (let i = 1; i < count; i += 1) if (this.#always[i] === this.#always[i - 1]) return false;
    return true;
  }

  /**
   * False when a type rule of a conditional could meet another: one that holds always, one of
   * another conditional, or one of the same branch. Both branches of one may have it.
   */
  takeConditional(whenTrue: AvTable, whenFalse: AvTable): boolean {
    const inTrue = new Set<number>();
    for (const key of typeRules(whenTrue)) {
      if (this.#holdsAlways(key) || this.#conditional.has(key)) return false;
      this.#conditional.set(key, 1);
      inTrue.add(key);
    }
    for (const key of typeRules(whenFalse)) {
      const count = this.#conditional.get(key) ?? 0;
      const isFree = count === 0 || (count === 1 && inTrue.has(key));
      if (this.#holdsAlways(key) || !isFree) return false;
      this.#conditional.set(key, count + 1);
    }
    return true;
  }

  #holdsAlways(key: number): boolean {
    let low = 0;
    let high = this.#always.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#always[middle] as number) < key) low = middle + 1;
      else high = middle;
    }
    return this.#always[low] === key;
  }
}

function typeRules(rules: AvTable): number[] {
  const keys: number[] = [];
  rules.specified.forEach((specified, i) => {
    if ((specified & TYPE_RULES) !== 0) keys.push(keyOf(rules, i));
  });
  return keys;
}
