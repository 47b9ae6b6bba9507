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

export const kvm_pit_config = struct({ flags: "u32" }, 60);
export const kvm_irq_level = struct({ irq: "u32", level: "u32" });
export const kvm_msi = struct(
  { address_lo: "u32", address_hi: "u32", data: "u32", flags: "u32" },
  16,
);
/** `u` is the union: of a pin, chip and pin; of a message, address (2) and data. */
const kvm_irq_routing_entry = struct(
  { gsi: "u32", type: "u32", flags: "u32", u: vector("u32", 8) },
  4,
);
export const kvm_irq_routing = counted(kvm_irq_routing_entry, HEADER);
export const kvm_mp_state = struct({ mp_state: "u32" });
export const kvm_lapic_state = struct({ regs: vector("u8", 0x400) });

/** KVM_IRQCHIP_*. */
export const IRQCHIP = { pic1: 0, pic2: 1, ioapic: 2 } as const;
/** `chip` is the union: struct kvm_pic_state or kvm_ioapic_state, and what is left of 512 bytes. */
export const kvm_irqchip = struct({ chip_id: "u32", chip: vector("u8", 512) }, 4);

const kvm_pit_channel_state = struct({
  count: "u32",
  latched_count: "u16",
  count_latched: "u8",
  status_latched: "u8",
  status: "u8",
  read_state: "u8",
  write_state: "u8",
  write_latch: "u8",
  rw_mode: "u8",
  mode: "u8",
  bcd: "u8",
  gate: "u8",
  count_load_time: "u64",
});
export const kvm_pit_state2 = struct(
  { channels: vector(kvm_pit_channel_state, 3), flags: "u32" },
  36,
);

export const kvm_irqfd = struct({ fd: "u32", gsi: "u32", flags: "u32", resamplefd: "u32" }, 16);
export const kvm_ioeventfd = struct(
  { datamatch: "u64", addr: "u64", len: "u32", fd: "u32", flags: "u32" },
  36,
);
/** x87 and SSE registers, each in 16 bytes. */
export const kvm_fpu = struct(
  {
    fpr: vector(vector("u8", 16), 8),
    fcw: "u16",
    fsw: "u16",
    ftwx: "u8",
    last_opcode: "u16",
    last_ip: "u64",
    last_dp: "u64",
    xmm: vector(vector("u8", 16), 16),
    mxcsr: "u32",
  },
  5,
);

export const kvm_xsave = struct({ region: vector("u32", 1024) });

const kvm_xcr = struct({ xcr: "u32", value: "u64" }, 4);
export const kvm_xcrs = struct({ nr_xcrs: "u32", flags: "u32", xcrs: vector(kvm_xcr, 16) }, 16 * 8);

export const kvm_debugregs = struct(
  { db: vector("u64", 4), dr6: "u64", dr7: "u64", flags: "u64" },
  9 * 8,
);

export const kvm_guest_debug = struct(
  { control: "u32", arch: struct({ debugreg: vector("u64", 8) }) },
  4,
);

export const kvm_translation = struct(
  { linear_address: "u64", physical_address: "u64", valid: "u8", writeable: "u8", usermode: "u8" },
  5,
);

export const kvm_enable_cap = struct({ cap: "u32", flags: "u32", args: vector("u64", 4) }, 64);

export const kvm_clock_data = struct(
  { clock: "u64", flags: "u32", realtime: "u64", host_tsc: "u64" },
  5 * 4,
);

export const kvm_vcpu_events = struct(
  {
    exception: struct({
      injected: "u8",
      nr: "u8",
      has_error_code: "u8",
      pending: "u8",
      error_code: "u32",
    }),
    interrupt: struct({ injected: "u8", nr: "u8", soft: "u8", shadow: "u8" }),
    nmi: struct({ injected: "u8", pending: "u8", masked: "u8" }, 1),
    sipi_vector: "u32",
    flags: "u32",
    smi: struct({ smm: "u8", pending: "u8", smm_inside_nmi: "u8", latched_init: "u8" }),
    triple_fault: struct({ pending: "u8" }),
    exception_has_payload: "u8",
    exception_payload: "u64",
  },
  26,
);

/** Their headers have no padding. */
export const kvm_msr_list = counted("u32", 4);
export const kvm_signal_mask = counted("u8", 4);
