/**
 * PHMINPOSUW: the least of eight unsigned words, and where it is.
 * SDM Vol. 2B, "PHMINPOSUW—Packed Horizontal Word Minimum".
 */

import { vectorInstruction } from "../../vector-semantics.ts";

export const PHMINPOSUW = vectorInstruction("PHMINPOSUW", {
  feature: "SSE4.1",
  forms: [["66 0F 38 41 /r", "xmm1, xmm2/m128"]],
  semantics: (v, dst, src) => {
    const { u } = v;
    // Each word with its number below it, so that of equal words the first is the least.
    const words = v.read(src);
    const numbers = v.constLanes(16, [0, 1, 2, 3, 4, 5, 6, 7]);
    const low = v.shuffleLanes(16, numbers, words, [0, 8, 1, 9, 2, 10, 3, 11]);
    const high = v.shuffleLanes(16, numbers, words, [4, 12, 5, 13, 6, 14, 7, 15]);
    let least = v.lanes("minUnsigned", 32, low, high);
    for (const turn of [
      [2, 3, 0, 1],
      [1, 0, 3, 2],
    ])
      least = v.lanes("minUnsigned", 32, least, v.shuffleLanes(32, least, least, turn));
    const found = v.extract(least, 32, 0);
    const half = u.const(32, 16);
    v.write(dst, v.fromScalar(u.or(u.shr(found, half), u.shl(found, half))));
  },
});
