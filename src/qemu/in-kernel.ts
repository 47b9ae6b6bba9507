/**
 * A board without what KVM has of it: the interrupt controllers and the timer. QEMU, hw/i386/kvm; the lines that led
 * there become numbers, and a table says where each leads.
 */

import type { Board, Net } from "../hw/boards/board.ts";
import { type Pin, pinOf } from "../hw/boards/backplane.ts";
import { IRQCHIP } from "../kvm/ioctls/structures.ts";

/** As struct kvm_irq_routing_entry. */
export interface RoutingEntry {
  readonly gsi: number;
  readonly type: number;
  readonly flags: number;
  readonly u: readonly number[];
}

export interface KernelLines {
  readonly routes: readonly RoutingEntry[];
  /** The number of the line at a pin of the controllers, of the net that it is on. */
  gsiOf(drivers: readonly Pin[]): number;
}

const IN_KERNEL = /^(?:lapic\d+|ioapic|pic1|pic2|pit|port61)$/u;
const OF_PIN = 1;
const NO_OTHERS = [0, 0, 0, 0, 0, 0] as const;

export function withoutIrqchip(board: Board): { readonly board: Board; lines: KernelLines } {
  const isOutside = (name: string): boolean => IN_KERNEL.test(pinOf(name).part);
  const kept = board.nets.filter(({ drivers }) => !drivers.every(isOutside));
  // The timer's line is the first, whoever else has none.
  const timer = board.nets.filter(({ drivers }) => drivers.includes("pit.out0"));
  const lines = [...timer, ...kept.filter(({ loads }) => loads.some(isOutside))];
  return {
    board: {
      ...board,
      parts: Object.fromEntries(
        Object.entries(board.parts).filter(([name]) => !IN_KERNEL.test(name)),
      ),
      ports: board.ports.filter(({ part }) => !IN_KERNEL.test(part)),
      memory: board.memory.filter(({ part }) => !IN_KERNEL.test(part)),
      nets: kept,
    },
    lines: {
      routes: lines.flatMap(({ loads }, gsi) => routesOf(loads.filter(isOutside), gsi)),
      gsiOf: (drivers) => lines.findIndex((net) => isOf(net, drivers)),
    },
  };
}

const isOf = ({ drivers }: Net, pins: readonly Pin[]): boolean =>
  drivers.join() === pins.map(({ part, pin }) => `${part}.${pin}`).join();

function routesOf(loads: readonly string[], gsi: number): readonly RoutingEntry[] {
  return loads.map((load) => {
    const { part, pin } = pinOf(load);
    const chip = part as keyof typeof IRQCHIP;
    const number = Number(pin.replace(/^\D+/u, ""));
    return { gsi, type: OF_PIN, flags: 0, u: [IRQCHIP[chip], number, ...NO_OTHERS] };
  });
}
