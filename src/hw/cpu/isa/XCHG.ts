/** XCHG: exchange register or memory with register. SDM Vol. 2D, "XCHG—Exchange Register/Memory With Register". */

import { instruction } from "../instruction.ts";

export const XCHG = instruction("XCHG", {
  forms: [
    ["90+rw", "AX, r16"],
    ["90+rw", "r16, AX"],
    ["90+rd", "EAX, r32"],
    ["90+rd", "r32, EAX"],
    ["REX.W + 90+rd", "RAX, r64"],
    ["REX.W + 90+rd", "r64, RAX"],
    ["86 /r", "r/m8, r8"],
    ["86 /r", "r8, r/m8"],
    ["87 /r", "r/m16, r16"],
    ["87 /r", "r16, r/m16"],
    ["87 /r", "r/m32, r32"],
    ["87 /r", "r32, r/m32"],
    ["REX.W + 87 /r", "r/m64, r64"],
    ["REX.W + 87 /r", "r64, r/m64"],
  ],
  lock: true,
  semantics: (u, first, second) => {
    const [a, b] = [u.read(first), u.read(second)];
    u.write(first, b);
    u.write(second, a);
  },
});
