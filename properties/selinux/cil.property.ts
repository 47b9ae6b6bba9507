/** Laws of the compiler for flat CIL. */

import fc from "fast-check";
import { InputError } from "../../src/sim/assert.ts";
import { compileCil } from "../../src/selinux/cil/compile.ts";
import {
  anySmallPolicy,
  differenceOf,
  pairsOf,
  type SmallPolicy,
  saidByPolicy,
  saidByText,
  textOf,
} from "../support/cil.ts";
import { law } from "../support/law.ts";

law("a-compiled-policy-says-what-its-text-says", {
  says: "Whatever sets its attributes are and in whichever order its statements stand, a compiled policy has for each pair of types the permissions and new types that its rules write, always and in each branch, and no others.",
  cites: "SELinux Project, CIL Reference Guide, Access Vector Rules and typeattributeset",
  forAll: { policy: anySmallPolicy() },
  runs: 300,
  holds: ({ policy }) => {
    const different = differenceOf(saidByText(policy), saidByPolicy(compile(policy)));
    if (different.length > 0) throw new Error(different.join("; "));
  },
});

law("a-policy-that-breaks-a-neverallow-does-not-compile", {
  says: "A policy compiles exactly when no rule, under a condition or not, allows what a neverallow forbids; else the error names the places of both.",
  cites: "SELinux Project, CIL Reference Guide, neverallow",
  forAll: { policy: anySmallPolicy(["allow", "allow", "neverallow", "dontaudit"]) },
  runs: 300,
  holds: ({ policy }) => {
    const message = errorOf(() => compile(policy));
    if (message === null) return !isBroken(policy);
    return isBroken(policy) && places(policy, message).join() === "neverallow,allow";
  },
});

law("a-damaged-policy-gets-one-line", {
  says: "Whatever is taken out of a policy or said twice, it compiles or is refused in one line that names the place.",
  cites: "DESIGN, What bad input gets",
  forAll: {
    policy: anySmallPolicy(),
    // What comes first declares the same in every policy.
    at: fc.double({ min: 0.5, max: 1, noNaN: true }),
    count: fc.nat(3),
    instead: fc.oneof(
      fc.constant(""),
      fc.constantFrom("(", ")", '"', ";", "(all)", "self", "t", "\u0000", "(not a)", "0"),
    ),
  },
  runs: 1000,
  holds: ({ policy, at, count, instead }) => {
    const tokens = textOf({ ...policy, order: 0 }).split(/(?<=[()\s])|(?=[()\s])/);
    const start = Math.floor(at * tokens.length);
    const damaged = tokens.toSpliced(start, count, instead).join("");
    const message = errorOf(() => compileCil(damaged, "damaged.cil"));
    return message === null || /^damaged\.cil:\d+:\d+: expected [^\n]+$/.test(message);
  },
});

// Helpers

const compile = (policy: SmallPolicy): ReturnType<typeof compileCil> =>
  compileCil(textOf(policy), "small.cil");

function errorOf(act: () => unknown): string | null {
  try {
    act();
    return null;
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
}

/** Every pair and permission that is forbidden, against every one that is allowed. */
function isBroken(policy: SmallPolicy): boolean {
  const written = (keyword: string): Set<string> =>
    new Set(
      policy.rules
        .filter((rule) => rule.keyword === keyword)
        .flatMap((rule) =>
          pairsOf(policy, rule).flatMap((pair) => rule.permissions.map((one) => `${pair} ${one}`)),
        ),
    );
  const allowed = written("allow");
  return [...written("neverallow")].some((line) => allowed.has(line));
}

/** The keywords of the rules at the places that the error names. */
const places = (policy: SmallPolicy, message: string): readonly string[] =>
  [...message.matchAll(/small\.cil:(\d+):(\d+)/g)].map(([, line, column]) => {
    const text = textOf(policy).split("\n")[Number(line) - 1] ?? "";
    return /^\((\w+)/.exec(text.slice(Number(column) - 1))?.[1] ?? "";
  });
