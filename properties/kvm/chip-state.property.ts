/** Laws of the controllers' state as user space gets and sets it. */

import fc from "fast-check";
import { must, VENDORS } from "../support/kvm-guest.ts";
import { anyBytes, anyChannel, IrqGuest, NO_CHIP, word } from "../support/kvm-irqs.ts";
import { difference } from "../support/kvm-state.ts";
import { law } from "../support/law.ts";

const HLT = 0xf4;
const IOAPIC = 2;
const [IRR, TABLE] = [16, 24] as const;
const [LEVEL, REMOTE_IRR] = [0x80, 0x40] as const;

law("a-level-that-waits-is-sent-when-it-is-set", {
  says: "Of an I/O APIC that user space sets, each pin that is asserted and not masked sends its interrupt, but for a level that has been sent already; what has been sent as an edge is not in the state that user space gets.",
  cites:
    "Linux, Documentation/virt/kvm/api.rst, KVM_SET_IRQCHIP; arch/x86/kvm/ioapic.c, kvm_ioapic_inject_all",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    pins: fc.array(
      fc.record({
        isAsserted: fc.boolean(),
        isLevel: fc.boolean(),
        isSent: fc.boolean(),
        isMasked: fc.boolean(),
      }),
      { minLength: 24, maxLength: 24 },
    ),
  },
  runs: 30,
  holds: ({ vendor, pins }) => {
    const guest = new IrqGuest(vendor, 1);
    guest.prepare();
    const chip = [...NO_CHIP];
    for (const [pin, { isAsserted, isLevel, isSent, isMasked }] of pins.entries()) {
      if (isAsserted) chip[IRR + (pin >> 3)] = (chip[IRR + (pin >> 3)] ?? 0) | (1 << (pin & 7));
      const trigger = isLevel ? LEVEL | (isSent ? REMOTE_IRR : 0) : 0;
      chip.splice(TABLE + 8 * pin, 3, 0x40 + pin, trigger, isMasked ? 1 : 0);
    }
    must(guest.ofVm("KVM_SET_IRQCHIP", { chip_id: IOAPIC, chip }));
    const expected = pins.flatMap(({ isAsserted, isLevel, isSent, isMasked }, pin) =>
      isAsserted && !isMasked && !(isLevel && isSent) ? [0x40 + pin] : [],
    );
    const sent = guest.requested(0);
    if (sent.join() !== expected.join()) throw new Error(`${sent.join()}, not ${expected.join()}`);
    const { chip: got } = must(guest.ofVm("KVM_GET_IRQCHIP", { chip_id: IOAPIC, chip: NO_CHIP }));
    return pins.every(({ isAsserted, isLevel }, pin) => {
      const isShown = (((got[IRR + (pin >> 3)] ?? 0) >> (pin & 7)) & 1) === 1;
      return isShown === (isAsserted && isLevel);
    });
  },
});

const [ICR_LOW, ICR_HIGH] = [0xfee0_0300, 0xfee0_0310] as const;
/** mov edx, at; mov dword [rdx], value */
const store = (at: number, value: number): readonly number[] => [
  0xba,
  ...word(at),
  0xc7,
  2,
  ...word(value),
];
/** In the interrupt command register. */
const [INIT, STARTUP] = [0x4500, 0x4600] as const;
const [UNINITIALIZED, INIT_RECEIVED, RUNNABLE] = [1, 2, 0] as const;

law("the-state-of-a-processor-tells-what-has-come", {
  says: "KVM_GET_MP_STATE tells of an INIT and of a startup that have come to a vCPU which has not run since, and its code segment is the vector's.",
  cites:
    "Linux, Documentation/virt/kvm/api.rst, KVM_GET_MP_STATE; SDM Vol. 3, MP Initialization Protocol Algorithm",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    messages: fc.array(fc.option(fc.nat(255), { freq: 2 }), { maxLength: 6 }),
    looks: fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
  },
  runs: 40,
  holds: ({ vendor, messages, looks }) => {
    const guest = new IrqGuest(vendor, 2);
    guest.prepare();
    guest.start(0, { code: Uint8Array.of(HLT) });
    const look = (): number => must(guest.of(1, "KVM_GET_MP_STATE", null)).mp_state;
    let [state, selector] = [UNINITIALIZED as number, -1];
    for (const [i, vector] of messages.entries()) {
      const low = vector === null ? INIT : STARTUP | vector;
      guest.exits([...store(ICR_HIGH, 1 << 24), ...store(ICR_LOW, low)]);
      if (vector === null) state = INIT_RECEIVED;
      else if (state === INIT_RECEIVED) [state, selector] = [RUNNABLE, vector << 8];
      if ((looks[i] === true || vector !== null) && look() !== state)
        throw new Error(`message ${i}: not ${state}`);
    }
    if (look() !== state) return false;
    const { cs } = must(guest.of(1, "KVM_GET_SREGS", null));
    return state !== RUNNABLE || cs.selector === selector;
  },
});

/** An access of the guest: to a port, a register of the local APIC, an entry of the I/O APIC, or IA32_TSC_DEADLINE. */
type Access =
  | { readonly to: "deadline"; readonly value: number }
  | { readonly to: "port"; readonly at: number; readonly value: number | null }
  | { readonly to: "memory"; readonly at: number; readonly value: number | null };

const [LAPIC, IOREGSEL, IOWIN] = [0xfee0_0000, 0xfec0_0000, 0xfec0_0010] as const;
const [PIT_PORTS, PIC_PORTS] = [
  [0x40, 0x41, 0x42, 0x43, 0x61],
  [0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1],
] as const;
const anyValueOf = (value: fc.Arbitrary<number>) => fc.option(value, { freq: 3 });
const anyPort = (ports: readonly number[]): fc.Arbitrary<readonly Access[]> =>
  fc
    .tuple(fc.constantFrom(...ports), anyValueOf(fc.nat(0xff)))
    .map(([at, value]) => [{ to: "port", at, value }]);
const anyRegister = (
  at: readonly number[],
  value: fc.Arbitrary<number>,
): fc.Arbitrary<readonly Access[]> =>
  fc
    .tuple(fc.constantFrom(...at), anyValueOf(value))
    .map(([offset, written]) => [{ to: "memory", at: LAPIC + offset, value: written }]);
const anyVectorOr = (bits: readonly number[]): fc.Arbitrary<number> =>
  fc
    .tuple(fc.integer({ min: 0x30, max: 0xff }), fc.subarray([...bits]))
    .map(([vector, set]) => set.reduce((all, bit) => all | bit, vector));
/** Masks, levels, and modes of the timer. */
const anyLvt = anyVectorOr([0x1_0000, 0x8000]);
const anyTimer = anyVectorOr([0x1_0000, 0x2_0000, 0x4_0000]);
const anyAccess = (): fc.Arbitrary<readonly Access[]> =>
  fc.oneof(
    { weight: 4, arbitrary: anyPort(PIT_PORTS) },
    { weight: 2, arbitrary: anyPort(PIC_PORTS) },
    fc.tuple(fc.integer({ min: 16, max: 23 }), anyLvt).map(([pin, value]): readonly Access[] => [
      { to: "memory", at: IOREGSEL, value: 2 * pin + 16 },
      { to: "memory", at: IOWIN, value },
    ]),
    anyRegister([0x80, 0xb0, 0xd0, 0xe0, 0x280], fc.nat(0xff)),
    anyRegister([0x320], anyTimer),
    anyRegister([0x350, 0x360], anyLvt),
    anyRegister([0x380], fc.oneof(fc.nat(100_000), fc.nat(2 ** 31 - 1))),
    anyRegister([0x3e0], fc.nat(15)),
    fc.nat(400_000).map((value): readonly Access[] => [{ to: "deadline", value }]),
    // Vectors that there are not: errors that ESR does not show yet.
    anyRegister([0x300], fc.constant(0x4_0005)),
    anyRegister([0x300], anyVectorOr([0x4_0000])),
    anyRegister([0xf0], fc.constant(0x1ff)),
  );

/** mov ecx, 6e0h; mov eax, value; xor edx, edx; wrmsr. Or mov edx, at; then OUT, IN, or MOV to or from memory. */
function codeOf(made: Access): readonly number[] {
  if (made.to === "deadline")
    return [0xb9, ...word(0x6e0), 0xb8, ...word(made.value), 0x31, 0xd2, 0x0f, 0x30];
  const { to, at, value } = made;
  const access =
    to === "port"
      ? value === null
        ? [0xec]
        : [0xb0, value, 0xee]
      : value === null
        ? [0x8b, 2]
        : [0xc7, 2, ...word(value)];
  return [0xba, ...word(at), ...access];
}

const SPEAKER = 0x61;
const READ_PORTS = [SPEAKER, ...PIC_PORTS, 0x40, 0x41, 0x42];
const FIRST_REGISTERS = [0x80, 0xa0, 0xd0, 0xe0, 0xf0, 0x280, 0x300, 0x310] as const;
const READ_REGISTERS = [...FIRST_REGISTERS, 0x320, 0x350, 0x360, 0x370, 0x380, 0x390, 0x3e0];
/** What the guest can read is put where RBP points to; a write of ESR comes before it is read. */
const LOOK = [
  ...store(LAPIC + 0x280, 0),
  ...READ_PORTS.flatMap((at, i) => [0xba, ...word(at), 0xec, 0x88, 0x45, i]),
  ...READ_REGISTERS.flatMap((at, i) => {
    const [from, to] = [word(LAPIC + at), word(0x20 + 4 * i)];
    return [0xba, ...from, 0x8b, 2, 0x89, 0x85, ...to];
  }),
];
/** sti; jmp $ */
const TAKE = [0xfb, 0xeb, 0xfe];
/** More than all of it takes. */
const LOOK_CYCLES = 200_000;

/** So many come only where a level stays that nothing ends; how many then come is a matter of time. */
const STORM = 40;

/** What a guest reads, and the interrupts that it has taken. */
function lookFromInside(guest: IrqGuest) {
  const read = guest.perform([...LOOK, ...TAKE], LOOK_CYCLES);
  return { read, taken: guest.taken(0).slice(0, STORM) };
}

/** One-shot, and by a deadline that is not set: what the timer of one VM did is nothing to the other's. */
const counting = (count: number): readonly Access[] => [
  { to: "memory", at: LAPIC + 0x320, value: 0x31 },
  { to: "memory", at: LAPIC + 0x380, value: count },
];
const WITHOUT_DEADLINE: readonly Access[] = [{ to: "memory", at: LAPIC + 0x320, value: 0x4_0032 }];

/** Gate and speaker, as the guest has left them. */
const speakerOf = (accesses: readonly Access[]): number =>
  3 &
  (accesses.findLast((one) => "at" in one && one.at === SPEAKER && one.value !== null)?.value ?? 0);

/** Longer than what is left of a timer that was in use before. */
const LAST_WAIT = 100_000;

/** Nobody runs meanwhile. */
const pass = ({ host: { world } }: IrqGuest, cycles: number): void =>
  world.runUntil(world.now + cycles);

law("controllers-are-what-was-set", {
  says: "Whatever user space sets the controllers to is taken, and whatever a guest then does with them: what user space gets and sets in another VM is got there as it was, and from then on both go on alike, interrupt by interrupt, and their guests read the same and take the same interrupts.",
  cites:
    "Linux, Documentation/virt/kvm/api.rst, KVM_GET_IRQCHIP, KVM_SET_IRQCHIP, KVM_GET_PIT2, KVM_SET_PIT2, KVM_GET_LAPIC, KVM_SET_LAPIC, KVM_GET_MP_STATE, KVM_SET_MP_STATE",
  forAll: {
    vendor: fc.constantFrom(...VENDORS),
    hostile: fc.option(
      fc.record({
        chips: fc.tuple(anyBytes(512), anyBytes(512), anyBytes(512)),
        channels: fc.array(anyChannel(), { minLength: 3, maxLength: 3 }),
        regs: anyBytes(0x400),
        mp: fc.nat(3),
      }),
      { freq: 1 },
    ),
    accesses: fc.array(anyAccess(), { maxLength: 40, size: "+1" }),
    before: fc.array(anyAccess(), { maxLength: 12, size: "+1" }),
    left: fc.option(fc.integer({ min: 1, max: 20_000 }), { freq: 1 }),
    lines: fc.array(fc.tuple(fc.constantFrom(3, 5, 10, 16, 17, 18, 19, 20), fc.nat(1)), {
      maxLength: 6,
    }),
    waits: fc.array(fc.integer({ min: 0, max: 200_000 }), { minLength: 1, maxLength: 6 }),
  },
  runs: 80,
  holds: ({ vendor, hostile, accesses, before, left, lines, waits }) => {
    const guest = new IrqGuest(vendor, 1);
    const other = new IrqGuest(vendor, 1, guest.host, guest.kvm);
    for (const one of [guest, other]) {
      one.prepare();
      one.start(0, { code: Uint8Array.of(HLT) });
    }
    const own = [...accesses.flat(), ...(left === null ? [] : WITHOUT_DEADLINE)];
    // What has been set to anything may have sent the vCPU an INIT.
    if (hostile === null) guest.exits(own.flatMap(codeOf));
    else {
      const { chips, channels, regs, mp } = hostile;
      guest.setChips({ ...guest.chips(), chips, pit: { channels, flags: 0 }, lapic: { regs }, mp });
    }
    for (const [irq, level] of lines) must(guest.ofVm("KVM_IRQ_LINE", { irq, level }));
    const shut = (one: IrqGuest): void => {
      for (const [irq] of lines) must(one.ofVm("KVM_IRQ_LINE", { irq, level: 0 }));
    };
    pass(guest, waits[0] ?? 0);
    other.exits([...before.flat(), ...(left === null ? [] : counting(left))].flatMap(codeOf));
    const saved = guest.chips();
    for (const one of [guest, other]) one.setChips(saved);
    const lost = difference(saved, other.chips());
    if (lost !== null) throw new Error(`set${lost}`);
    for (const cycles of [...waits, LAST_WAIT]) {
      const [here, there] = [guest.chips(), other.chips()];
      const differs = difference(here, there);
      if (differs !== null) throw new Error(`the other: ${differs}`);
      pass(guest, cycles);
      if (hostile !== null) continue;
      const [mine, its] = [guest, other].map((one) => {
        shut(one);
        return lookFromInside(one);
      });
      const seen = difference(mine, its);
      if (seen !== null) throw new Error(`inside: ${seen}`);
      if (((mine?.read[0] ?? 0) & 3) !== speakerOf(own)) throw new Error("gate and speaker");
      if (mine?.taken.length === STORM) break;
    }
    return true;
  },
});
