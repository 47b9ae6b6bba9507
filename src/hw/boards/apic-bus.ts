/**
 * The local APICs of a machine's processors and the I/O APICs, as the processors and the devices find them. SDM Vol. 3,
 * "Advanced Programmable Interrupt Controller (APIC)", sections "Local APIC" and "System Bus Vs. APIC Bus".
 */

import { deliver, targetsOf } from "../chips/lapic-bus.ts";
import type { BusMessage } from "../chips/interrupt-message.ts";
import { EXTINT, isXapic, type Lapic, LAPIC_EVENT } from "../chips/lapic.ts";
import { readLapicMsr, writeLapicMsr } from "../chips/lapic-msr.ts";
import type { AccessSize } from "../chips/socket.ts";
import type { PlacedChip } from "./placed-chip.ts";

const PAGE_BYTES = 0x1000;

/** Whose local APIC it is. */
export interface ApicOwner {
  /** What is added to the cycles to get the time-stamp counter. */
  readonly timeStampOffset: bigint;
  /** CR8 is to be this. */
  showTaskPriority(value: number): void;
  signal(event: "nmi" | "init"): void;
  startup(vector: number): void;
}

export class ApicBus {
  readonly #processors: readonly ApicOwner[];
  /** By number of their processor. */
  readonly #apics: readonly PlacedChip<Lapic>[];
  readonly #ioapics: readonly PlacedChip[];

  constructor(
    processors: readonly ApicOwner[],
    apics: readonly PlacedChip<Lapic>[],
    ioapics: readonly PlacedChip[],
  ) {
    this.#processors = processors;
    this.#apics = apics;
    this.#ioapics = ioapics;
  }

  /** Carries a message; `sender` is the number of a processor, or null for an I/O APIC or a device. */
  send(message: BusMessage, sender: number | null): void {
    if ("eoi" in message) {
      for (const ioapic of this.#ioapics) ioapic.input("eoi", message.eoi);
      return;
    }
    const states = this.#apics.map(({ state }) => state);
    for (const target of targetsOf(message, states, sender))
      deliver(message, this.#apics[target] as PlacedChip<Lapic>, 0);
  }

  /** The processor's own APIC, when the address lies in its page; null when not. */
  at(cpu: number, address: number): { readonly apic: PlacedChip<Lapic>; offset: number } | null {
    const apic = this.#apics[cpu];
    if (apic === undefined || !isXapic(apic.state)) return null;
    const offset = address - (apic.state.base - (apic.state.base % PAGE_BYTES));
    return offset >= 0 && offset < PAGE_BYTES ? { apic, offset } : null;
  }

  write(
    cpu: number,
    apic: PlacedChip<Lapic>,
    offset: number,
    size: AccessSize,
    value: number,
  ): void {
    apic.write(offset, size, value);
    this.#followPriority(cpu, apic);
  }

  readMsr(cpu: number, number: number): bigint | null {
    const apic = this.#apics[cpu];
    return apic === undefined ? null : readLapicMsr(apic, number, 0);
  }

  writeMsr(cpu: number, number: number, value: bigint): boolean {
    const apic = this.#apics[cpu];
    if (apic === undefined || !writeLapicMsr(apic, number, value, 0)) return false;
    this.#followPriority(cpu, apic);
    return true;
  }

  baseChanged(cpu: number, value: bigint): void {
    this.#apics[cpu]?.input("base", Number(value));
  }

  taskPriorityChanged(cpu: number, value: number): void {
    this.#apics[cpu]?.input("cr8", value);
  }

  /** Deadlines of the APIC's timer are times of the time-stamp counter. */
  timeStampCounterMoved(cpu: number): void {
    const processor = this.#processors[cpu];
    if (processor === undefined) return;
    const offset = processor.timeStampOffset;
    this.#apics[cpu]?.input("tscHigh", Number(offset >> 32n));
    this.#apics[cpu]?.input("tscLow", Number(offset & 0xffff_ffffn));
  }

  /** The vector, or null when the external controller gives it. */
  acknowledge(cpu: number): number | null {
    const vector = this.#apics[cpu]?.input("inta", 0) ?? EXTINT;
    return vector === EXTINT ? null : vector;
  }

  /** Hands what an APIC has for its processor to it. */
  takeEvents(cpu: number): void {
    const processor = this.#processors[cpu];
    const events = this.#apics[cpu]?.input("take", 0) ?? 0;
    if (processor === undefined) return;
    if ((events & LAPIC_EVENT.init) !== 0) processor.signal("init");
    if ((events & LAPIC_EVENT.startup) !== 0) processor.startup((events >> 8) & 0xff);
    if ((events & LAPIC_EVENT.nmi) !== 0) processor.signal("nmi");
  }

  /** CR8 shows bits 7 to 4 of TPR. */
  #followPriority(cpu: number, { state }: PlacedChip<Lapic>): void {
    this.#processors[cpu]?.showTaskPriority(state.tpr >> 4);
  }
}
