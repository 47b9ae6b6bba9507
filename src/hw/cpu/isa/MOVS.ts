/** MOVS: move data from string to string. SDM Vol. 2B, "MOVS/MOVSB/MOVSW/MOVSD/MOVSQ—Move Data From String to String". */

import { advance, iterate, pointer, stringInstructions } from "../strings.ts";

export const MOVS = stringInstructions("MOVS", 0xa4, "rep", (u, width) =>
  iterate(u, () => {
    const [rSI, rDI] = [pointer(u, "rSI"), pointer(u, "rDI")];
    u.store("ES", rDI, u.load("effective", rSI, width));
    advance(u, width, { rSI, rDI });
    return null;
  }),
);
