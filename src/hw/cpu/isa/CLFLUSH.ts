/** CLFLUSH: flush cache line. SDM Vol. 2A, "CLFLUSH—Flush Cache Line". There are no caches; the address is checked as for a read of a byte. */

import { instruction } from "../instruction.ts";

export const CLFLUSH = instruction("CLFLUSH", {
  feature: "CLFSH",
  forms: [["NP 0F AE /7", "m8"]],
  semantics: (u, line) => {
    u.read(line);
  },
});
