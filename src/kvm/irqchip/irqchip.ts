/**
 * The interrupt controllers in the module: the chips of a PC, wired as on one, with a local APIC for each vCPU. Linux,
 * Documentation/virt/kvm/api.rst, "KVM_CREATE_IRQCHIP"; arch/x86/kvm/irq_comm.c.
 */

import { ApicBus } from "../../hw/boards/apic-bus.ts";
import { AddressMap, type Place } from "../../hw/boards/address-map.ts";
import { readParts, writeParts } from "../../hw/boards/backplane.ts";
import { part, type Part, type Window } from "../../hw/boards/board.ts";
import { ISA_PORTS } from "../../hw/boards/isa.ts";
import { PlacedChip } from "../../hw/boards/placed-chip.ts";
import { PLACES } from "../../hw/boards/places.ts";
import { acknowledgePics, type I8259, i8259 } from "../../hw/chips/i8259.ts";
import type { BusMessage } from "../../hw/chips/interrupt-message.ts";
import { type Ioapic, ioapic } from "../../hw/chips/ioapic.ts";
import { type Lapic, lapic } from "../../hw/chips/lapic.ts";
import { messageOf } from "../../hw/chips/pci/message.ts";
import type { AccessSize } from "../../hw/chips/socket.ts";
import type { Cell } from "../../sim/snapshot.ts";
import type { Vcpu } from "../vcpu.ts";
import type { Vm } from "../vm.ts";
import { Pit } from "./pit.ts";
import { DEFAULT_ROUTES, type MsiRoute, type Route } from "./routing.ts";

const PORTS = ISA_PORTS.filter(({ part: name }) => name === "pic1" || name === "pic2");
const MEMORY: readonly Window[] = [{ at: PLACES.ioapic, size: 0x1000, part: "ioapic" }];

/** In the page of a local APIC. */
const EOI = 0xb0;

/** Who drives an input: it is asserted while any of them does. */
export const SOURCE = { user: 1, pit: 2, irqfd: 4 } as const;

interface Lines {
  routes: readonly Route[];
  /** By input, the sources that assert it. */
  sources: Record<string, number>;
}

export class Irqchip {
  readonly bus: ApicBus;
  readonly pics: readonly [PlacedChip<I8259>, PlacedChip<I8259>];
  readonly ioapic: PlacedChip<Ioapic>;
  readonly #vm: Vm;
  readonly #vcpus: Vcpu[] = [];
  readonly #lapics: PlacedChip<Lapic>[] = [];
  readonly #ports = new AddressMap(PORTS);
  readonly #addresses = new AddressMap(MEMORY);
  readonly #lines: Cell<Lines>;
  #pit: Pit | null = null;

  constructor(vm: Vm) {
    this.#vm = vm;
    this.#lines = vm.world.registry.plain<Lines>(`${vm.name}.lines`, {
      routes: DEFAULT_ROUTES,
      sources: {},
    });
    this.pics = [
      this.#place<I8259>("pic1", part(i8259, { sp: 1 }), (_pin, level) => this.#tellLint0(level)),
      this.#place<I8259>("pic2", part(i8259, { sp: 0 }), (_pin, level) => {
        this.pics[0].input("ir2", level);
      }),
    ];
    this.ioapic = this.#place<Ioapic>("ioapic", part(ioapic), () => undefined);
    this.bus = new ApicBus(this.#vcpus, this.#lapics, [this.ioapic]);
  }

  get pit(): Pit | null {
    return this.#pit;
  }

  createPit(): void {
    this.#pit = new Pit(this.#vm, (level) => this.setIrq(0, level, SOURCE.pit));
  }

  /** The local APIC of a vCPU, whose index is its place among those of the VM. */
  add(vcpu: Vcpu): void {
    const index = this.#vcpus.push(vcpu) - 1;
    const apic = this.#place<Lapic>(
      `lapic${vcpu.id}`,
      part(lapic, { id: vcpu.id }),
      (pin, level) => {
        if (level === 0) return;
        if (pin === "event") this.bus.takeEvents(index);
        else if (pin === "intr") vcpu.kick();
        else if (vcpu.state.pv.isEoiOffered) vcpu.interrupt();
      },
      index,
    );
    this.#lapics.push(apic);
    apic.input("lint0", this.pics[0].isAsserted("int") ? 1 : 0);
  }

  lapic(index: number): PlacedChip<Lapic> {
    return this.#lapics[index] as PlacedChip<Lapic>;
  }

  // Lines and messages.

  get routes(): readonly Route[] {
    return this.#lines.value.routes;
  }

  set routes(routes: readonly Route[]) {
    this.#lines.value.routes = routes;
  }

  /** A line of the table has this level now, as far as one source goes; a message leaves with each assertion. */
  setIrq(gsi: number, level: number, source: number): void {
    for (const route of this.routes) {
      if (route.gsi !== gsi) continue;
      if (route.to === "msi") {
        if (level !== 0) this.sendMsi(route);
      } else this.#setPin(route.to, route.pin, level, source);
    }
  }

  /** False when the message is for nobody's controller. */
  sendMsi({ addressLow, addressHigh, data }: Omit<MsiRoute, "gsi" | "to">): boolean {
    const message = messageOf(addressLow, addressHigh, data);
    if (message === null) return false;
    this.bus.send(message, null);
    return true;
  }

  isAsserted(index: number): boolean {
    return this.#lapics[index]?.isAsserted("intr") === true;
  }

  /** The interrupt acknowledge cycle: the vector. */
  acknowledge(index: number): number {
    return this.bus.acknowledge(index) ?? acknowledgePics(this.pics[0], this.pics[1], 0);
  }

  /** As a write of EOI. */
  endInterrupt(index: number): void {
    this.lapic(index).write(EOI, 4, 0);
  }

  // Accesses of vCPUs: null, and false, when it is none of these chips'.

  readPort(port: number, size: AccessSize): number | null {
    const place = this.#ports.find(port);
    if (place !== null) return this.#chip(place).read(place.offset, size);
    return this.#pit?.readPort(port, size) ?? null;
  }

  writePort(port: number, size: AccessSize, value: number): boolean {
    const place = this.#ports.find(port);
    if (place === null) return this.#pit?.writePort(port, size, value) === true;
    this.#chip(place).write(place.offset, size, value);
    return true;
  }

  readMemory(index: number, address: number, size: number): bigint | null {
    const local = this.bus.at(index, address);
    if (local !== null)
      return readParts(size, (at, count) => local.apic.read(local.offset + at, count));
    const place = this.#addresses.find(address);
    if (place === null) return null;
    return readParts(size, (at, count) => this.#chip(place).read(place.offset + at, count));
  }

  writeMemory(index: number, address: number, size: number, value: bigint): boolean {
    const local = this.bus.at(index, address);
    const place = this.#addresses.find(address);
    if (local === null && place === null) return false;
    writeParts(size, value, (at, count, word) => {
      if (local !== null) this.bus.write(index, local.apic, local.offset + at, count, word);
      else if (place !== null) this.#chip(place).write(place.offset + at, count, word);
    });
    return true;
  }

  #chip({ part: name }: Place): PlacedChip {
    const chip = name === "ioapic" ? this.ioapic : this.pics[name === "pic1" ? 0 : 1];
    return chip;
  }

  #setPin(to: "pic1" | "pic2" | "ioapic", pin: number, level: number, source: number): void {
    const { sources } = this.#lines.value;
    const name = `${to}.${pin}`;
    const before = sources[name] ?? 0;
    const now = level === 0 ? before & ~source : before | source;
    sources[name] = now;
    const value = now === 0 ? 0 : 1;
    if (to === "ioapic") this.ioapic.input(`intin${pin}`, value);
    else this.pics[to === "pic1" ? 0 : 1].input(`ir${pin}`, value);
  }

  #tellLint0(level: number): void {
    for (const apic of this.#lapics) apic.input("lint0", level);
  }

  #place<State extends object>(
    name: string,
    of: Part,
    wire: (pin: string, level: number) => void,
    sender: number | null = null,
  ): PlacedChip<State> {
    return new PlacedChip<State>(this.#vm.world, `${this.#vm.name}.${name}`, of, {
      wire: (pin, isAsserted) => wire(pin, isAsserted ? 1 : 0),
      message: (message: BusMessage) => this.bus.send(message, sender),
    });
  }
}
