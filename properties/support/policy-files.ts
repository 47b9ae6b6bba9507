/** Binary policies that secilc made, and ways to damage them. */

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { shipped } from "./shipped.ts";

export const POLICY_FILES = [
  "everything-33.policy",
  "everything-30.policy",
  "everything-26.policy",
  "without-mls-33.policy",
] as const;

type PolicyFile = (typeof POLICY_FILES)[number];

export const policyPath = (name: PolicyFile): string => shipped(`fixtures/selinux/${name}`);

export const policyFile = (name: PolicyFile): Uint8Array => readFileSync(policyPath(name));

/** The project's own, as text. */
export const policyText = (name: "svirt.cil" | "features.cil"): string =>
  readFileSync(shipped(`policies/${name}`), "utf8");

/** What happens to a file: a bit flips, a number is another one, its end is lost, bytes come twice or are lost. */
export type Damage =
  | { readonly kind: "flip"; readonly at: number; readonly bit: number }
  | { readonly kind: "number"; readonly at: number; readonly value: number }
  | { readonly kind: "cut"; readonly at: number }
  | { readonly kind: "repeat" | "lose"; readonly at: number; readonly bytes: number };

/** Numbers that a file does not have room for, or that just miss what there is. */
export const HARD_NUMBERS: readonly number[] = [
  0, 1, 2, 6, 8, 9, 31, 32, 33, 63, 64, 65, 255, 256, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000,
  0xffff_fff8, 0xffff_ffff,
];

export const anyDamage = (): fc.Arbitrary<Damage> => {
  const at = fc.nat(0xffff_ffff);
  return fc.oneof(
    fc.record({ kind: fc.constant("flip" as const), at, bit: fc.nat(7) }),
    fc.record({
      kind: fc.constant("number" as const),
      at,
      value: fc.constantFrom(...HARD_NUMBERS),
    }),
    fc.record({ kind: fc.constant("cut" as const), at }),
    fc.record({
      kind: fc.constantFrom("repeat" as const, "lose" as const),
      at,
      bytes: fc.integer({ min: 1, max: 40 }),
    }),
  );
};

/** `at` is taken modulo the length. */
export function damaged(bytes: Uint8Array, damage: Damage): Uint8Array {
  const at = damage.at % Math.max(1, bytes.length);
  switch (damage.kind) {
    case "flip": {
      const changed = Uint8Array.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ (1 << damage.bit);
      return changed;
    }
    case "number": {
      const changed = Uint8Array.from(bytes);
      for (let i = 0; i < 4 && at + i < changed.length; i += 1)
        changed[at + i] = damage.value >>> (8 * i);
      return changed;
    }
    case "cut":
      return bytes.subarray(0, at);
    case "repeat":
      return Uint8Array.from([...bytes.subarray(0, at + damage.bytes), ...bytes.subarray(at)]);
    case "lose":
      return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + damage.bytes)]);
  }
}
