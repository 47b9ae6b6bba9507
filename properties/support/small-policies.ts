/** Policies of three types and two classes, as text: rules of every kind that speaks of access. */

import fc from "fast-check";

const TYPES = ["a", "b", "c"] as const;
const KINDS = ["allow", "allow", "allow", "auditallow", "dontaudit"] as const;
/** By class, in the order of the kernel, in which records name them. */
export const CLASSES: Readonly<Record<string, readonly string[]>> = {
  file: ["ioctl", "read", "write", "open"],
  process: ["transition", "signal", "ptrace"],
};
export const BOOLEANS = ["x", "y"] as const;
/** Commands that rules speak of. */
export const COMMANDS = [0x5401, 0x5413, 0x8901] as const;

interface Rule {
  readonly kind: (typeof KINDS)[number];
  readonly source: string;
  readonly target: string;
  readonly tclass: string;
  readonly permissions: readonly string[];
  /** The branch of a boolean that it is in. */
  readonly when: { readonly boolean: string; readonly value: boolean } | null;
}

interface CommandRule {
  readonly kind: "allowx" | "auditallowx" | "dontauditx";
  readonly source: string;
  readonly target: string;
  readonly commands: readonly number[];
}

export interface SmallPolicy {
  readonly rules: readonly Rule[];
  readonly commands: readonly CommandRule[];
  readonly permissive: readonly string[];
  readonly booleans: Readonly<Record<string, boolean>>;
}

/** Mostly the first, so that rules and requests meet. */
export const anyType = (): fc.Arbitrary<string> =>
  fc.oneof({ weight: 2, arbitrary: fc.constant("a") }, fc.constantFrom(...TYPES));

export const anyRequest = (): fc.Arbitrary<{ tclass: string; permissions: readonly string[] }> =>
  fc.constantFrom(...Object.keys(CLASSES)).chain((tclass) =>
    fc.record({
      tclass: fc.constant(tclass),
      permissions: fc.subarray([...(CLASSES[tclass] ?? [])], { minLength: 1 }),
    }),
  );

export const anySmallPolicy = (): fc.Arbitrary<SmallPolicy> =>
  fc.record({
    rules: fc.array(
      fc
        .record({
          kind: fc.constantFrom(...KINDS),
          source: anyType(),
          target: anyType(),
          request: anyRequest(),
          when: fc.option(
            fc.record({ boolean: fc.constantFrom(...BOOLEANS), value: fc.boolean() }),
          ),
        })
        .map(({ request, ...rest }) => ({ ...rest, ...request })),
      { maxLength: 12 },
    ),
    commands: fc.array(
      fc.record({
        kind: fc.constantFrom("allowx" as const, "auditallowx" as const, "dontauditx" as const),
        source: anyType(),
        target: anyType(),
        commands: fc.subarray([...COMMANDS], { minLength: 1 }),
      }),
      { maxLength: 4 },
    ),
    permissive: fc.subarray([...TYPES], { maxLength: 1 }),
    booleans: fc.record({ x: fc.boolean(), y: fc.boolean() }),
  });

export const contextOf = (type: string): string => `u:r:${type}`;

export const textOf = ({ rules, commands, permissive, booleans }: SmallPolicy): string =>
  [
    "(sid kernel)(sid security)(sid unlabeled)(sidorder (kernel security unlabeled))",
    "(user u)(role r)(userrole u r)",
    ...TYPES.map((type) => `(type ${type})(roletype r ${type})`),
    ...Object.entries(CLASSES).map(([name, all]) => `(class ${name} (${all.join(" ")}))`),
    `(classorder (${Object.keys(CLASSES).join(" ")}))`,
    ...["kernel", "security", "unlabeled"].map((sid) => `(sidcontext ${sid} (u r c ((s0)(s0))))`),
    "(sensitivity s0)(sensitivityorder (s0))",
    "(userlevel u (s0))(userrange u ((s0)(s0)))",
    ...Object.entries(booleans).map(([name, value]) => `(boolean ${name} ${value})`),
    ...permissive.map((type) => `(typepermissive ${type})`),
    ...rules.map(ruleText),
    ...commands.map(commandText),
  ].join("\n");

function ruleText({ kind, source, target, tclass, permissions, when }: Rule): string {
  const text = `(${kind} ${source} ${target} (${tclass} (${permissions.join(" ")})))`;
  return when === null ? text : `(booleanif ${when.boolean} (${when.value} ${text}))`;
}

const commandText = ({ kind, source, target, commands }: CommandRule): string =>
  `(${kind} ${source} ${target} (ioctl file (${commands.map((one) => `0x${one.toString(16)}`).join(" ")})))`;
