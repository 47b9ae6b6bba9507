/**
 * The smallest hypervisor on SVM: it runs one guest with nested paging, in which every address is its own. APM Vol. 2,
 * "VMRUN Instruction". What the guest starts with is what a bare system (bare-system.ts) would start with.
 */

import { AMD } from "../../hw/cpu/cpuid/profile.ts";
import { writeSlot } from "../../hw/cpu/msr/slots.ts";
import { EFER } from "../../hw/cpu/state.ts";
import { saveGuest } from "../../hw/cpu/svm/state-areas.ts";
import { VMCB, VMCB_BYTES } from "../../hw/cpu/svm/vmcb.ts";
import { assemble } from "../assembler.ts";
import { BareSystem, HYPERVISOR } from "../bare-system.ts";
import { becomeHost, type Hypervisor } from "./hypervisor.ts";

const CONTROL = HYPERVISOR;
const PORT_MAP = HYPERVISOR + 0x1000;
const MSR_MAP = HYPERVISOR + 0x4000;
const HOST_CODE = HYPERVISOR + 0x6000;
const RAX = 0;
/** VMRUN, VMMCALL and SHUTDOWN; #UD ends a program. */
const INTERCEPTS = { events: 1 << 31, instructions: 3, exceptions: 1 << 6 };

/** The guest calls from the same place again and again: all of the VMCB is clean. */
const ROUNDS = `
start:  vmrun
        mov dword [rax + ${VMCB.clean}], -1
        inc r15
        jmp start`;
const ONCE = `
start:  vmrun
        hlt
        jmp start`;

export const svm: Hypervisor = {
  name: "svm",
  call: "vmmcall",
  run(code, given, how) {
    const system = new BareSystem(code, { ...given, profile: AMD });
    makeGuest(system);
    const { bytes } = assemble(how === "rounds" ? ROUNDS : ONCE, BigInt(HOST_CODE));
    system.ram.write(HOST_CODE, bytes);
    return system;
  },
};

/** The VMCB for a guest that has the state of now, which then becomes a host's. */
function makeGuest(system: BareSystem): void {
  const { ram, state } = system;
  const bytes = new Uint8Array(VMCB_BYTES);
  const vmcb = new DataView(bytes.buffer);
  state.setControl("EFER", state.control("EFER") | EFER.SVME);
  saveGuest(state, new Int32Array(bytes.buffer));
  vmcb.setUint8(VMCB.cpl, state.cpl);
  vmcb.setUint32(VMCB.interceptExceptions, INTERCEPTS.exceptions, true);
  vmcb.setUint32(VMCB.intercept3, INTERCEPTS.events, true);
  vmcb.setUint32(VMCB.intercept4, INTERCEPTS.instructions, true);
  vmcb.setUint32(VMCB.iopmBasePa, PORT_MAP, true);
  vmcb.setUint32(VMCB.msrpmBasePa, MSR_MAP, true);
  vmcb.setUint32(VMCB.asid, 1, true);
  vmcb.setUint32(VMCB.npEnable, 1, true);
  // The tables of the bare system allow users everything, as nested tables have to.
  vmcb.setBigUint64(VMCB.nCr3, state.control("CR3"), true);
  vmcb.setBigUint64(VMCB.gPat, 0x0007_0406_0007_0406n, true);
  ram.write(CONTROL, bytes);
  becomeHost(system, HOST_CODE);
  state.setControl("EFER", state.control("EFER") | EFER.SVME);
  writeSlot(state, "VM_HSAVE_PA", BigInt(PORT_MAP));
  state.setGpr(RAX, BigInt(CONTROL));
  system.memory.contextChanged();
}
