/** RDSEED: read random seed. SDM Vol. 2B, "RDSEED—Read Random SEED". It shares the stream of RDRAND. */

import { systemInstruction } from "../../system.ts";
import { readRandom } from "./RDRAND.ts";

export const RDSEED = systemInstruction(
  "RDSEED",
  {
    feature: "RDSEED",
    forms: [
      ["NFx 0F C7 /7", "r16"],
      ["NFx 0F C7 /7", "r32"],
      ["NFx REX.W + 0F C7 /7", "r64"],
    ],
  },
  readRandom("RDSEED"),
);
