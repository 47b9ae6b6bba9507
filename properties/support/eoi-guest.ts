/** A guest whose handlers end interrupts by the bit that the module lends, where it is set, and else by a write of EOI. */

import type { Vendor } from "../../src/hw/cpu/cpuid/profile.ts";
import { must } from "./kvm-guest.ts";
import { IrqGuest, type RoutedPin } from "./kvm-irqs.ts";

/** The word, and behind it how many ends were not written; in no page that the guest otherwise has. */
const WORD = 0x9000;
const SKIPPED = WORD + 8;
const PV_EOI_EN = 0x4b56_4d04;
/** Each handler has r15 before the next can come, so that they may be nested. */
const handlers = (body: string, isNested: boolean): string => `
eoi:
  push rax
  push rcx
  mov rax, [rsp + 16]
  mov [r15], rax
  mov rax, [rsp + 24]
  mov [r15 + 8], rax
  add r15, 32
  ${isNested ? "sti" : "nop"}
  ${body}
  cli
  mov rax, ${WORD}
  btr dword [rax], 0
  jnb write
  inc dword [rax + 8]
  jmp over
write:
  mov eax, 0xfee000b0
  mov dword [rax], 0
over:
  pop rcx
  pop rax
  add rsp, 8
  iretq
plain:
  add rsp, 8
  iretq
`;

export interface EoiParts {
  readonly vendor: Vendor;
  /** The guest lets the module skip ends. */
  readonly skips: boolean;
  readonly isNested: boolean;
  /** What a handler does before the end: assembler that changes nothing but RAX and RCX. */
  readonly body: string;
  readonly code: readonly number[];
  readonly pins: readonly Omit<RoutedPin, "to">[];
}

export class EoiGuest extends IrqGuest {
  constructor({ vendor, skips, isNested, body, code, pins }: EoiParts) {
    super(vendor, 1);
    this.prepare(handlers(body, isNested));
    this.route(pins.map((pin) => ({ ...pin, to: 0 })));
    this.start(0, { code: Uint8Array.from(code) });
    this.setWord(BigInt(WORD) | (skips ? 1n : 0n));
  }

  /** MSR_KVM_PV_EOI_EN; false when the value is refused. */
  setWord(data: bigint): boolean {
    return must(this.of(0, "KVM_SET_MSRS", [{ index: PV_EOI_EN, data }])) === 1;
  }

  line(pin: number, level: number): void {
    must(this.ofVm("KVM_IRQ_LINE", { irq: pin, level }));
  }

  /** How many ends the guest has not written. */
  get skipped(): number {
    return this.read(SKIPPED, 4).getUint32(0, true);
  }

  /** What has come, in this order. */
  get vectors(): readonly number[] {
    return this.taken(0).map(({ vector }) => vector);
  }
}
