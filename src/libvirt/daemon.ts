/**
 * The manager's daemon: a process of the host that prepares what a guest needs and starts its VMM, which has its own
 * label from its first instruction on. libvirt, src/qemu/qemu_process.c, qemuProcessLaunch; src/util/vircommand.c,
 * virExec. What a VMM is told on its command line is not modelled.
 */

import { type Errno, isErrno } from "../linux/errno.ts";
import { O } from "../linux/fs/file.ts";
import type { Kernel } from "../linux/kernel.ts";
import { TUNSETIFF } from "../linux/net/tun-device.ts";
import { call } from "../linux/syscalls/index.ts";
import type { LabelOfPath } from "../selinux/administration.ts";
import { InputError } from "../sim/assert.ts";
import type { World } from "../sim/world.ts";
import { CategoryLeases } from "./security/category-leases.ts";
import type { DomainDefinition } from "./security/domain-definition.ts";
import type { VirtualContexts } from "./security/domain-labels.ts";
import { HostFiles } from "./security/host-files.ts";
import { SecurityManager } from "./security/security-manager.ts";

/** The program of VMMs. */
export const EMULATOR = "/usr/bin/qemu-system-x86_64";

export interface DaemonParameters {
  readonly kernel: Kernel;
  /** Its process. */
  readonly pid: number;
  /** Its context. */
  readonly own: string;
  readonly contexts: VirtualContexts;
  readonly labelOf: LabelOfPath;
  /** When the host was switched on, in seconds since 1970. */
  readonly boot: number;
}

export interface StartedVmm {
  readonly pid: number;
  /** Its descriptor of its tap, if it has one. */
  readonly tap: number | null;
}

const HOST = "host";

export class Daemon {
  readonly #kernel: Kernel;
  readonly #pid: number;
  readonly #security: SecurityManager;

  /** To be made while the world is built. */
  constructor(world: World, name: string, parameters: DaemonParameters) {
    const { kernel, pid, own, contexts, labelOf, boot } = parameters;
    this.#kernel = kernel;
    this.#pid = pid;
    const files = new HostFiles(kernel, pid, labelOf);
    this.#security = new SecurityManager(world, `${name}.domains`, {
      host: HOST,
      boot,
      leases: new CategoryLeases(world, `${name}.categories`),
      files,
      readHeader: (path) => files.header(path),
      contexts,
      own,
    });
  }

  /** `tap`: the name of its network interface. Throws InputError; then nothing is left of it. */
  start(definition: DomainDefinition, tap: string | null): StartedVmm {
    const { name } = definition;
    const label = this.#security.prepare(definition)?.process ?? null;
    try {
      if (tap === null) return { pid: this.#launch(name, label), tap };
      return this.#withTap(name, tap, (fd) => ({ pid: this.#launch(name, label), tap: fd }));
    } catch (error) {
      this.#security.release(name);
      throw error;
    }
  }

  #launch(name: string, label: string | null): number {
    const pid = must(name, "fork", call(this.#kernel, this.#pid, "fork", null));
    this.#execute(name, pid, label);
    return pid;
  }

  /** Guests may not open a tap. It is open while a VMM is launched, which inherits it. */
  #withTap<T>(name: string, tap: string, launch: (fd: number) => T): T {
    const [kernel, path] = [this.#kernel, "/dev/net/tun"];
    const fd = must(name, path, call(kernel, this.#pid, "open", { path, flags: O.RDWR }));
    try {
      const given = { fd, command: TUNSETIFF, argument: tap };
      must(name, `TUNSETIFF ${tap}`, call(kernel, this.#pid, "ioctl", given));
      return launch(fd);
    } finally {
      call(kernel, this.#pid, "close", { fd });
    }
  }

  /** The child says what it will be, and becomes that. */
  #execute(name: string, pid: number, label: string | null): void {
    const kernel = this.#kernel;
    try {
      if (label !== null) {
        const given = { attribute: "exec", value: label } as const;
        must(name, `label ${label}`, call(kernel, pid, "setprocattr", given));
      }
      must(name, EMULATOR, call(kernel, pid, "execve", { path: EMULATOR }));
    } catch (error) {
      call(kernel, pid, "exit", null);
      throw error;
    }
  }
}

function must(domain: string, what: string, answer: number | Errno): number {
  if (isErrno(answer)) throw new InputError(`domain ${domain}: ${what}: ${answer}`);
  return answer;
}
