/** CMPS: compare string operands. SDM Vol. 2A, "CMPS/CMPSB/CMPSW/CMPSD/CMPSQ—Compare String Operands". */

import { advance, goesOn, iterate, pointer, stringInstructions } from "../strings.ts";

export const CMPS = stringInstructions("CMPS", 0xa6, "repe", (u, width) =>
  iterate(u, () => {
    const [rSI, rDI] = [pointer(u, "rSI"), pointer(u, "rDI")];
    const [a, b] = [u.load("effective", rSI, width), u.load("ES", rDI, width)];
    const difference = u.sub(a, b);
    advance(u, width, { rSI, rDI });
    u.flagsOfSub(a, b, difference);
    return goesOn(u, u.isZero(difference));
  }),
);
