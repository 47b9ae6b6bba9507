/** What a guest of a scenario may do, drawn at random. Each scenario has a part of the kinds of actions only. */

import fc from "fast-check";
import {
  type GuestAction,
  type PlainAction,
  VIRTUAL_INSTRUCTIONS,
  type Word,
} from "./guest-actions.ts";
import { ARENA_PAGES } from "./guest-kernel.ts";

type Of<K extends GuestAction["do"]> = Extract<GuestAction, { readonly do: K }>;

/** Few pages, so that actions meet. */
const page = (): fc.Arbitrary<number> =>
  fc.oneof({ weight: 4, arbitrary: fc.nat(7) }, fc.nat(ARENA_PAGES - 2));
const pages = (): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 4 }) },
    fc.integer({ min: 5, max: 200 }),
  );
/** To the end of a page, and over it. */
const offset = (): fc.Arbitrary<number> => fc.constantFrom(0, 8, 2040, 4088, 4092, 4095);
const word = (): fc.Arbitrary<Word> =>
  fc.oneof(
    fc.constantFrom("0", "1", "ffffffffffffffff", "8000000000000000", "800000000000"),
    fc.nat().map((value) => value.toString(16)),
  );
const size = (): fc.Arbitrary<1 | 2 | 4 | 8> => fc.constantFrom(1, 2, 4, 8);
const portSize = (): fc.Arbitrary<1 | 2 | 4> => fc.constantFrom(1, 2, 4);

/** What answers alike at any time: POST codes, masks of the interrupt controllers, a UART's scratch, nobody. */
const STEADY_PORTS = [0x80, 0x21, 0xa1, 0x3ff, 0x3fb, 0x92, 0x1234, 0xcfc, 0x70] as const;
const OUT_PORTS = [0x80, 0x3ff, 0x1234, 0xed, 0x402] as const;

/** The I/O APIC, the local APIC's version, identity and task priority, and nobody. */
const DEVICES =
  "fec00000 fec00010 fee00030 fee00020 fee00080 fee000f0 fee00350 d0000000 ffffff80 fec00ffc fee00ffc fed00000".split(
    " ",
  );
/** Where linear addresses end, and memory that nobody has mapped. */
const ENDS = ["ffff800000000000", "7fffffffffff", "800000000000", "ffffffffffffffff", "40000000"];

/** SDM Vol. 4, "Architectural MSRs": those that hold what was written, those that refuse it, those that nobody has. */
const MSRS: readonly number[] = [
  // Of the guest's own: PAT, SYSENTER, STAR and its like, bases, EFER, APIC base, MTRRs.
  [0x277, 0x174, 0x175, 0x176, 0xc000_0081, 0xc000_0082, 0xc000_0083, 0xc000_0084, 0xc000_0100],
  [0xc000_0102, 0xc000_0103, 0xc000_0080, 0x1b, 0x2ff, 0x2f8, 0x200, 0x20f],
  // Of the x2APIC, debugging, virtualisation, and nobody's.
  [0x802, 0x803, 0x80b, 0x830, 0x8ff, 0xbff, 0x1d9, 0x480, 0xc001_0117, 0x1234_5678],
].flat();
/** Which of them show the machine and not the guest: whoever has no such CPU has them not. */
const READ_MSRS = MSRS.filter((msr) => msr < 0x480 || msr === 0xc000_0081);

const control = (): fc.Arbitrary<Of<"control">> =>
  fc.oneof(
    fc.record({
      do: fc.constant("control" as const),
      register: fc.constant("cr4" as const),
      flip: fc.constantFrom(0x04, 0x08, 0x100, 0x8000, 0x80, 0x20, 0x4000_0000),
    }),
    fc.record({
      do: fc.constant("control" as const),
      register: fc.constant("cr0" as const),
      flip: fc.constantFrom(0x1_0000, 0x8, 0x8000_0000, 0x2000_0000, 1, 2),
    }),
    fc.record({
      do: fc.constant("control" as const),
      register: fc.constant("cr8" as const),
      flip: fc.constantFrom(1, 7, 15, 16),
    }),
  );

/** By kind, those that either privilege level may try. */
const PLAIN: { readonly [K in PlainAction["do"]]: () => fc.Arbitrary<Of<K>> } = {
  write: () =>
    fc.record({ do: fc.constant("write"), page: page(), offset: offset(), value: word() }),
  read: () => fc.record({ do: fc.constant("read"), page: page(), offset: offset() }),
  fill: () => fc.record({ do: fc.constant("fill"), page: page(), pages: pages(), value: word() }),
  sum: () => fc.record({ do: fc.constant("sum"), page: page(), pages: pages() }),
  copy: () =>
    fc.record({
      do: fc.constant("copy"),
      from: page(),
      to: page(),
      bytes: fc.integer({ min: 1, max: 9000 }),
    }),
  exchange: () => fc.record({ do: fc.constant("exchange"), page: page(), value: word() }),
  in: () =>
    fc.record({ do: fc.constant("in"), port: fc.constantFrom(...STEADY_PORTS), size: portSize() }),
  out: () =>
    fc.record({
      do: fc.constant("out"),
      port: fc.constantFrom(...OUT_PORTS),
      size: portSize(),
      value: fc.nat(),
    }),
  outs: () =>
    fc.record({ do: fc.constant("outs"), page: page(), bytes: fc.integer({ min: 1, max: 64 }) }),
  load: () =>
    fc.record({
      do: fc.constant("load"),
      address: fc.oneof(fc.constantFrom(...DEVICES), fc.constantFrom(...ENDS)),
      size: size(),
    }),
  store: () =>
    fc.record({
      do: fc.constant("store"),
      address: fc.constantFrom("fec00000", "fec00010", "fee00080", "fee00350", "d0000ffc", ...ENDS),
      size: size(),
      value: word(),
    }),
  rdmsr: () => fc.record({ do: fc.constant("rdmsr"), msr: fc.constantFrom(...READ_MSRS) }),
  wrmsr: () =>
    fc.record({
      do: fc.constant("wrmsr"),
      msr: fc.oneof(fc.constantFrom(...MSRS), fc.integer({ min: 0x800, max: 0xbff })),
      value: word(),
    }),
  control,
  cpuid: () =>
    fc.record({
      do: fc.constant("cpuid"),
      leaf: fc.constantFrom(
        0,
        1,
        4,
        7,
        0xb,
        0xd,
        0x4000_0000,
        0x8000_0008,
        0x8000_000a,
        0xffff_ffff,
      ),
      subleaf: fc.nat(3),
    }),
  call: () =>
    fc.record({ do: fc.constant("call"), number: fc.nat(13), argument: fc.nat(0x7fff_ffff) }),
  virtualize: () =>
    fc.record({
      do: fc.constant("virtualize"),
      instruction: fc.constantFrom(...VIRTUAL_INSTRUCTIONS),
      page: page(),
    }),
  int: () => fc.record({ do: fc.constant("int"), vector: fc.constantFrom(3, 4, 0x33, 0x80, 255) }),
  pause: () => fc.record({ do: fc.constant("pause"), count: fc.integer({ min: 1, max: 200 }) }),
  spin: () =>
    fc.record({
      do: fc.constant("spin"),
      count: fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 300_000 })),
    }),
};

type KernelKind = Exclude<GuestAction["do"], PlainAction["do"]>;

const KERNEL: { readonly [K in KernelKind]: () => fc.Arbitrary<Of<K>> } = {
  halt: () => fc.record({ do: fc.constant("halt"), ticks: fc.integer({ min: 1, max: 100_000 }) }),
  signal: () =>
    fc.record({ do: fc.constant("signal"), vector: fc.constantFrom(0x40, 0x55, 0x90, 0xef) }),
  map: () =>
    fc.record({
      do: fc.constant("map"),
      page: page(),
      to: page(),
      rights: fc.constantFrom("rw", "rw", "ro", "kernel", "no-execute", "none"),
      flush: fc.constantFrom("invlpg", "cr3", "all"),
    }),
  rewrite: () =>
    fc.record({ do: fc.constant("rewrite"), page: page(), first: fc.nat(), second: fc.nat() }),
  "tell secret": () => fc.constant({ do: "tell secret" }),
  "keep secret": () => fc.record({ do: fc.constant("keep secret"), page: page(), pages: pages() }),
  "as user": () => fc.record({ do: fc.constant("as user"), action: anyOf(PLAIN_KINDS) }),
};

const PLAIN_KINDS = Object.keys(PLAIN) as readonly PlainAction["do"][];

const anyOf = (kinds: readonly PlainAction["do"][]): fc.Arbitrary<PlainAction> =>
  fc.oneof(...kinds.map((kind): fc.Arbitrary<PlainAction> => PLAIN[kind]()));

const SECRET_KINDS = ["tell secret", "keep secret"] as const;
export type Kind = GuestAction["do"];
export const KINDS: readonly Kind[] = [
  ...PLAIN_KINDS,
  ...(Object.keys(KERNEL) as readonly KernelKind[]).filter(
    (kind) => !(SECRET_KINDS as readonly string[]).includes(kind),
  ),
];

const anyOfKind = (kind: Kind): fc.Arbitrary<GuestAction> => ({ ...PLAIN, ...KERNEL })[kind]();

/** Swarm testing: each program has some of the kinds only, and those often. */
export const anyProgram = (
  kinds: readonly Kind[] = KINDS,
  length: { readonly min?: number; readonly max?: number } = {},
): fc.Arbitrary<readonly GuestAction[]> =>
  fc
    .uniqueArray(fc.constantFrom(...kinds), { minLength: Math.min(4, kinds.length), maxLength: 9 })
    .chain((some) =>
      fc.array(fc.oneof(...some.map(anyOfKind)), {
        minLength: length.min ?? 2,
        maxLength: length.max ?? 24,
      }),
    );
