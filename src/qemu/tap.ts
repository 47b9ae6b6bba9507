/** The open file of a guest's tap, which a VMM is given: what the guest sends is written to it, and what comes is read. Linux, Documentation/networking/tuntap.rst; QEMU, -netdev tap,fd=. */

import { isErrno } from "../linux/errno.ts";
import { MAY } from "../linux/fs/file.ts";
import { TUNGETIFF } from "../linux/net/tun-device.ts";
import { call } from "../linux/syscalls/index.ts";
import type { Task } from "../linux/task.ts";
import { InputError } from "../sim/assert.ts";

export class Tap {
  readonly #task: Task;
  readonly #descriptor: number;

  /** Throws InputError when it is no tap. */
  constructor(task: Task, descriptor: number) {
    this.#task = task;
    this.#descriptor = descriptor;
    const given = { fd: descriptor, command: TUNGETIFF, argument: 0 };
    const answer = call(task.kernel, task.id, "ioctl", given);
    if (isErrno(answer)) throw new InputError(`tap: TUNGETIFF: ${answer}`);
  }

  /** Whether a frame may go out. */
  get mayWrite(): boolean {
    return this.#task.mayTransfer(this.#descriptor, MAY.WRITE) === null;
  }

  get mayRead(): boolean {
    return this.#task.mayTransfer(this.#descriptor, MAY.READ) === null;
  }
}
