/** RDRAND: read random number. SDM Vol. 2B, "RDRAND—Read Random Number". The numbers come from the CPU's own stream of the simulation. */

import type { AssistFunction } from "../../assist.ts";
import { STATUS_FLAGS } from "../../uop.ts";
import { setFlags, systemInstruction, writeGpr } from "../../system.ts";

const CF = 1n;
const ALL_STATUS = Object.values(STATUS_FLAGS).reduce(
  (bits, bit) => bits | (1n << BigInt(bit)),
  0n,
);

/** CF says that there was one; zero when there was not. */
export const readRandom =
  (name: "RDRAND" | "RDSEED"): AssistFunction =>
  (context) => {
    const { state, environment, decoded } = context;
    const intercepted = context.intercepted(name);
    if (intercepted !== null) return intercepted;
    const number = environment.random();
    writeGpr(state, context.register(0), decoded.operandSize, number ?? 0n);
    setFlags(state, ALL_STATUS, number === null ? 0n : CF);
    return null;
  };

export const RDRAND = systemInstruction(
  "RDRAND",
  {
    feature: "RDRAND",
    forms: [
      ["NFx 0F C7 /6", "r16"],
      ["NFx 0F C7 /6", "r32"],
      ["NFx REX.W + 0F C7 /6", "r64"],
    ],
  },
  readRandom("RDRAND"),
);
