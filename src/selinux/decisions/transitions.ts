/** Contexts of new processes and objects. Linux, security/selinux/ss/services.c, security_compute_sid; mls.c, mls_compute_sid; The SELinux Notebook, "Computing Security Contexts". */

import { intersection } from "../policydb/ebitmap.ts";
import {
  AV,
  type Context,
  type DefaultFrom,
  type MlsRange,
  type SecurityClass,
} from "../policydb/policy.ts";
import { isValidContext, OBJECT_R } from "../policydb/valid.ts";
import { isActive } from "./access.ts";
import type { BooleanState } from "./booleans.ts";
import { filenameTransition, rangeTransition, roleTransition } from "./label-index.ts";
import type { LoadedPolicy } from "./loaded-policy.ts";
import { exactly } from "./rule-index.ts";

export interface NewContext {
  readonly context: Context;
  /** Where it is not, the kernel refuses with EACCES when enforcing, and takes it as it is when permissive. */
  readonly valid: boolean;
}

/** Null when the ranges of both have nothing in common and the class wants that: EINVAL, enforcing or not. */
export const transition = (
  loaded: LoadedPolicy,
  booleans: BooleanState,
  source: Context,
  target: Context,
  tclass: number,
  /** The last component of a new file's path. */
  name?: string,
): NewContext | null => compute(loaded, booleans, { source, target, tclass, name }, AV.transition);

/** type_member: of a polyinstantiated object. */
export const member = (
  loaded: LoadedPolicy,
  booleans: BooleanState,
  source: Context,
  target: Context,
  tclass: number,
): NewContext | null => compute(loaded, booleans, { source, target, tclass }, AV.member);

/** type_change: what a relabelled object gets. */
export const change = (
  loaded: LoadedPolicy,
  booleans: BooleanState,
  source: Context,
  target: Context,
  tclass: number,
): NewContext | null => compute(loaded, booleans, { source, target, tclass }, AV.change);

interface Pair {
  readonly source: Context;
  readonly target: Context;
  readonly tclass: number;
  readonly name?: string | undefined;
}

function compute(
  loaded: LoadedPolicy,
  booleans: BooleanState,
  pair: Pair,
  kind: number,
): NewContext | null {
  const { policy, processClass, isSocket } = loaded;
  const { source, target, tclass } = pair;
  const datum = policy.classes[tclass - 1];
  // What is run by a process stays with it; other objects are named after where they are.
  const isProcess = tclass === processClass || isSocket[tclass] === true;
  const range = newRange(loaded, pair, kind, datum, isProcess);
  if (range === undefined) return null;
  const context: Context = {
    user: newUser(pair, kind, datum),
    role: newRole(loaded, pair, kind, datum, isProcess),
    type:
      ruledType(loaded, booleans, pair, kind) ??
      from(datum?.defaultType, source.type, target.type) ??
      (isProcess ? source.type : target.type),
    range,
  };
  return { context, valid: isValidContext(policy, context) };
}

const from = <T>(which: DefaultFrom | undefined, source: T, target: T): T | null =>
  which === "source" ? source : which === "target" ? target : null;

function newUser({ source, target }: Pair, kind: number, datum: SecurityClass | undefined): number {
  if (kind === AV.member) return target.user;
  return from(datum?.defaultUser, source.user, target.user) ?? source.user;
}

function newRole(
  { labels }: LoadedPolicy,
  { source, target, tclass }: Pair,
  kind: number,
  datum: SecurityClass | undefined,
  isProcess: boolean,
): number {
  const ruled =
    kind === AV.transition ? roleTransition(labels, source.role, target.type, tclass) : undefined;
  return (
    ruled ??
    from(datum?.defaultRole, source.role, target.role) ??
    (isProcess ? source.role : OBJECT_R)
  );
}

/** What a rule says, the one for a file name first. Rules of conditionals count where no other is. */
function ruledType(
  { labels, rules, conditionalRules }: LoadedPolicy,
  booleans: BooleanState,
  { source, target, tclass, name }: Pair,
  kind: number,
): number | undefined {
  const named =
    name === undefined
      ? undefined
      : filenameTransition(labels, source.type, target.type, tclass, name);
  if (named !== undefined) return named;
  const always = exactly(rules, source.type, target.type, tclass).find(
    (position) => rules.specified[position] === kind,
  );
  if (always !== undefined) return rules.data[always];
  const conditional = exactly(conditionalRules, source.type, target.type, tclass).find(
    (position) =>
      conditionalRules.specified[position] === kind &&
      isActive(booleans, conditionalRules.table[position] as number),
  );
  return conditional === undefined ? undefined : conditionalRules.data[conditional];
}

/** Undefined when it cannot be computed. */
function newRange(
  { policy, labels }: LoadedPolicy,
  { source, target, tclass }: Pair,
  kind: number,
  datum: SecurityClass | undefined,
  isProcess: boolean,
): MlsRange | null | undefined {
  if (!policy.mls || source.range === null || target.range === null) return null;
  if (kind === AV.transition) {
    const ruled = rangeTransition(labels, source.type, target.type, tclass);
    if (ruled !== undefined) return ruled;
    const byDefault = defaultRange(datum, source.range, target.range);
    if (byDefault !== null) return byDefault;
  }
  return kind !== AV.member && isProcess ? source.range : lowRange(source.range);
}

const lowRange = ({ low }: MlsRange): MlsRange => ({ low, high: low });
const highRange = ({ high }: MlsRange): MlsRange => ({ low: high, high });

/** Null when the class has none. */
function defaultRange(
  datum: SecurityClass | undefined,
  source: MlsRange,
  target: MlsRange,
): MlsRange | null | undefined {
  switch (datum?.defaultRange) {
    case "source low":
      return lowRange(source);
    case "source high":
      return highRange(source);
    case "source low-high":
      return source;
    case "target low":
      return lowRange(target);
    case "target high":
      return highRange(target);
    case "target low-high":
      return target;
    case "glblub":
      return commonRange(source, target);
    default:
      return null;
  }
}

/** From the greater low sensitivity to the lesser high one, with the categories of both. */
function commonRange(a: MlsRange, b: MlsRange): MlsRange | undefined {
  const low = Math.max(a.low.sensitivity, b.low.sensitivity);
  const high = Math.min(a.high.sensitivity, b.high.sensitivity);
  if (a.high.sensitivity < b.low.sensitivity || b.high.sensitivity < a.low.sensitivity)
    return undefined;
  return {
    low: { sensitivity: low, categories: intersection(a.low.categories, b.low.categories) },
    high: { sensitivity: high, categories: intersection(a.high.categories, b.high.categories) },
  };
}
