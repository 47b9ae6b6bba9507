/**
 * INVD, WBINVD, WBNOINVD: caches written back and invalidated. SDM Vol. 2A, "INVD—Invalidate Internal Caches"; Vol. 2D,
 * "WBINVD—Write Back and Invalidate Cache", "WBNOINVD—Write Back and Do Not Invalidate Cache". There are no caches.
 */

import type { FeatureName } from "../../cpuid/features.ts";
import type { Instruction } from "../../instruction.ts";
import { privilegedInstruction } from "../../system.ts";

const nothing = (name: string, opcode: string, feature?: FeatureName): Instruction =>
  privilegedInstruction(
    name,
    { forms: [[opcode, ""]], ...(feature === undefined ? {} : { feature }) },
    (context) => context.intercepted(name === "INVD" ? "INVD" : "WBINVD"),
  );

export const WBINVD: readonly Instruction[] = [
  nothing("INVD", "0F 08"),
  nothing("WBINVD", "0F 09"),
  nothing("WBNOINVD", "F3 0F 09", "WBNOINVD"),
];
