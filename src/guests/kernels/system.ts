/**
 * Small loops of what an operating system does much of, for a bare system (bare-system.ts). Each is entered at `start`
 * and goes round for ever; R15 counts the rounds.
 */

import { pageEntryOf, SPARE_PAGE } from "../bare-system.ts";

export interface SystemKernel {
  readonly name: string;
  readonly about: string;
  readonly cpl: 0 | 3;
  /** Instructions of one round, those of its handler among them. */
  readonly instructions: number;
  /** Labels of handlers by vector. */
  readonly handlers: Readonly<Record<number, string>>;
  readonly source: string;
}

const pageFaults: SystemKernel = {
  name: "page faults",
  about: "a store to an absent page, which the handler maps; then unmapped again",
  cpl: 0,
  instructions: 8,
  handlers: { 14: "mapped" },
  source: `
start:  mov rsi, ${SPARE_PAGE}
        mov rdi, ${pageEntryOf(SPARE_PAGE)}
.round: and qword [rdi], -2
        invlpg [rsi]
        mov byte [rsi], 1
        inc r15
        jmp .round
mapped: or qword [rdi], 1
        add rsp, 8
        iretq`,
};

const ports: SystemKernel = {
  name: "ports",
  about: "input and output of bytes where nobody answers",
  cpl: 0,
  instructions: 4,
  handlers: {},
  source: `
start:  mov rdx, 0x80
.round: in al, dx
        out dx, al
        inc r15
        jmp .round`,
};

const interrupts: SystemKernel = {
  name: "interrupts",
  about: "INT from CPL 3 to CPL 0 and back",
  cpl: 3,
  instructions: 4,
  handlers: { 128: "served" },
  source: `
start:  int 0x80
        inc r15
        jmp start
served: iretq`,
};

export const SYSTEM_KERNELS: readonly SystemKernel[] = [pageFaults, ports, interrupts];
