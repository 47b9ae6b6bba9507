/** LODS: load string. SDM Vol. 2A, "LODS/LODSB/LODSW/LODSD/LODSQ—Load String". */

import { advance, iterate, pointer, stringInstructions } from "../strings.ts";

export const LODS = stringInstructions("LODS", 0xac, "rep", (u, width) =>
  iterate(u, () => {
    const rSI = pointer(u, "rSI");
    u.setGpr("rAX", u.load("effective", rSI, width));
    advance(u, width, { rSI });
    return null;
  }),
);
