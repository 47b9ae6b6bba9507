/** Access vector rules and conditionals in a binary policy. Linux, security/selinux/ss/avtab.c, avtab_read_item; conditional.c, cond_read_node. */

import type { Cursor } from "./cursor.ts";
import {
  AV,
  AV_ENABLED,
  type AvTable,
  type Conditional,
  type ConditionalNode,
  type ExtendedPermissions,
} from "./policy.ts";
import type { SymbolTables } from "./read-symbols.ts";
import { RuleKeys } from "./rule-keys.ts";

/** A rule with its smallest data. */
const RULE_BYTES = 12;
const XPERMS_SINCE = 30;
const XPERM_KINDS: readonly ExtendedPermissions["kind"][] = ["function", "driver"];
const XPERM_WORDS = 8;

const TYPE_RULES = AV.transition | AV.member | AV.change;
const XPERM_RULES = AV.xpermsAllowed | AV.xpermsAuditallow | AV.xpermsDontaudit;
/** A table of its own costs a small conditional many times its bytes in the file. */
const MOST_CONDITIONALS = 1 << 15;
const KNOWN: ReadonlySet<number> = new Set(Object.values(AV));

const CONDITIONAL_KINDS = ["boolean", "not", "or", "and", "xor", "eq", "neq"] as const;

/** One for all empty branches: a hostile file could have many. */
const NO_RULES: AvTable = {
  source: new Uint16Array(0),
  target: new Uint16Array(0),
  class: new Uint16Array(0),
  specified: new Uint16Array(0),
  data: new Uint32Array(0),
  extended: [],
};

export class RuleReader {
  readonly #cursor: Cursor;
  readonly #version: number;
  readonly #symbols: SymbolTables;
  readonly #keys = new RuleKeys();

  constructor(cursor: Cursor, version: number, symbols: SymbolTables) {
    this.#cursor = cursor;
    this.#version = version;
    this.#symbols = symbols;
  }

  /** The rules that hold always; each may be there once, but for extended permissions. */
  unconditional(): AvTable {
    const start = this.#cursor.offset;
    const rules = this.#table(0);
    this.#cursor.expect(rules.source.length > 0, "rules", start);
    this.#cursor.expect(this.#keys.settle(rules), "no rule twice", start);
    return rules;
  }

  conditionals(): readonly Conditional[] {
    let count = 0;
    return this.#cursor.list(16, "conditionals", () => {
      count += 1;
      this.#cursor.expect(count <= MOST_CONDITIONALS, `at most ${MOST_CONDITIONALS} conditionals`);
      return this.#conditional();
    });
  }

  #conditional(): Conditional {
    const cursor = this.#cursor;
    const initially = cursor.u32("the state of a conditional") !== 0;
    const expression = cursor.list(8, "nodes of a conditional", () => this.#node());
    const at = cursor.offset;
    const [whenTrue, whenFalse] = [this.#table(AV_ENABLED), this.#table(AV_ENABLED)];
    const fits = this.#keys.takeConditional(whenTrue, whenFalse);
    cursor.expect(fits, "one new type for each pair and class", at);
    return { expression, initially, whenTrue, whenFalse };
  }

  #node(): ConditionalNode {
    const cursor = this.#cursor;
    const kind = CONDITIONAL_KINDS[cursor.within(1, 7, "the kind of a node of a conditional") - 1];
    const at = cursor.offset;
    const boolean = cursor.u32("a boolean of a conditional");
    if (kind !== "boolean") return { kind: kind ?? cursor.refuse("a kind of node", at) };
    const isDefined = boolean >= 1 && boolean <= this.#symbols.booleans.length;
    cursor.expect(isDefined, "a boolean that there is", at);
    return { kind, boolean };
  }

  /** `ignored`: bits of the kinds of rules that say nothing. */
  #table(ignored: number): AvTable {
    const count = this.#cursor.count(RULE_BYTES, "rules");
    if (count === 0) return NO_RULES;
    const extended: ExtendedPermissions[] = [];
    const columns = {
      source: new Uint16Array(count),
      target: new Uint16Array(count),
      class: new Uint16Array(count),
      specified: new Uint16Array(count),
      data: new Uint32Array(count),
      extended,
    };
    for (let i = 0; i < count; i += 1) this.#rule(columns, i, ignored, extended);
    return columns;
  }

  #rule(columns: AvTable, i: number, ignored: number, extended: ExtendedPermissions[]): void {
    const cursor = this.#cursor;
    const at = cursor.offset;
    const source = cursor.u16("the source of a rule");
    const target = cursor.u16("the target of a rule");
    const tclass = cursor.u16("the class of a rule");
    const specified = cursor.u16("the kind of a rule") & ~ignored;
    if (!this.#isType(source)) cursor.refuse("a type as the source of a rule", at);
    if (!this.#isType(target)) cursor.refuse("a type as the target of a rule", at);
    if (tclass < 1 || tclass > this.#symbols.classes.length)
      cursor.refuse("a class of a rule that there is", at);
    if (!KNOWN.has(specified)) cursor.refuse("a kind of rule", at);
    columns.source[i] = source;
    columns.target[i] = target;
    columns.class[i] = tclass;
    columns.specified[i] = specified;
    columns.data[i] =
      (specified & XPERM_RULES) === 0 ? this.#datum(specified, at) : extended.length;
    if ((specified & XPERM_RULES) !== 0) extended.push(this.#extended(at));
  }

  #datum(specified: number, at: number): number {
    const datum = this.#cursor.u32("the data of a rule");
    if ((specified & TYPE_RULES) !== 0 && !this.#isType(datum))
      this.#cursor.refuse("a type as the new type of a rule", at);
    return datum;
  }

  #extended(at: number): ExtendedPermissions {
    const cursor = this.#cursor;
    if (this.#version < XPERMS_SINCE) cursor.refuse("no extended permissions in this version", at);
    const code = cursor.u8("the kind of extended permissions");
    const kind = XPERM_KINDS[code - 1] ?? cursor.refuse("a kind of extended permissions", at);
    const driver = cursor.u8("the driver of extended permissions");
    const permissions: number[] = [];
    for (let word = 0; word < XPERM_WORDS; word += 1)
      permissions.push(cursor.u32("extended permissions"));
    return { kind, driver, permissions };
  }

  #isType(value: number): boolean {
    const type = this.#symbols.types[value - 1];
    return type !== undefined && type.name !== "";
  }
}
