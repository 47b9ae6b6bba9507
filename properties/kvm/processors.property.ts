/** Laws of several vCPUs: how they start, and what wakes them. */

import fc from "fast-check";
import { CONSOLE, ENDED, host, machine, multiboot, World } from "../../src/api/index.ts";
import { law } from "../support/law.ts";
import { VENDORS } from "../support/kvm-guest.ts";

/** Real-mode code of the others lies at their startup vector, then their handler of NMIs, and what both count. */
const [HANDLER, STARTED, WOKEN] = [0x80, 0x100, 0x104] as const;

const bytes = (value: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, i) => (value >>> (8 * i)) & 0xff);
/** mov dword [address], value */
const store = (address: number, value: number): readonly number[] => [
  0xc7,
  0x05,
  ...bytes(address, 4),
  ...bytes(value, 4),
];
/** pause; cmp dword [address], value; jne to PAUSE */
const waitFor = (address: number, value: number): readonly number[] => [
  0xf3,
  0x90,
  0x81,
  0x3d,
  ...bytes(address, 4),
  ...bytes(value, 4),
  0x75,
  0xf2,
];
const copy = (address: number, code: readonly number[]): readonly number[] =>
  Array.from({ length: Math.ceil(code.length / 4) }, (_, i) => {
    const [a = 0, b = 0, c = 0, d = 0] = code.slice(4 * i, 4 * i + 4);
    return store(address + 4 * i, (a | (b << 8) | (c << 16) | (d << 24)) >>> 0);
  }).flat();

/** mov dx, 3F8h; mov al, letter; out dx, al */
const print = (letter: string): readonly number[] => [
  0xba,
  0xf8,
  0x03,
  0xb0,
  letter.codePointAt(0) ?? 0,
  0xee,
];
/** lock inc dword cs:[offset] */
const count = (offset: number): readonly number[] => [
  0x2e,
  0x66,
  0xf0,
  0xff,
  0x06,
  ...bytes(offset, 2),
];
/** …; hlt; jmp to HLT */
const OTHERS = [...print("B"), ...count(STARTED), 0xf4, 0xeb, 0xfd];
const NMI_HANDLER = [0x50, 0x52, ...print("N"), ...count(WOKEN), 0x5a, 0x58, 0xcf];

const [SVR, ICR] = [0xfee0_00f0, 0xfee0_0300] as const;
/** To all but itself. */
const [INIT, STARTUP, NMI] = [0xc_4500, 0xc_4600, 0xc_4400] as const;

interface Start {
  readonly cpus: number;
  readonly vector: number;
  readonly startups: number;
  readonly nmis: number;
}

function program({ cpus, vector, startups, nmis }: Start): Uint8Array {
  const at = vector << 12;
  return multiboot([
    ...copy(at, OTHERS),
    ...copy(at + HANDLER, NMI_HANDLER),
    // The vector of NMIs: segment and offset.
    ...store(8, ((vector << 8) << 16) | HANDLER),
    ...store(at + STARTED, 0),
    ...store(at + WOKEN, 0),
    ...store(SVR, 0x1ff),
    ...store(ICR, INIT),
    ...Array.from({ length: startups }, () => store(ICR, STARTUP | vector)).flat(),
    ...waitFor(at + STARTED, cpus - 1),
    ...Array.from({ length: nmis }, (_, i) => [
      ...store(ICR, NMI),
      ...waitFor(at + WOKEN, (i + 1) * (cpus - 1)),
    ]).flat(),
    0xb0,
    0x03,
    0xe6,
    0xf4,
    0xf4,
  ]);
}

/** The letters in their order, and how it ended. */
function run(world: World): string {
  const letters: string[] = [];
  const ends: string[] = [];
  world.trace.attach({
    event({ type, fields }) {
      if (type.name === CONSOLE.name) letters.push(String.fromCharCode(fields["byte"] as number));
      if (type.name === ENDED.name)
        ends.push(`${String(fields["kind"])} ${String(fields["code"])}`);
    },
  });
  for (let i = 0; i < 200 && ends.length === 0; i += 1) world.runUntil(world.now + 5_000_000);
  world.release();
  return `${letters.toSorted().join("")} ${ends.join()}`;
}

law("processors-start-and-wake-as-on-a-machine", {
  says: "After INIT and one startup IPI or more, each other vCPU begins once at the vector's page, on whichever physical CPUs, one or many, its thread runs; halted, it is woken by each NMI: as on a machine of its own.",
  cites:
    "SDM Vol. 3, MP Initialization Protocol Algorithm for MP Systems; Linux, Documentation/virt/kvm/api.rst, KVM_GET_MP_STATE",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    cpus: fc.integer({ min: 2, max: 4 }),
    hostCpus: fc.integer({ min: 1, max: 3 }),
    vector: fc.integer({ min: 1, max: 0x8f }),
    startups: fc.integer({ min: 1, max: 2 }),
    nmis: fc.nat(3),
    sliceCycles: fc.constantFrom(700, 10_000),
  },
  runs: 15,
  holds: ({ vendor, hostCpus, sliceCycles, ...start }) => {
    const images = { kernel: program(start) };
    const small = { boot: "multiboot", memoryBytes: 16 << 20, reboot: false, cpus: start.cpus };
    const bare = World.create(machine, {
      config: machine.parse({ ...small, cpu: vendor }),
      images,
      sliceCycles,
      epochCycles: 0,
    });
    const guest = World.create(host, {
      config: host.parse({ host: vendor, cpus: hostCpus, guests: [small], checks: true }),
      images,
      sliceCycles,
      epochCycles: 0,
    });
    const others = start.cpus - 1;
    const wanted = `${"B".repeat(others)}${"N".repeat(others * start.nmis)} exit 7`;
    const seen = [run(bare), run(guest)];
    if (seen.some((one) => one !== wanted)) throw new Error(`${seen.join(", ")}; not ${wanted}`);
    return true;
  },
});
