/**
 * x87 and SSE state as user space gives and gets it: Linux, arch/x86/kvm/x86.c, kvm_arch_vcpu_ioctl_get_fpu,
 * kvm_vcpu_ioctl_x86_get_xsave. The images are the processor's own.
 */

import type { CpuProfile } from "../hw/cpu/cpuid/profile.ts";
import type { CpuState } from "../hw/cpu/state.ts";
import { legacyImage, loadLegacyImage, loadXsaveImage, xsaveImage } from "../hw/cpu/x87/image.ts";
import { AT, SLOT_BYTES } from "../hw/cpu/x87/legacy-region.ts";
import { COMPONENT, SUPPORTED } from "../hw/cpu/x87/xsave.ts";
import type { Errno } from "../linux/errno.ts";
import type { ValueOf } from "./ioctls/ioctl.ts";
import type { kvm_fpu, kvm_xsave } from "./ioctls/structures.ts";

type Fpu = ValueOf<typeof kvm_fpu>;

const [X87_REGISTERS, XMM_REGISTERS] = [8, 16];
const REGION_WORDS = 1024;

/** Components that user space may give. */
export const componentsOf = ({ features }: CpuProfile): bigint =>
  features.has("XSAVE") ? SUPPORTED : COMPONENT.x87 | COMPONENT.sse;

/** MXCSR is not among it, though the structure has a place: it reads as 0, and what is set there does not count. */
export function getFpu(state: CpuState): Fpu {
  const image = legacyImage(state);
  const view = new DataView(image.buffer);
  const slots = (from: number, count: number): number[][] =>
    Array.from({ length: count }, (_, i) => {
      const at = from + SLOT_BYTES * i;
      return [...image.subarray(at, at + SLOT_BYTES)];
    });
  return {
    fpr: slots(AT.stack, X87_REGISTERS),
    fcw: view.getUint16(AT.control, true),
    fsw: view.getUint16(AT.status, true),
    ftwx: view.getUint8(AT.tags),
    last_opcode: view.getUint16(AT.opcode, true),
    last_ip: view.getBigUint64(AT.instruction, true),
    last_dp: view.getBigUint64(AT.data, true),
    xmm: slots(AT.xmm, XMM_REGISTERS),
    mxcsr: 0,
  };
}

export function setFpu(state: CpuState, fpu: Fpu): void {
  const image = legacyImage(state);
  const view = new DataView(image.buffer);
  for (const [i, bytes] of fpu.fpr.entries()) image.set(bytes, AT.stack + SLOT_BYTES * i);
  for (const [i, bytes] of fpu.xmm.entries()) image.set(bytes, AT.xmm + SLOT_BYTES * i);
  view.setUint16(AT.control, fpu.fcw, true);
  view.setUint16(AT.status, fpu.fsw, true);
  view.setUint8(AT.tags, fpu.ftwx);
  view.setUint16(AT.opcode, fpu.last_opcode, true);
  view.setBigUint64(AT.instruction, fpu.last_ip, true);
  view.setBigUint64(AT.data, fpu.last_dp, true);
  loadLegacyImage(state, image);
}

export function getXsave(state: CpuState): ValueOf<typeof kvm_xsave> {
  const view = new DataView(new ArrayBuffer(4 * REGION_WORDS));
  new Uint8Array(view.buffer).set(xsaveImage(state));
  return { region: Array.from({ length: REGION_WORDS }, (_, i) => view.getUint32(4 * i, true)) };
}

/** A component that is not there, what is reserved in the header, or in MXCSR, is refused. */
export function setXsave(
  state: CpuState,
  profile: CpuProfile,
  { region }: ValueOf<typeof kvm_xsave>,
): Errno | null {
  const view = new DataView(new ArrayBuffer(4 * REGION_WORDS));
  for (const [i, word] of region.entries()) view.setUint32(4 * i, word, true);
  const isValid = loadXsaveImage(state, new Uint8Array(view.buffer), componentsOf(profile));
  return isValid ? null : "EINVAL";
}
