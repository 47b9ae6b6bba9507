/** Access vector rules, conditionals and transitions. Linux, security/selinux/ss/avtab.c, conditional.c and policydb.c. */

import { valuesOf } from "../ebitmap.ts";
import {
  AV,
  AV_ENABLED,
  type AvTable,
  type Conditional,
  type ConditionalNode,
  type Policy,
  VERSION,
} from "../policy.ts";
import { type ByteWriter, lengthOf } from "./bytes.ts";
import { writeEbitmap, writeRange } from "./sets.ts";

const EXTENDED = AV.xpermsAllowed | AV.xpermsAuditallow | AV.xpermsDontaudit;
const KIND = { function: 1, driver: 2 } as const;

/** `flags`: set in each. */
export function writeRules(out: ByteWriter, table: AvTable, flags = 0): void {
  const { source, target, class: tclass, specified, data, extended } = table;
  out.u32(data.length);
  for (let i = 0; i < data.length; i += 1) {
    out.u16(source[i] as number);
    out.u16(target[i] as number);
    out.u16(tclass[i] as number);
    out.u16((specified[i] as number) | flags);
    const value = data[i] as number;
    const permissions = ((specified[i] as number) & EXTENDED) === 0 ? undefined : extended[value];
    if (permissions === undefined) {
      out.u32(value);
      continue;
    }
    out.u8(KIND[permissions.kind]);
    out.u8(permissions.driver);
    out.u32(...permissions.permissions);
  }
}

const NODE = { boolean: 1, not: 2, or: 3, and: 4, xor: 5, eq: 6, neq: 7 } as const;

const numberOf = (node: ConditionalNode): number => (node.kind === "boolean" ? node.boolean : 0);

export function writeConditionals(out: ByteWriter, conditionals: readonly Conditional[]): void {
  out.u32(conditionals.length);
  for (const { expression, initially, whenTrue, whenFalse } of conditionals) {
    out.u32(initially ? 1 : 0, expression.length);
    for (const node of expression) out.u32(NODE[node.kind], numberOf(node));
    writeRules(out, whenTrue, initially ? AV_ENABLED : 0);
    writeRules(out, whenFalse, initially ? 0 : AV_ENABLED);
  }
}

export function writeRoleRules(out: ByteWriter, { roleTransitions, roleAllows }: Policy): void {
  out.u32(roleTransitions.length);
  for (const { role, type, class: tclass, newRole } of roleTransitions)
    out.u32(role, type, newRole, tclass);
  out.u32(roleAllows.length);
  for (const { role, newRole } of roleAllows) out.u32(role, newRole);
}

export function writeFilenameTransitions(out: ByteWriter, policy: Policy): void {
  const { filenameTransitions: rules, version } = policy;
  if (version >= VERSION.compressedFilenameTransitions) {
    writeCompressed(out, rules);
    return;
  }
  out.u32(rules.reduce((sum, { sources }) => sum + valuesOf(sources).length, 0));
  for (const { name, target, class: tclass, sources, newType } of rules)
    for (const source of valuesOf(sources)) {
      out.u32(lengthOf(name));
      out.text(name);
      out.u32(source + 1, target, tclass, newType);
    }
}

/** One entry for each name, target and class. */
function writeCompressed(out: ByteWriter, rules: Policy["filenameTransitions"]): void {
  const entries = new Map<string, Policy["filenameTransitions"][number][]>();
  for (const rule of rules) {
    const key = `${rule.target} ${rule.class} ${rule.name}`;
    const entry = entries.get(key);
    if (entry === undefined) entries.set(key, [rule]);
    else entry.push(rule);
  }
  out.u32(entries.size);
  for (const entry of entries.values()) {
    const [first] = entry;
    if (first === undefined) continue;
    out.u32(lengthOf(first.name));
    out.text(first.name);
    out.u32(first.target, first.class, entry.length);
    for (const { sources, newType } of entry) {
      writeEbitmap(out, sources);
      out.u32(newType);
    }
  }
}

export function writeRangeTransitions(out: ByteWriter, { rangeTransitions }: Policy): void {
  out.u32(rangeTransitions.length);
  for (const { source, target, class: tclass, range } of rangeTransitions) {
    out.u32(source, target, tclass);
    writeRange(out, range);
  }
}
