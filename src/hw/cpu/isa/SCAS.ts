/** SCAS: scan string. SDM Vol. 2B, "SCAS/SCASB/SCASW/SCASD—Scan String". */

import { advance, goesOn, iterate, pointer, stringInstructions } from "../strings.ts";

export const SCAS = stringInstructions("SCAS", 0xae, "repe", (u, width) =>
  iterate(u, () => {
    const rDI = pointer(u, "rDI");
    const [a, b] = [u.gpr("rAX", width), u.load("ES", rDI, width)];
    const difference = u.sub(a, b);
    advance(u, width, { rDI });
    u.flagsOfSub(a, b, difference);
    return goesOn(u, u.isZero(difference));
  }),
);
