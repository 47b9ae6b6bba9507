/** Commons, classes and their constraints. Linux, security/selinux/ss/policydb.c, common_write and class_write. */

import {
  type Common,
  type Constraint,
  type ConstraintNode,
  type DefaultFrom,
  type DefaultRange,
  type Policy,
  type SecurityClass,
  VERSION,
} from "../policy.ts";
import { type ByteWriter, lengthOf } from "./bytes.ts";
import { writeEbitmap, writeTypeSet } from "./sets.ts";

export function writeCommon(out: ByteWriter, { name, permissions }: Common, value: number): void {
  out.u32(lengthOf(name), value, permissions.length, permissions.length);
  out.text(name);
  for (const [i, permission] of permissions.entries()) writePermission(out, permission, i + 1);
}

function writePermission(out: ByteWriter, name: string, value: number): void {
  out.u32(lengthOf(name), value);
  out.text(name);
}

export function writeClass(
  out: ByteWriter,
  policy: Policy,
  tclass: SecurityClass,
  value: number,
): void {
  const { name, permissions, constraints, validateTransitions } = tclass;
  const common = tclass.common === null ? undefined : policy.commons[tclass.common];
  const inherited = common?.permissions.length ?? 0;
  out.u32(lengthOf(name), lengthOf(common?.name ?? ""), value);
  out.u32(permissions.length, permissions.length - inherited, constraints.length);
  out.text(name);
  out.text(common?.name ?? "");
  for (const [i, permission] of permissions.entries())
    if (i >= inherited) writePermission(out, permission, i + 1);
  for (const constraint of constraints) writeConstraint(out, policy, constraint);
  out.u32(validateTransitions.length);
  for (const constraint of validateTransitions) writeConstraint(out, policy, constraint);
  if (policy.version >= VERSION.newObjectDefaults) {
    out.u32(FROM[tclass.defaultUser], FROM[tclass.defaultRole], RANGE[tclass.defaultRange]);
  }
  if (policy.version >= VERSION.defaultType) out.u32(FROM[tclass.defaultType]);
}

const FROM: Readonly<Record<DefaultFrom, number>> = { none: 0, source: 1, target: 2 };

const RANGE: Readonly<Record<DefaultRange, number>> = {
  none: 0,
  "source low": 1,
  "source high": 2,
  "source low-high": 3,
  "target low": 4,
  "target high": 5,
  "target low-high": 6,
  glblub: 7,
};

function writeConstraint(
  out: ByteWriter,
  policy: Policy,
  { permissions, expression }: Constraint,
): void {
  out.u32(permissions, expression.length);
  for (const node of expression) writeNode(out, policy, node);
}

const LOGIC = { not: 1, and: 2, or: 3 } as const;
const BOTH = 4;
const NAMES = 5;

const ATTRIBUTE = {
  user: 1,
  role: 2,
  type: 4,
  "l1 l2": 32,
  "l1 h2": 64,
  "h1 l2": 128,
  "h1 h2": 256,
  "l1 h1": 512,
  "l2 h2": 1024,
} as const;

/** Added to the attribute: whose it is. */
const CONTEXT = { 1: 0, 2: 8, 3: 16 } as const;

const OPERATOR = { eq: 1, neq: 2, dom: 3, domby: 4, incomp: 5 } as const;

function writeNode(out: ByteWriter, { version }: Policy, node: ConstraintNode): void {
  switch (node.kind) {
    case "not":
    case "and":
    case "or":
      out.u32(LOGIC[node.kind], 0, 0);
      return;
    case "attribute":
      out.u32(BOTH, ATTRIBUTE[node.attribute], OPERATOR[node.operator]);
      return;
    case "names":
      out.u32(NAMES, ATTRIBUTE[node.attribute] + CONTEXT[node.context], OPERATOR[node.operator]);
      writeEbitmap(out, node.names);
      if (version >= VERSION.constraintNames) writeTypeSet(out, node.written);
  }
}
