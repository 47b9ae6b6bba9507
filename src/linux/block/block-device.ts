/**
 * The disk of a host in its world: its state is registered, its next deadline is an event. Files on it, the disks of
 * guests, lie one behind the other; each request has the control group of its VMM. Linux, Documentation/block/,
 * Documentation/admin-guide/cgroup-v2.rst, "IO".
 */

import type { DiskRequest } from "../../hw/chips/virtio/block.ts";
import { type AlarmState, newAlarm, setAlarm } from "../../sim/alarm.ts";
import type { Cell } from "../../sim/snapshot.ts";
import type { World } from "../../sim/world.ts";
import type { IoController, IoUser } from "../cgroups/io-controller.ts";
import {
  type BlockLayer,
  blockDeadline,
  ensureGroup,
  newBlockLayer,
  settleBlocks,
  submit,
  withdraw,
} from "./block-layer.ts";
import type { CachedDisk } from "./cached-disk.ts";
import type { DiskParameters } from "./disk.ts";
import { changeIoMax, type IoMax } from "./io-max.ts";
import { changeShare } from "./io-weight.ts";

/** A disk of a guest, and who is told what is done. */
export interface StoredFile {
  /** The control group of who asks. */
  readonly groupOf: () => number;
  readonly disk: CachedDisk;
  readonly complete: (tag: number) => void;
}

interface DeviceState extends AlarmState {
  layer: BlockLayer;
  /** Requests that are not done: whose they are, and what those call them. */
  waiting: { readonly id: number; readonly file: number; readonly tag: number }[];
  nextId: number;
}

export interface DeviceParts {
  readonly disk: DiskParameters;
  /** What groups may have of it. */
  readonly io: IoController;
}

export class BlockDevice implements IoUser {
  readonly name: string;
  /** That of the first SCSI disk: Linux, Documentation/admin-guide/devices.txt. */
  readonly device = "8:0";
  readonly #world: World;
  readonly #io: IoController;
  readonly #files: { readonly file: StoredFile; readonly start: number }[] = [];
  readonly #cell: Cell<DeviceState>;
  #end = 0;

  /**
   * To be made while the world is built. Adds the component `name`, which suffers `power-cut`; `onPowerCut` is told then
   * that the host has no power.
   */
  constructor(world: World, name: string, { disk, io }: DeviceParts, onPowerCut: () => void) {
    this.name = name;
    this.#world = world;
    this.#io = io;
    io.user = this;
    this.#cell = world.registry.plain<DeviceState>(name, {
      layer: newBlockLayer(disk, []),
      waiting: [],
      nextId: 0,
      ...newAlarm(),
    });
    world.add({
      name,
      handlers: {
        deadline: () => {
          this.#cell.value.due = null;
          this.#settle();
        },
      },
      faults: {
        "power-cut": () => {
          this.#lose();
          onPowerCut();
        },
      },
    });
  }

  /** Puts a file on the disk: what `submit` calls it. */
  attach(file: StoredFile): number {
    const number = this.#files.push({ file, start: this.#end }) - 1;
    this.#end += file.disk.sectors;
    return number;
  }

  maxChanged(group: number, max: IoMax): void {
    this.#grow(group);
    this.#settle();
    const { layer } = this.#cell.value;
    const throttled = layer.throttled[group];
    if (throttled !== undefined) changeIoMax(throttled, max, layer.at);
    this.#settle();
  }

  weightChanged(group: number, weight: number): void {
    this.#grow(group);
    this.#settle();
    changeShare(this.#cell.value.layer.shares, group, weight);
  }

  /** A request for a file; its `complete` is told the tag when it is done. */
  submit(file: number, tag: number, request: DiskRequest): void {
    const stored = this.#files[file];
    if (stored === undefined) return;
    const state = this.#cell.value;
    const id = state.nextId;
    state.nextId += 1;
    state.waiting = [...state.waiting, { id, file, tag }];
    const now = Math.max(this.#world.now, state.layer.at);
    const group = stored.file.groupOf();
    this.#grow(group);
    submit(state.layer, { ...request, id, group, sector: stored.start + request.sector }, now);
    this.#schedule();
  }

  /** Nobody waits for it any more. */
  cancel(file: number, tag: number): void {
    const state = this.#cell.value;
    const isIt = (one: DeviceState["waiting"][number]): boolean =>
      one.file === file && one.tag === tag;
    for (const { id } of state.waiting.filter(isIt)) withdraw(state.layer, id);
    state.waiting = state.waiting.filter((one) => !isIt(one));
    this.#schedule();
  }

  #grow(group: number): void {
    ensureGroup(this.#cell.value.layer, group, (one) => {
      const { max, weight, deviceWeight } = this.#io.settings(one);
      return { max, weight: deviceWeight ?? weight };
    });
  }

  #settle(): void {
    const state = this.#cell.value;
    const done = settleBlocks(state.layer, Math.max(this.#world.now, state.layer.at));
    const ids = new Set(done.map(({ request }) => request.id));
    const told = done.flatMap(({ request }) => state.waiting.filter(({ id }) => id === request.id));
    state.waiting = state.waiting.filter(({ id }) => !ids.has(id));
    for (const { file, tag } of told) this.#files[file]?.file.complete(tag);
    this.#schedule();
  }

  /** What the disk has in its hands is not done; of what its cache held, parts are. Limits stay. */
  #lose(): void {
    const state = this.#cell.value;
    const stream = this.#world.random(`${this.name} power-cut`);
    for (const { file } of this.#files) file.disk.powerCut(stream);
    for (const { id } of state.waiting) withdraw(state.layer, id);
    state.layer.disk.flight = [];
    state.waiting = [];
    this.#schedule();
  }

  #schedule(): void {
    const state = this.#cell.value;
    setAlarm(this.#world, this.name, state, blockDeadline(state.layer));
  }
}
