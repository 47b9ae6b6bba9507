/** Calls of KVM that a VMM cannot go on without: what they answer, or the end of the VMM. */

import { type Argument, ioctl, openKvm } from "../kvm/ioctls/index.ts";
import type { Caller } from "../kvm/ioctls/ioctl.ts";
import { type Errno, isErrno } from "../linux/errno.ts";
import type { Host } from "../linux/host.ts";
import type { Task } from "../linux/task.ts";
import { assert, InputError } from "../sim/assert.ts";

type Name = Parameters<typeof ioctl>[2];

export class KvmCalls {
  readonly task: Task;
  readonly #host: Host;
  readonly #who: string;

  constructor(host: Host, task: Task, who: string) {
    this.#host = host;
    this.task = task;
    this.#who = who;
  }

  open(): number {
    return this.#checked("/dev/kvm", openKvm(this.task));
  }

  call<N extends Name>(
    descriptor: number,
    name: N,
    argument: Argument<N>,
  ): Exclude<ReturnType<typeof ioctl<N>>, Errno> {
    return this.#checked(name, ioctl(this.#caller(), descriptor, name, argument));
  }

  /** Outside the threads: none of these calls takes time. */
  #caller(): Caller {
    const [cpu] = this.#host.cpus;
    assert(cpu !== undefined, "a host has a CPU");
    return { task: this.task, cpu, limit: Infinity };
  }

  #checked<T>(what: string, answer: T): Exclude<T, Errno> {
    if (isErrno(answer)) throw new InputError(`${this.#who}: ${what}: ${answer}`);
    return answer as Exclude<T, Errno>;
  }
}
