/**
 * The disks of a guest, between its virtio devices and the host: a request waits in the throttle group of its disk, if it
 * has one, and then goes to the host's disk, if the VMM may read or write its file. QEMU, docs/throttle.txt; QMP,
 * block_set_io_throttle.
 */

import type { DiskRequest } from "../hw/chips/virtio/block.ts";
import type { BlockDevice } from "../linux/block/block-device.ts";
import type { StoredImage } from "../linux/block/stored-image.ts";
import { isErrno } from "../linux/errno.ts";
import { fieldsOf, wholeOf } from "../linux/fields.ts";
import { MAY, O } from "../linux/fs/file.ts";
import { call } from "../linux/syscalls/index.ts";
import type { Task } from "../linux/task.ts";
import { type AlarmState, newAlarm, setAlarm } from "../sim/alarm.ts";
import { assert, InputError } from "../sim/assert.ts";
import type { Json, Plain } from "../sim/data.ts";
import type { Cell } from "../sim/snapshot.ts";
import { type Cycles, NEVER } from "../sim/time.ts";
import type { World } from "../sim/world.ts";
import {
  addToGroup,
  changeGroup,
  dropFromGroup,
  groupDeadline,
  LIMIT_NAMES,
  type LeakyLimit,
  newThrottleGroup,
  takeFromGroup,
  type ThrottleGroup,
  type ThrottleLimits,
} from "./throttle.ts";

/** Disks by their numbers, and what they may do together. */
export interface GroupOfDisks {
  readonly disks: readonly number[];
  readonly limits: ThrottleLimits;
}

export interface DisksParameters {
  /** Where the disks are. */
  readonly device: BlockDevice;
  readonly images: readonly StoredImage[];
  readonly throttling: readonly GroupOfDisks[];
}

/** Whose disks they are. */
interface Vmm {
  readonly task: Task;
  /** Told of what is done, and of what cannot be. */
  complete(disk: number, number: number): void;
  fail(disk: number, number: number): void;
  /** `release` is to be called. */
  wake(): void;
  /** Of its control group. */
  groupOf(): number;
}

/** What is asked of the file for each kind of request: Linux, fs/read_write.c, rw_verify_area; fs/open.c, vfs_fallocate. */
const ACCESS: Readonly<Record<DiskRequest["kind"], number>> = {
  read: MAY.READ,
  write: MAY.WRITE,
  discard: MAY.WRITE,
  flush: 0,
};

interface Waiting extends DiskRequest {
  readonly disk: number;
  readonly number: number;
}

interface DisksState extends AlarmState {
  groups: ThrottleGroup<Waiting>[];
}

export class Disks {
  readonly #world: World;
  readonly #name: string;
  readonly #parameters: DisksParameters;
  readonly #vmm: Vmm;
  /** As the host's disk calls them, and the VMM's descriptors of them. */
  readonly #files: readonly { readonly stored: number; readonly descriptor: number }[];
  readonly #cell: Cell<DisksState>;

  /**
   * To be made while the world is built. Adds the component `throttle`, behind the prefix, which takes the input
   * `limits`. Throws InputError for an image that the VMM may not open.
   */
  constructor(world: World, prefix: string, parameters: DisksParameters, vmm: Vmm) {
    const { device, images, throttling } = parameters;
    this.#world = world;
    this.#name = `${prefix}throttle`;
    this.#parameters = parameters;
    this.#vmm = vmm;
    this.#cell = world.registry.plain<DisksState>(this.#name, {
      groups: throttling.map(({ limits, disks: members }) =>
        newThrottleGroup<Waiting>(limits, members.length),
      ),
      ...newAlarm(),
    });
    this.#files = images.map(({ disk, path }, number) => ({
      stored: device.attach({
        groupOf: () => vmm.groupOf(),
        disk,
        complete: (tag) => vmm.complete(number, tag),
      }),
      descriptor: opened(vmm.task, path, disk.isReadOnly),
    }));
    world.add({
      name: this.#name,
      handlers: {
        deadline: () => {
          this.#cell.value.due = null;
          vmm.wake();
        },
        limits: (payload) => this.#change(payload),
      },
    });
  }

  submit(disk: number, number: number, request: DiskRequest): void {
    const at = this.#parameters.throttling.findIndex(({ disks }) => disks.includes(disk));
    const group = this.#cell.value.groups[at];
    if (group === undefined) {
      this.#ask(disk, number, request);
      return;
    }
    const member = this.#parameters.throttling[at]?.disks.indexOf(disk) ?? 0;
    addToGroup(group, member, { ...request, disk, number }, this.#now(group));
    this.release();
  }

  /** Lets go on what may. */
  release(): void {
    for (const group of this.#cell.value.groups) {
      const now = this.#now(group);
      for (let next = takeFromGroup(group, now); next !== null; next = takeFromGroup(group, now)) {
        const { disk, number, ...request } = next;
        this.#ask(disk, number, request);
      }
    }
    this.#schedule();
  }

  /** Nobody waits for it any more. */
  cancel(disk: number, number: number): void {
    for (const group of this.#cell.value.groups)
      dropFromGroup(group, (one) => one.number === number);
    this.#parameters.device.cancel(this.#files[disk]?.stored ?? 0, number);
    this.#schedule();
  }

  /** What the VMM may not do to its file is an error of the disk to the guest. */
  #ask(disk: number, number: number, request: DiskRequest): void {
    const file = this.#files[disk];
    assert(file !== undefined, "a request is for a disk that is there");
    const refused = this.#vmm.task.mayTransfer(file.descriptor, ACCESS[request.kind]);
    if (refused === null) this.#parameters.device.submit(file.stored, number, request);
    else this.#vmm.fail(disk, number);
  }

  /** `{group, limits}` */
  #change(payload: Plain): void {
    const { groups } = this.#cell.value;
    const fields = fieldsOf(payload as Json, this.#name, ["group", "limits"]);
    const number = wholeOf(fields["group"], `${this.#name}: group`, 0, groups.length - 1);
    const limits = limitsOf(fields["limits"] ?? {}, this.#name);
    const group = groups[number];
    if (group !== undefined) changeGroup(group, limits, this.#now(group));
    this.#schedule();
  }

  #now({ at }: ThrottleGroup<Waiting>): Cycles {
    return Math.max(this.#world.now, at);
  }

  #schedule(): void {
    const state = this.#cell.value;
    const first = Math.min(...state.groups.map((group) => groupDeadline(group) ?? NEVER));
    setAlarm(this.#world, this.#name, state, first === NEVER ? null : first);
  }
}

function opened(task: Task, path: string, isReadOnly: boolean): number {
  const flags = (isReadOnly ? O.RDONLY : O.RDWR) | O.CLOEXEC;
  const descriptor = call(task.kernel, task.id, "open", { path, flags });
  if (isErrno(descriptor)) throw new InputError(`${path}: cannot be opened: ${descriptor}`);
  return descriptor;
}

/** A list of `{disks, limits}`, each disk in one group at most. */
export function throttlingOf(
  given: Json,
  diskCount: number,
  place: string,
): readonly GroupOfDisks[] {
  if (!Array.isArray(given)) throw new InputError(`${place}: expected a list of throttle groups`);
  const seen = new Set<number>();
  return given.map((group: Json, i) => {
    const here = `${place}: group ${i}`;
    const { disks = [], limits = {} } = fieldsOf(group, here, ["disks", "limits"]);
    if (!Array.isArray(disks)) throw new InputError(`${here}: disks is a list of numbers`);
    const numbers = disks.map((disk: Json) => wholeOf(disk, `${here}: disks`, 0, diskCount - 1));
    for (const number of numbers) {
      if (seen.has(number)) throw new InputError(`${here}: disk ${number} is in a group already`);
      seen.add(number);
    }
    return { disks: numbers, limits: limitsOf(limits, here) };
  });
}

const RATE_MAX = 2 ** 40;
const LENGTH_MAX = 3600;

function limitsOf(given: Json, place: string): ThrottleLimits {
  const fields = fieldsOf(given, place, LIMIT_NAMES);
  return Object.fromEntries(
    Object.entries(fields).map(([name, limit]) => [name, limitOf(limit, `${place}: ${name}`)]),
  );
}

/** "The burst is above the average, and its length counts with a burst only." */
function limitOf(given: Json, place: string): LeakyLimit {
  const fields = fieldsOf(given, place, ["avg", "max", "length"]);
  const avg = wholeOf(fields["avg"], `${place}: avg`, 1, RATE_MAX);
  const max = wholeOf(fields["max"] ?? 0, `${place}: max`, 0, RATE_MAX);
  if (max > 0 && max < avg) throw new InputError(`${place}: max is not below avg`);
  const length = wholeOf(fields["length"] ?? 1, `${place}: length`, 1, LENGTH_MAX);
  return { avg, max, length };
}
