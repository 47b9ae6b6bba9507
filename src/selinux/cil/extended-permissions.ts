/** Rules about commands of ioctl: allowx, auditallowx, dontauditx, neverallowx. CIL Reference Guide, "Extended Access Vector Rules". */

import { AV, type ExtendedPermissions } from "../policydb/policy.ts";
import type { Compilation } from "./compilation.ts";
import type { ExtendedPermissionSet } from "./entries.ts";
import { type Form, isAtom, isList, type List, show } from "./forms.ts";
import { neverallowStatement, pairsOf, pairsWritten } from "./rules.ts";
import { type Bits, bit, numbersIn, setOf, span } from "./sets.ts";
import { atomOf, numberOf, type Statement, type Statements } from "./statement.ts";
import { ruleTypes } from "./types.ts";

const COMMAND_MAX = 0xffff;
/** Commands of one driver: the high byte is the same. */
const FUNCTIONS = 256;
const WHOLE_DRIVER = bit(FUNCTIONS) - 1n;

const SPECIFIED = {
  allowx: AV.xpermsAllowed,
  auditallowx: AV.xpermsAuditallow,
  dontauditx: AV.xpermsDontaudit,
} as const;

export const EXTENDED_STATEMENTS: Statements = {
  permissionx: {
    phase: "declare",
    form: "(permissionx name (ioctl class expression))",
    operands: [2, 2],
    compile: (c, [name, form], statement) => {
      const set = c.lazy(statement, () => extendedPermissionsOf(c, form as Form, statement));
      c.extendedPermissions.declare(atomOf(c, name, statement), set);
    },
  },
  allowx: extendedStatement("allowx"),
  auditallowx: extendedStatement("auditallowx"),
  dontauditx: extendedStatement("dontauditx"),
  neverallowx: neverallowStatement(
    "(neverallowx source target permissionx)",
    extendedPermissionsOf,
  ),
};

function extendedStatement(keyword: keyof typeof SPECIFIED): Statement {
  return {
    phase: "rule",
    form: `(${keyword} source target permissionx)`,
    operands: [3, 3],
    compile: (c, [source, target, permissions], statement) => {
      const types = ruleTypes(c, source, target, statement);
      const set = extendedPermissionsOf(c, permissions as Form, statement);
      if (keyword === "allowx")
        c.extendedAllows.push({ ...pairsWritten(statement, types), ...set });
      for (const pair of pairsOf(c, types, statement)) {
        const key = [pair.source, pair.target, set.class.value, SPECIFIED[keyword]] as const;
        const known = c.commands.get(key.join(" "));
        if (known === undefined) c.commands.set(key.join(" "), { key, commands: set.commands });
        else known.commands |= set.commands;
      }
    },
  };
}

/** The name of a permissionx, or `(ioctl class expression)`. */
export function extendedPermissionsOf(
  c: Compilation,
  form: Form,
  place: List,
): ExtendedPermissionSet {
  if (isAtom(form)) return c.extendedPermissions.find(form, place).value;
  const [kind, name, expression] = form.items;
  if (!isAtom(kind) || kind.text !== "ioctl" || !isList(expression) || form.items.length !== 3) {
    c.fail(form, "expected (ioctl class (command …))");
  }
  const tclass = c.classes.find(name, place);
  const commands = setOf(c.source, expression, {
    all: () => span(0, COMMAND_MAX),
    named: (atom) => bit(numberOf(c, atom, place, COMMAND_MAX)),
    range: (low, high) => {
      const first = numberOf(c, low, place, COMMAND_MAX);
      const last = numberOf(c, high, place, COMMAND_MAX);
      if (first > last) c.fail(low, `expected a number up to ${show(high)}, found ${show(low)}`);
      return span(first, last);
    },
  });
  return { class: tclass, commands };
}

/** Rules of the policy: one for each driver of which some commands are named, and one for those of which all are. */
export function addExtendedRules(c: Compilation): void {
  // What no rule names must make sense too.
  for (const [, set] of c.extendedPermissions.all()) void set.value;
  for (const { key, commands } of c.commands.values()) {
    const [source, target, tclass, specified] = key as [number, number, number, number];
    for (const permissions of byDriver(commands))
      c.rules.appendExtended({ source, target, class: tclass, specified }, permissions);
  }
}

function byDriver(commands: Bits): readonly ExtendedPermissions[] {
  const parts: ExtendedPermissions[] = [];
  let whole = 0n;
  for (let driver = 0, rest = commands; rest !== 0n; driver += 1, rest >>= BigInt(FUNCTIONS)) {
    const functions = rest & WHOLE_DRIVER;
    if (functions === WHOLE_DRIVER) whole |= bit(driver);
    else if (functions !== 0n) {
      parts.push({ kind: "function", driver, permissions: wordsOf(functions) });
    }
  }
  if (whole !== 0n) parts.push({ kind: "driver", driver: 0, permissions: wordsOf(whole) });
  return parts;
}

/** 256 bits in eight words. */
function wordsOf(bits: Bits): readonly number[] {
  const words = [0, 0, 0, 0, 0, 0, 0, 0];
  for (const number of numbersIn(bits)) {
    const word = number >>> 5;
    words[word] = ((words[word] as number) | (1 << (number % 32))) >>> 0;
  }
  return words;
}
