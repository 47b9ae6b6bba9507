/** Eventfds that stand for interrupts of a VM, and for writes of its guest: Linux, virt/kvm/eventfd.c. */

import type { Errno } from "../linux/errno.ts";
import type { Eventfd } from "../linux/eventfd.ts";
import { SOURCE } from "./irqchip/irqchip.ts";
import type { DeviceData } from "./emulate.ts";
import type { Vm } from "./vm.ts";

interface Irqfd {
  readonly file: Eventfd;
  readonly gsi: number;
  readonly wake: () => void;
}

/** Where a write of the guest signals. */
export interface WritePlace {
  readonly space: DeviceData["space"];
  readonly address: bigint;
  /** 0 for any. */
  readonly size: number;
  /** The value, or null for any. */
  readonly match: bigint | null;
}

interface Ioeventfd extends WritePlace {
  readonly file: Eventfd;
}

export class VmEventfds {
  readonly #vm: Vm;
  #irqfds: readonly Irqfd[] = [];
  #ioeventfds: readonly Ioeventfd[] = [];

  constructor(vm: Vm) {
    this.#vm = vm;
  }

  /** Each signal is an edge of the line. */
  assign(file: Eventfd, gsi: number): Errno | null {
    if (this.#irqfds.some((one) => one.file === file)) return "EBUSY";
    const interrupt = (): void => {
      for (const level of [1, 0]) this.#vm.irqchip?.setIrq(gsi, level, SOURCE.irqfd);
    };
    const wake = (): void => {
      file.read();
      interrupt();
    };
    file.watch(wake);
    // A signal from before is an edge too; whoever reads next has it as well.
    if (file.isReadable) interrupt();
    this.#irqfds = [...this.#irqfds, { file, gsi, wake }];
    return null;
  }

  deassign(file: Eventfd, gsi: number): null {
    const gone = this.#irqfds.filter((one) => one.file === file && one.gsi === gsi);
    for (const { wake } of gone) file.unwatch(wake);
    this.#irqfds = this.#irqfds.filter((one) => !gone.includes(one));
    return null;
  }

  attach(file: Eventfd, place: WritePlace): Errno | null {
    if (this.#ioeventfds.some((one) => collides(one, place))) return "EEXIST";
    this.#ioeventfds = [...this.#ioeventfds, { ...place, file }];
    return null;
  }

  detach(file: Eventfd, place: WritePlace): Errno | null {
    const found = this.#ioeventfds.find((one) => one.file === file && isSame(one, place));
    if (found === undefined) return "ENOENT";
    this.#ioeventfds = this.#ioeventfds.filter((one) => one !== found);
    return null;
  }

  /** True when a write of the guest was one that signals. */
  take({ space, address, size, value }: DeviceData): boolean {
    const found = this.#ioeventfds.find(
      (one) =>
        one.space === space &&
        one.address === BigInt(address) &&
        (one.size === 0 || (one.size === size && (one.match ?? value) === value)),
    );
    found?.file.signal();
    return found !== undefined;
  }

  release(): void {
    for (const { file, gsi } of this.#irqfds) this.deassign(file, gsi);
    this.#ioeventfds = [];
  }
}

const isSame = (a: WritePlace, b: WritePlace): boolean =>
  a.space === b.space && a.address === b.address && a.size === b.size && a.match === b.match;

/** A write could be for both. */
const collides = (a: WritePlace, b: WritePlace): boolean =>
  a.space === b.space &&
  a.address === b.address &&
  (a.size === 0 ||
    b.size === 0 ||
    (a.size === b.size && (a.match === null || b.match === null || a.match === b.match)));
