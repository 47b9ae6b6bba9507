/** Rules in the making: columns that grow, and where the rule with a key is. Linux, security/selinux/ss/avtab.h. */

import {
  AV,
  type AvTable,
  type ConditionalNode,
  type ExtendedPermissions,
} from "../policydb/policy.ts";

export interface Rule {
  readonly source: number;
  readonly target: number;
  readonly class: number;
  /** One of AV. */
  readonly specified: number;
}

export interface CilConditional {
  readonly expression: readonly ConditionalNode[];
  readonly whenTrue: RuleTable;
  readonly whenFalse: RuleTable;
}

const CLASSES = 0x1_0000;
const TYPES = 0x1_0000;
const KINDS = 12;

/** Types and classes have 16 bits; a rule is one number below 2^53. */
const keyOf = ({ source, target, class: tclass, specified }: Rule): number =>
  ((source * TYPES + target) * (CLASSES / 32) + tclass) * KINDS + (31 - Math.clz32(specified));

/** Classes that a key can tell apart. */
export const CLASSES_MAX = CLASSES / 32 - 1;

export class RuleTable {
  readonly #source: number[] = [];
  readonly #target: number[] = [];
  readonly #class: number[] = [];
  readonly #specified: number[] = [];
  readonly #data: number[] = [];
  readonly #extended: ExtendedPermissions[] = [];
  readonly #first = new Map<number, number>();

  get length(): number {
    return this.#data.length;
  }

  /** The data of the first rule with this key. */
  get(rule: Rule): number | null {
    const at = this.#first.get(keyOf(rule));
    return at === undefined ? null : (this.#data[at] as number);
  }

  /** One more, whether or not there is one with this key. */
  append(rule: Rule, data: number): void {
    const key = keyOf(rule);
    if (!this.#first.has(key)) this.#first.set(key, this.#data.length);
    this.#source.push(rule.source);
    this.#target.push(rule.target);
    this.#class.push(rule.class);
    this.#specified.push(rule.specified);
    this.#data.push(data);
  }

  /** Permissions of equal keys are one rule. */
  merge(rule: Rule, data: number): void {
    const at = this.#first.get(keyOf(rule));
    if (at === undefined) {
      this.append(rule, data);
      return;
    }
    const known = this.#data[at] as number;
    this.#data[at] = (rule.specified === AV.auditdeny ? known & data : known | data) >>> 0;
  }

  appendExtended(rule: Rule, permissions: ExtendedPermissions): void {
    this.append(rule, this.#extended.length);
    this.#extended.push(permissions);
  }

  toTable(): AvTable {
    return {
      source: Uint16Array.from(this.#source),
      target: Uint16Array.from(this.#target),
      class: Uint16Array.from(this.#class),
      specified: Uint16Array.from(this.#specified),
      data: Uint32Array.from(this.#data),
      extended: this.#extended,
    };
  }
}
