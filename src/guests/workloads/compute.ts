/** A workload that never gives its processor back. */

import type { Workload } from "./workload.ts";

export const compute: Workload = {
  name: "compute",
  about: "computes without end",
  dataBytes: 0,
  source: `
start:  mov rax, 1
        mov rbx, 0x9e3779b97f4a7c15
.loop:  imul rax, rbx
        ror rax, 7
        xor rax, rbx
        jmp .loop`,
};
