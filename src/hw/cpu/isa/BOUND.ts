/** BOUND: check an array index against its bounds. SDM Vol. 2A, "BOUND—Check Array Index Against Bounds". */

import { instruction } from "../instruction.ts";

export const BOUND = instruction("BOUND", {
  forms: [
    ["62 /r", "r16, m16&16", { modes: "I/V" }],
    ["62 /r", "r32, m32&32", { modes: "I/V" }],
  ],
  semantics: (u, index, bounds) => {
    const { addressSize, operandSize } = u.variant;
    const at = u.address(bounds);
    const lower = u.load("effective", at, operandSize);
    const next = u.add(at, u.const(addressSize, operandSize / 8));
    const upper = u.load("effective", next, operandSize);
    const value = u.read(index);
    u.faultIf(u.or(u.lts(value, lower), u.lts(upper, value)), "#BR");
  },
});
