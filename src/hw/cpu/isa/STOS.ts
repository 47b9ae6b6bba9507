/** STOS: store string. SDM Vol. 2B, "STOS/STOSB/STOSW/STOSD/STOSQ—Store String". */

import { advance, iterate, pointer, stringInstructions } from "../strings.ts";

export const STOS = stringInstructions("STOS", 0xaa, "rep", (u, width) =>
  iterate(u, () => {
    const rDI = pointer(u, "rDI");
    u.store("ES", rDI, u.gpr("rAX", width));
    advance(u, width, { rDI });
    return null;
  }),
);
