/**
 * The smallest hypervisor on VMX: it runs one guest with EPT and a VPID, in which every address is its own. SDM Vol. 3,
 * "Software Use of Virtual-Machine Control Structures". What the guest starts with is what a bare system
 * (bare-system.ts) would start with.
 */

import { INTEL } from "../../hw/cpu/cpuid/profile.ts";
import { writeSlot } from "../../hw/cpu/msr/slots.ts";
import { CR4 } from "../../hw/cpu/state.ts";
import { SEGMENT_NAMES } from "../../hw/cpu/uop.ts";
import { ENTRY, EXIT, PRIMARY, SECONDARY, TRUE_DEFAULT1 } from "../../hw/cpu/vmx/controls.ts";
import { type FieldName, fieldOf } from "../../hw/cpu/vmx/fields.ts";
import { REVISION } from "../../hw/cpu/vmx/vmcs.ts";
import { assemble } from "../assembler.ts";
import { BareSystem, HYPERVISOR, SELECTORS, STACK } from "../bare-system.ts";
import { becomeHost, type Hypervisor } from "./hypervisor.ts";

const VMXON_REGION = HYPERVISOR;
const VMCS_REGION = HYPERVISOR + 0x1000;
const EPT = HYPERVISOR + 0x2000;
/** Where the pointers to the regions lie, as operands. */
const POINTERS = HYPERVISOR + 0x5000;
const HOST_CODE = HYPERVISOR + 0x6000;
/** VMXON outside SMX, and the lock. */
const FEATURE_CONTROL = 5n;
const RWX = 7n;
const WRITE_BACK = 6n;
const LARGE = 0x80n;
const WALK_OF_4 = 3n << 3n;
/** #UD ends a program. */
const EXCEPTIONS = 1n << 6n;

type Values = readonly (readonly [FieldName, bigint])[];

export const vmx: Hypervisor = {
  name: "vmx",
  call: "vmcall",
  run(code, given, how) {
    const system = new BareSystem(code, { ...given, profile: INTEL });
    const fields = [...guestState(system), ...controls(), ...hostState(system)];
    layMemory(system);
    becomeHost(system, HOST_CODE);
    const { state } = system;
    state.setControl("CR4", state.control("CR4") | CR4.VMXE);
    writeSlot(state, "IA32_FEATURE_CONTROL", FEATURE_CONTROL);
    const { bytes, labels } = assemble(program(fields, how), BigInt(HOST_CODE));
    system.ram.write(HOST_CODE, bytes);
    // The host's entry is known only now: its MOV is the first of the program.
    system.ram.write64(HOST_CODE + 2, labels.get("exited") ?? 0n);
    system.memory.contextChanged();
    return system;
  },
};

const encodingOf = (name: FieldName): number => fieldOf(name).encoding;

/** Writes all fields and enters the guest; `exited` is where it comes back to. */
function program(fields: Values, how: "rounds" | "once"): string {
  const writes = fields.map(
    ([name, value]) => `
        mov r9, ${encodingOf(name)}
        mov r10, 0x${value.toString(16)}
        vmwrite r9, r10`,
  );
  const again = `
exited: inc r15
        vmresume
        hlt`;
  const end = `
exited: hlt
        jmp exited`;
  return `
start:  mov r10, 0x1122334455667788
        mov r9, ${encodingOf("Host RIP")}
        mov r8, ${POINTERS}
        vmxon qword [r8]
        vmclear qword [r8 + 8]
        vmptrld qword [r8 + 8]
        vmwrite r9, r10
        ${writes.join("")}
        mov r8, 0
        mov r9, 0
        mov r10, 0
        vmlaunch
        hlt
        ${how === "rounds" ? again : end}`;
}

function layMemory({ ram }: BareSystem): void {
  for (const region of [VMXON_REGION, VMCS_REGION]) ram.write32(region, REVISION);
  ram.write64(POINTERS, BigInt(VMXON_REGION));
  ram.write64(POINTERS + 8, BigInt(VMCS_REGION));
  ram.write64(EPT, BigInt(EPT + 0x1000) | RWX);
  ram.write64(EPT + 0x1000, BigInt(EPT + 0x2000) | RWX);
  ram.write64(EPT + 0x2000, RWX | (WRITE_BACK << 3n) | LARGE);
}

function controls(): Values {
  const secondary = SECONDARY.enableEpt | SECONDARY.enableVpid;
  const primary = TRUE_DEFAULT1.primary | PRIMARY.activateSecondaryControls;
  const exit = TRUE_DEFAULT1.exit | EXIT.hostAddressSpaceSize | EXIT.loadEfer | EXIT.saveEfer;
  const entry = TRUE_DEFAULT1.entry | ENTRY.ia32eModeGuest | ENTRY.loadEfer;
  const word = (value: number): bigint => BigInt(value >>> 0);
  return [
    ["Pin-based VM-execution controls", word(TRUE_DEFAULT1.pin)],
    ["Primary processor-based VM-execution controls", word(primary)],
    ["Secondary processor-based VM-execution controls", word(secondary)],
    ["VM-exit controls", word(exit)],
    ["VM-entry controls", word(entry)],
    ["Exception bitmap", EXCEPTIONS],
    ["EPT pointer (EPTP)", BigInt(EPT) | WRITE_BACK | WALK_OF_4],
    ["Virtual-processor identifier (VPID)", 1n],
    ["VMCS link pointer", 2n ** 64n - 1n],
  ];
}

function guestState({ state }: BareSystem): Values {
  const segments = [
    ...SEGMENT_NAMES.map((name) => [name, state.segment(name)] as const),
    ...(["LDTR", "TR"] as const).map((name) => [name, state.systemSegment(name)] as const),
  ].flatMap(
    ([name, { selector, base, limit, rights }]): Values => [
      [`Guest ${name} selector`, BigInt(selector)],
      [`Guest ${name} base`, base],
      [`Guest ${name} limit`, BigInt(limit)],
      [`Guest ${name} access rights`, BigInt(rights)],
    ],
  );
  const tables = (["GDTR", "IDTR"] as const).flatMap((name): Values => {
    const { base, limit } = state.table(name);
    return [
      [`Guest ${name} base`, base],
      [`Guest ${name} limit`, BigInt(limit)],
    ];
  });
  return [
    ...segments,
    ...tables,
    ["Guest CR0", state.control("CR0")],
    ["Guest CR3", state.control("CR3")],
    ["Guest CR4", state.control("CR4") | CR4.VMXE],
    ["Guest IA32_EFER", state.control("EFER")],
    ["Guest DR7", state.debug("DR7")],
    ["Guest RSP", state.gpr(4)],
    ["Guest RIP", state.rip],
    ["Guest RFLAGS", state.rflags],
  ];
}

function hostState({ state }: BareSystem): Values {
  const data = BigInt(SELECTORS.kernelData);
  const tr = state.systemSegment("TR");
  return [
    ["Host CR0", state.control("CR0")],
    ["Host CR3", state.control("CR3")],
    ["Host CR4", state.control("CR4") | CR4.VMXE],
    ["Host IA32_EFER", state.control("EFER")],
    ["Host CS selector", BigInt(SELECTORS.kernelCode)],
    ...(["ES", "SS", "DS", "FS", "GS"] as const).map(
      (name) => [`Host ${name} selector`, data] as const,
    ),
    ["Host TR selector", BigInt(tr.selector)],
    ["Host TR base", tr.base],
    ["Host GDTR base", state.table("GDTR").base],
    ["Host IDTR base", state.table("IDTR").base],
    ["Host RSP", BigInt(STACK.kernel)],
  ];
}
