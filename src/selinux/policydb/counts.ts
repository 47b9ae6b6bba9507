/** How much there is in a policy, under the names and in the order of `seinfo`. What only the source of a policy has, is 0. */

import { valuesOf } from "./ebitmap.ts";
import { AV, type AvTable, type Constraint, type Policy } from "./policy.ts";

export type Count = readonly [name: string, count: number];

export function countsOf(policy: Policy): readonly Count[] {
  const { objects } = policy;
  return [
    ...symbolCounts(policy),
    ...ruleCounts(policy),
    ...constraintCounts(policy),
    ["Permissives", valuesOf(policy.permissiveTypes).length],
    ["Polcap", valuesOf(policy.capabilities).length],
    ["Defaults", sum(policy.classes.map(defaultsOf))],
    ["Typebounds", policy.types.filter(({ bounds }) => bounds !== 0).length],
    ...extendedCounts(policy),
    ["Ibendportcon", objects.infinibandPorts.length],
    ["Ibpkeycon", objects.infinibandKeys.length],
    ["Initial SIDs", policy.initialSids.length],
    ["Fs_use", objects.fsUses.length],
    ["Genfscon", sum(policy.genfs.map(({ paths }) => paths.length))],
    ["Portcon", objects.ports.length],
    ["Netifcon", objects.interfaces.length],
    ["Nodecon", objects.nodes.length],
  ];
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

function symbolCounts(policy: Policy): readonly Count[] {
  const named = policy.types.filter(({ name }) => name !== "");
  const attributes = named.filter(({ attribute }) => attribute).length;
  const inherited = (common: number | null): number =>
    common === null ? 0 : (policy.commons[common]?.permissions.length ?? 0);
  const permissions =
    sum(policy.commons.map((common) => common.permissions.length)) +
    sum(policy.classes.map((each) => each.permissions.length - inherited(each.common)));
  return [
    ["Classes", policy.classes.length],
    ["Permissions", permissions],
    ["Sensitivities", policy.sensitivities.length],
    ["Categories", policy.categories.length],
    ["Types", named.length - attributes],
    ["Attributes", attributes],
    ["Users", policy.users.length],
    ["Roles", policy.roles.length],
    ["Booleans", policy.booleans.length],
    ["Cond. Expr.", policy.conditionals.length],
  ];
}

/** Rules of all tables. */
function kindsOf(policy: Policy): (specified: number) => number {
  const tables: readonly AvTable[] = [
    policy.rules,
    ...policy.conditionals.flatMap(({ whenTrue, whenFalse }) => [whenTrue, whenFalse]),
  ];
  const counts = new Map<number, number>();
  for (const { specified } of tables)
    for (const kind of specified) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return (specified) => counts.get(specified) ?? 0;
}

function ruleCounts(policy: Policy): readonly Count[] {
  const count = kindsOf(policy);
  const named = sum(policy.filenameTransitions.map(({ sources }) => valuesOf(sources).length));
  return [
    ["Allow", count(AV.allowed)],
    ["Neverallow", 0],
    ["Auditallow", count(AV.auditallow)],
    ["Dontaudit", count(AV.auditdeny)],
    ["Type_trans", count(AV.transition) + named],
    ["Type_change", count(AV.change)],
    ["Type_member", count(AV.member)],
    ["Range_trans", policy.rangeTransitions.length],
    ["Role allow", policy.roleAllows.length],
    ["Role_trans", policy.roleTransitions.length],
  ];
}

function extendedCounts(policy: Policy): readonly Count[] {
  const count = kindsOf(policy);
  return [
    ["Allowxperm", count(AV.xpermsAllowed)],
    ["Neverallowxperm", 0],
    ["Auditallowxperm", count(AV.xpermsAuditallow)],
    ["Dontauditxperm", count(AV.xpermsDontaudit)],
  ];
}

function constraintCounts({ classes }: Policy): readonly Count[] {
  const constraints = classes.flatMap((each) => each.constraints);
  const validations = classes.flatMap((each) => each.validateTransitions);
  const plain = (all: readonly Constraint[]): number =>
    all.filter((each) => !comparesLevels(each)).length;
  return [
    ["Constraints", plain(constraints)],
    ["Validatetrans", plain(validations)],
    ["MLS Constrain", constraints.length - plain(constraints)],
    ["MLS Val. Tran", validations.length - plain(validations)],
  ];
}

/** Attributes of levels have two names. */
const comparesLevels = ({ expression }: Constraint): boolean =>
  expression.some((node) => node.kind === "attribute" && node.attribute.includes(" "));

const defaultsOf = (each: Policy["classes"][number]): number =>
  [each.defaultUser, each.defaultRole, each.defaultType, each.defaultRange].filter(
    (value) => value !== "none",
  ).length;
