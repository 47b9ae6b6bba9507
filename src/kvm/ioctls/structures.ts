/** Structures of ioctls: Linux UAPI, arch/x86/include/uapi/asm/kvm.h, include/uapi/linux/kvm.h. */

import { counted, struct, vector } from "./ioctl.ts";

export const kvm_regs = struct({
  rax: "u64",
  rbx: "u64",
  rcx: "u64",
  rdx: "u64",
  rsi: "u64",
  rdi: "u64",
  rsp: "u64",
  rbp: "u64",
  r8: "u64",
  r9: "u64",
  r10: "u64",
  r11: "u64",
  r12: "u64",
  r13: "u64",
  r14: "u64",
  r15: "u64",
  rip: "u64",
  rflags: "u64",
});

export const kvm_segment = struct(
  {
    base: "u64",
    limit: "u32",
    selector: "u16",
    type: "u8",
    present: "u8",
    dpl: "u8",
    db: "u8",
    s: "u8",
    l: "u8",
    g: "u8",
    avl: "u8",
    unusable: "u8",
  },
  1,
);

export const kvm_dtable = struct({ base: "u64", limit: "u16" }, 6);

export const kvm_sregs = struct({
  cs: kvm_segment,
  ds: kvm_segment,
  es: kvm_segment,
  fs: kvm_segment,
  gs: kvm_segment,
  ss: kvm_segment,
  tr: kvm_segment,
  ldt: kvm_segment,
  gdt: kvm_dtable,
  idt: kvm_dtable,
  cr0: "u64",
  cr2: "u64",
  cr3: "u64",
  cr4: "u64",
  cr8: "u64",
  efer: "u64",
  apic_base: "u64",
  interrupt_bitmap: vector("u64", 4),
});

export const kvm_userspace_memory_region = struct({
  slot: "u32",
  flags: "u32",
  guest_phys_addr: "u64",
  memory_size: "u64",
  userspace_addr: "u64",
});

/** The address of the bitmap, behind padding. */
export const kvm_dirty_log = struct({ slot: "u32", dirty_bitmap: "u64" }, 4);

/** The header of counted structures: how many entries, and padding. */
const HEADER = 8;

const kvm_cpuid_entry2 = struct(
  {
    function: "u32",
    index: "u32",
    flags: "u32",
    eax: "u32",
    ebx: "u32",
    ecx: "u32",
    edx: "u32",
  },
  12,
);
export const kvm_cpuid2 = counted(kvm_cpuid_entry2, HEADER);

const kvm_msr_entry = struct({ index: "u32", data: "u64" }, 4);
export const kvm_msrs = counted(kvm_msr_entry, HEADER);
