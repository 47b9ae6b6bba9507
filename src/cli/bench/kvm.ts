/** What KVM costs: exits by kind, user code in its guests, fresh hosts, and a thousand guests on one host. */

import { performance } from "node:perf_hooks";
import process from "node:process";
import {
  GuestPrograms,
  kernelHost,
  type Kernel,
  KERNELS,
  KvmHost,
  KvmKernel,
} from "../../api/index.ts";
import { figure, type Measurement } from "./figures.ts";
import { sharesOfBare } from "./share-of-bare.ts";

const ROUNDS = 5;
const SLICE_CYCLES = 500_000;
const PAGE = 4096;
const VENDORS = ["intel", "amd"] as const;
type Vendor = (typeof VENDORS)[number];

/** 16-bit loops that count in EDI, each with one exit. */
const KINDS = {
  /** inc edi; xor ax, ax; cpuid; jmp */
  CPUID: [0x66, 0x47, 0x31, 0xc0, 0x0f, 0xa2, 0xeb, 0xf8],
  /** inc edi; VMCALL, or VMMCALL; jmp */
  hypercall: [0x66, 0x47, 0x0f, 0x01, 0xc1, 0xeb, 0xf9],
  /** mov cx, 277h; rdmsr; inc edi; jmp to RDMSR */
  "MSR read": [0xb9, 0x77, 0x02, 0x0f, 0x32, 0x66, 0x47, 0xeb, 0xfa],
  /** inc edi; out 80h, al; jmp */
  "port of user space": [0x66, 0x47, 0xe6, 0x80, 0xeb, 0xfa],
  /** mov bx, 4000h; inc edi; mov [bx], al; jmp to INC */
  "memory of user space": [0xbb, 0x00, 0x40, 0x66, 0x47, 0x88, 0x07, 0xeb, 0xfa],
} as const;
const RAM_BYTES = 4 * PAGE;
const VMMCALL = 0xd9;

function codeOf(kind: keyof typeof KINDS, vendor: Vendor): Uint8Array {
  const code = Uint8Array.from(KINDS[kind]);
  if (kind === "hypercall" && vendor === "amd") code[4] = VMMCALL;
  return code;
}

const exits = (vendor: Vendor, kind: keyof typeof KINDS): Measurement => ({
  what: `${kind} on ${vendor}`,
  measure(seconds) {
    const host = new KvmHost({ vendor, guests: 1, ramBytes: RAM_BYTES });
    host.load(0, codeOf(kind, vendor));
    const rates: number[] = [];
    // The first round warms up and is not counted.
    for (let round = 0; round <= ROUNDS; round += 1) {
      const before = host.regs(0).rdi;
      const started = performance.now();
      while (performance.now() - started < (seconds * 1000) / ROUNDS) host.run(0, SLICE_CYCLES);
      host.stop(0);
      const made = Number(host.regs(0).rdi - before);
      if (round > 0) rates.push((made * 1000) / (performance.now() - started));
    }
    host.release();
    return [figure(`${vendor}: exits for ${kind}`, "a second", rates)];
  },
});

/** inc edi; jmp */
const COMPUTES = Uint8Array.of(0x66, 0x47, 0xeb, 0xfc);
const TURN_CYCLES = 2000;

const switches = (vendor: Vendor): Measurement => ({
  what: `switches of guests on ${vendor}`,
  measure(seconds) {
    const host = new KvmHost({ vendor, guests: 2, ramBytes: RAM_BYTES });
    for (const guest of [0, 1]) host.load(guest, COMPUTES);
    const rates: number[] = [];
    for (let round = 0; round <= ROUNDS; round += 1) {
      let made = 0;
      const started = performance.now();
      while (performance.now() - started < (seconds * 1000) / ROUNDS) {
        for (const guest of [0, 1]) host.run(guest, TURN_CYCLES);
        made += 2;
      }
      if (round > 0) rates.push((made * 1000) / (performance.now() - started));
    }
    host.release();
    return [figure(`${vendor}: switches between guests that compute`, "a second", rates)];
  },
});

const SHARE_BAR = { relation: "at least", value: 90 } as const;

const share = (vendor: Vendor, kernel: Kernel): Measurement => ({
  what: `${kernel.name} on ${vendor}`,
  measure(seconds) {
    const bare = new GuestPrograms(kernel);
    const host = kernelHost(vendor);
    const shares = sharesOfBare(
      () => bare.start(null),
      () => new KvmKernel(kernel, host),
      seconds,
    );
    host.release();
    return [figure(`${vendor}: kernel ${kernel.name} in a guest`, "% of bare", shares, SHARE_BAR)];
  },
});

const FRESH_BAR = { relation: "at least", value: 1000 } as const;
/** mov cx, 500; dec cx; jnz; hlt: 1002 instructions. */
const TINY = Uint8Array.of(0xb9, 0xf4, 0x01, 0x49, 0x75, 0xfd, 0xf4);
const ENOUGH = 100_000;

const fresh = (vendor: Vendor): Measurement => ({
  what: `fresh hosts of ${vendor}`,
  measure(seconds) {
    const host = new KvmHost({ vendor, guests: 2, ramBytes: RAM_BYTES });
    const rates: number[] = [];
    for (let round = 0; round <= ROUNDS; round += 1) {
      let made = 0;
      const started = performance.now();
      while (performance.now() - started < (seconds * 1000) / ROUNDS) {
        host.renew();
        for (const guest of [0, 1]) host.load(guest, TINY);
        for (const guest of [0, 1]) host.run(guest, ENOUGH);
        made += 1;
      }
      if (round > 0) rates.push((made * 1000) / (performance.now() - started));
    }
    host.release();
    const what = `${vendor}: fresh hosts with two guests of 1,000 instructions, pooled`;
    return [figure(what, "a second", rates, FRESH_BAR)];
  },
});

const MANY = 1000;
const MANY_BAR = { relation: "below", value: 2000 } as const;
const MIB = 1 << 20;

const many = (vendor: Vendor): Measurement => ({
  what: `${MANY} guests on ${vendor}`,
  measure() {
    const started = performance.now();
    const host = new KvmHost({ vendor, guests: MANY, ramBytes: 16 * PAGE });
    const made = performance.now() - started;
    for (let guest = 0; guest < MANY; guest += 1) host.load(guest, TINY);
    for (let guest = 0; guest < MANY; guest += 1) host.run(guest, ENOUGH);
    const ran = performance.now() - started - made;
    // Of the whole process: what others have left may go meanwhile.
    const memory = process.memoryUsage.rss() / MIB;
    host.release();
    return [
      figure(`${vendor}: ${MANY} guests on one host are made`, "ms", [made]),
      figure(`${vendor}: each runs 1,000 instructions`, "ms", [ran]),
      figure(`${vendor}: memory of the process with ${MANY} guests`, "MB", [memory], MANY_BAR),
    ];
  },
});

export const kvm: readonly Measurement[] = VENDORS.flatMap((vendor) => [
  ...(Object.keys(KINDS) as (keyof typeof KINDS)[]).map((kind) => exits(vendor, kind)),
  switches(vendor),
  ...KERNELS.map((kernel) => share(vendor, kernel)),
  fresh(vendor),
  many(vendor),
]);
