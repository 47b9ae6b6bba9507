/** Booleans, and rules that hold while an expression of them does. CIL Reference Guide, "Conditional Statements". */

import type { ConditionalNode } from "../policydb/policy.ts";
import type { Compilation } from "./compilation.ts";
import { type Form, isAtom, isList, type List, show } from "./forms.ts";
import { type CilConditional, type Rule, RuleTable } from "./rule-table.ts";
import { compileAccess } from "./rules.ts";
import { atomOf, type Statements, wordOf } from "./statement.ts";
import { checkSame, compileTypeRule } from "./type-rules.ts";

/** Values that the kernel keeps at a time while it evaluates an expression: COND_EXPR_MAXDEPTH. */
const STACK_MAX = 10;
/** Equal expressions of no more booleans are one conditional. */
const TABLE_BOOLEANS_MAX = 5;

const OPERATORS = ["and", "or", "xor", "eq", "neq"] as const;

export const CONDITION_STATEMENTS: Statements = {
  boolean: {
    phase: "declare",
    form: "(boolean name true|false)",
    operands: [2, 2],
    compile: (c, [name, state], statement) => {
      const atom = atomOf(c, name, statement);
      const value = c.booleans.size + 1;
      const defaultState = wordOf(c, state as Form, ["true", "false"]) === "true";
      c.booleans.declare(atom, { name: atom.text, value, defaultState });
    },
  },
  booleanif: {
    phase: "condition",
    form: "(booleanif expression (true rule …) (false rule …))",
    operands: [2, 3],
    compile: (c, [expression, ...branches], statement) => {
      const nodes = expressionOf(c, expression as Form);
      checkStack(c, nodes, statement);
      // What is negated as a whole stands the other way round.
      let swapped = false;
      while (nodes[nodes.length - 1]?.kind === "not") {
        nodes.pop();
        swapped = !swapped;
      }
      compileBranches(c, conditionalOf(c, nodes), branches, swapped);
    },
  },
};

/** In postfix order. */
function expressionOf(c: Compilation, form: Form): ConditionalNode[] {
  if (isAtom(form)) return [{ kind: "boolean", boolean: c.booleans.find(form, form).value }];
  const [head, ...rest] = form.items;
  const binary = isAtom(head) ? OPERATORS.find((word) => word === head.text) : undefined;
  if (binary !== undefined && rest.length === 2) {
    const [a, b] = rest.map((operand) => expressionOf(c, operand)) as [
      ConditionalNode[],
      ConditionalNode[],
    ];
    return [...a, ...b, { kind: binary }];
  }
  if (isAtom(head) && head.text === "not" && rest.length === 1) {
    return [...expressionOf(c, rest[0] as Form), { kind: "not" }];
  }
  if (head !== undefined && rest.length === 0) return expressionOf(c, head);
  return c.fail(form, "expected a boolean, (not x) or (and|or|xor|eq|neq x y)");
}

function checkStack(c: Compilation, nodes: readonly ConditionalNode[], place: List): void {
  let height = 0;
  for (const { kind } of nodes) {
    if (kind === "boolean") height += 1;
    else if (kind !== "not") height -= 1;
    if (height > STACK_MAX) {
      c.fail(place, `expected an expression that needs at most ${STACK_MAX} values at a time`);
    }
  }
}

function conditionalOf(c: Compilation, expression: readonly ConditionalNode[]): CilConditional {
  const identity = identityOf(expression);
  const known = c.conditionals.get(identity);
  if (known !== undefined) return known;
  const made = { expression, whenTrue: new RuleTable(), whenFalse: new RuleTable() };
  c.conditionals.set(identity, made);
  return made;
}

/** The truth table over few booleans, in the order of their values; the expression itself over more. */
function identityOf(expression: readonly ConditionalNode[]): string {
  const named = expression.flatMap((node) => (node.kind === "boolean" ? [node.boolean] : []));
  const booleans = [...new Set(named)].sort((a, b) => a - b);
  if (booleans.length > TABLE_BOOLEANS_MAX) {
    return expression.map((node) => (node.kind === "boolean" ? node.boolean : node.kind)).join(" ");
  }
  let table = "";
  for (let states = 0; states < 1 << booleans.length; states += 1) {
    const isSet = (value: number): boolean => ((states >>> booleans.indexOf(value)) & 1) === 1;
    table += evaluate(expression, isSet) ? "1" : "0";
  }
  return `${booleans.join(" ")}: ${table}`;
}

export function evaluate(
  expression: readonly ConditionalNode[],
  isSet: (boolean: number) => boolean,
): boolean {
  const stack: boolean[] = [];
  for (const node of expression) {
    if (node.kind === "boolean") {
      stack.push(isSet(node.boolean));
      continue;
    }
    const b = stack.pop() === true;
    if (node.kind === "not") {
      stack.push(!b);
      continue;
    }
    const a = stack.pop() === true;
    if (node.kind === "and") stack.push(a && b);
    else if (node.kind === "or") stack.push(a || b);
    else stack.push(node.kind === "eq" ? a === b : a !== b);
  }
  return stack.pop() === true;
}

function compileBranches(
  c: Compilation,
  { whenTrue, whenFalse }: CilConditional,
  branches: readonly Form[],
  swapped: boolean,
): void {
  const seen = new Set<string>();
  for (const branch of branches) {
    const head = isList(branch) ? branch.items[0] : undefined;
    if (!isList(branch) || !isAtom(head) || !/^(true|false)$/.test(head.text)) {
      c.fail(branch, "expected (true rule …) or (false rule …)");
    }
    if (seen.has(head.text)) c.fail(branch, `expected ${show(head)} once`);
    seen.add(head.text);
    const isTrue = (head.text === "true") !== swapped;
    const [own, other] = isTrue ? [whenTrue, whenFalse] : [whenFalse, whenTrue];
    for (const rule of branch.items.slice(1)) compileRule(c, rule, own, other);
  }
}

function compileRule(c: Compilation, form: Form, own: RuleTable, other: RuleTable): void {
  const head = isList(form) ? form.items[0] : undefined;
  if (!isList(form) || !isAtom(head)) c.fail(form, `expected a rule, found ${show(form)}`);
  switch (head.text) {
    case "allow":
    case "auditallow":
    case "dontaudit":
      if (form.items.length !== 4) {
        c.fail(form, `expected (${head.text} source target (class (permission …)))`);
      }
      return compileAccess(c, head.text, form, { rules: own, merged: false });
    case "typetransition":
    case "typemember":
    case "typechange":
      if (form.items.length !== 5) c.fail(form, `expected (${head.text} source target class type)`);
      return compileTypeRule(c, head.text, form, (rule, type) =>
        addTypeRule(c, form, own, other, rule, type),
      );
    default:
      return c.fail(
        form,
        `expected allow, auditallow, dontaudit, typetransition, typemember or typechange, found ${show(head)}`,
      );
  }
}

/** A type rule that holds always is not said again; the two branches may differ, other conditionals may not. */
function addTypeRule(
  c: Compilation,
  place: List,
  own: RuleTable,
  other: RuleTable,
  rule: Rule,
  type: number,
): void {
  const always = c.rules.get(rule);
  if (always !== null) {
    checkSame(c, always, type, place);
    return;
  }
  const elsewhere = c.conditionalTypes.get(rule);
  if (elsewhere === null) c.conditionalTypes.append(rule, type);
  else if (other.get(rule) === null) checkSame(c, elsewhere, type, place);
  const known = own.get(rule);
  if (known === null) own.append(rule, type);
  else checkSame(c, known, type, place);
}
