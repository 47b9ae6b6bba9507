/** LEAVE: high-level procedure exit. SDM Vol. 2A, "LEAVE—High Level Procedure Exit". */

import { instruction } from "../instruction.ts";

export const LEAVE = instruction("LEAVE", {
  forms: [
    ["C9", "", { sizes: [16] }],
    ["C9", "", { sizes: [32], modes: "NE/V" }],
    ["C9", "", { sizes: [64], default64: true, modes: "V/NE" }],
  ],
  semantics: (u) => {
    const { stackSize, operandSize } = u.variant;
    const frame = u.gpr("rBP", stackSize);
    const saved = u.load("SS", frame, operandSize);
    u.setGpr("rSP", u.add(frame, u.const(stackSize, operandSize / 8)));
    u.setGpr("rBP", saved);
  },
});
