/**
 * The disks of a guest, between its virtio devices and the host: a request waits in the throttle group of its disk, if it
 * has one, and then goes to the host's disk. QEMU, docs/throttle.txt; QMP, block_set_io_throttle.
 */

import type { DiskRequest } from "../hw/chips/virtio/block.ts";
import type { BlockDevice } from "../linux/block/block-device.ts";
import type { CachedDisk } from "../linux/block/cached-disk.ts";
import { fieldsOf, wholeOf } from "../linux/fields.ts";
import { type AlarmState, newAlarm, setAlarm } from "../sim/alarm.ts";
import { InputError } from "../sim/assert.ts";
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
  readonly disks: readonly CachedDisk[];
  readonly throttling: readonly GroupOfDisks[];
}

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
  readonly #files: readonly number[];
  readonly #cell: Cell<DisksState>;

  /**
   * To be made while the world is built. Adds the component `throttle`, behind the prefix, which takes the input
   * `limits`. `complete` is told of what is done; `wake` that `release` is to be called; `groupOf` says which control
   * group the VMM is in.
   */
  constructor(
    world: World,
    prefix: string,
    parameters: DisksParameters,
    vmm: { complete(disk: number, number: number): void; wake(): void; groupOf(): number },
  ) {
    const { device, disks, throttling } = parameters;
    this.#world = world;
    this.#name = `${prefix}throttle`;
    this.#parameters = parameters;
    this.#cell = world.registry.plain<DisksState>(this.#name, {
      groups: throttling.map(({ limits, disks: members }) =>
        newThrottleGroup<Waiting>(limits, members.length),
      ),
      ...newAlarm(),
    });
    this.#files = disks.map((disk, number) =>
      device.attach({
        groupOf: () => vmm.groupOf(),
        disk,
        complete: (tag) => vmm.complete(number, tag),
      }),
    );
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
      this.#parameters.device.submit(this.#files[disk] ?? 0, number, request);
      return;
    }
    const member = this.#parameters.throttling[at]?.disks.indexOf(disk) ?? 0;
    addToGroup(group, member, { ...request, disk, number }, this.#now(group));
    this.release();
  }

  /** Lets go on what may. */
  release(): void {
    const { device } = this.#parameters;
    for (const group of this.#cell.value.groups) {
      const now = this.#now(group);
      for (let next = takeFromGroup(group, now); next !== null; next = takeFromGroup(group, now)) {
        const { disk, number, ...request } = next;
        device.submit(this.#files[disk] ?? 0, number, request);
      }
    }
    this.#schedule();
  }

  /** Nobody waits for it any more. */
  cancel(disk: number, number: number): void {
    for (const group of this.#cell.value.groups)
      dropFromGroup(group, (one) => one.number === number);
    this.#parameters.device.cancel(this.#files[disk] ?? 0, number);
    this.#schedule();
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
