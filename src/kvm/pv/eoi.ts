/**
 * Ends of interrupts that a guest need not write: Linux, Documentation/virt/kvm/x86/msr.rst, MSR_KVM_PV_EOI_EN. With an
 * entry that finds an interrupt in service and none behind it, a bit in the guest's memory is set; the guest clears it in
 * place of a write of EOI, and the next exit finds that. Until then the local APIC holds everything of the same priority
 * and below back, so whatever comes meanwhile takes the vCPU out of its guest.
 */

import { hasBit, highestBit } from "../../hw/chips/bits256.ts";
import { PAGE_SIZE } from "../../sim/paged-memory.ts";
import { isReadOnly } from "../mmu/memslots.ts";
import type { Vcpu } from "../vcpu.ts";
import { changeGuest, writeGuest } from "./guest-area.ts";

const [ENABLED, ALIGNMENT] = [1n, 4n];
/** KVM_PV_EOI_ENABLED. */
const MAY_SKIP = 1;

/** False is #GP(0): the word has to lie in memory that can be written. */
export function writeEoiMsr({ state: { pv }, vm }: Vcpu, value: bigint): boolean {
  const address = value & ~ENABLED;
  if (address % ALIGNMENT !== 0n) return false;
  if (value !== address) {
    const slot = vm.mmu.slots.find(Number(address / BigInt(PAGE_SIZE)));
    if (slot === null || isReadOnly(slot)) return false;
  }
  pv.eoi = value;
  return true;
}

/** Before an entry. */
export function offerEoi(vcpu: Vcpu): void {
  const { vm, state } = vcpu;
  const { pv } = state;
  if ((pv.eoi & ENABLED) === 0n || !concernsNobody(vcpu)) return;
  pv.isEoiOffered = writeGuest(vm, pv.eoi & ~ENABLED, Uint8Array.of(MAY_SKIP));
}

/** Behind an exit: the offer is withdrawn, and the interrupt is over if the guest has taken it. */
export function settleEoi({ vm, state: { pv }, index }: Vcpu): void {
  if (!pv.isEoiOffered) return;
  pv.isEoiOffered = false;
  let isTaken = true;
  changeGuest(vm, pv.eoi & ~ENABLED, 1, (view) => {
    isTaken = (view.getUint8(0) & MAY_SKIP) === 0;
    if (!isTaken) view.setUint8(0, 0);
  });
  if (isTaken) vm.irqchip?.endInterrupt(index);
}

/** The end of the interrupt in service concerns nobody but the local APIC, and none waits for it. */
function concernsNobody({ vm, index }: Vcpu): boolean {
  const { irqchip } = vm;
  if (irqchip === null) return false;
  const { isr, irr, tmr } = irqchip.lapic(index).state;
  const vector = highestBit(isr);
  return vector >= 0 && highestBit(irr) < 0 && !hasBit(tmr, vector);
}
