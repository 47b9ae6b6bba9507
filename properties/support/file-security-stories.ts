/** Steps of tasks with files on a host with SELinux, done by the kernel and by a model. */

import fc from "fast-check";
import { isErrno } from "../../src/linux/errno.ts";
import { O } from "../../src/linux/fs/file.ts";
import type { Kernel } from "../../src/linux/kernel.ts";
import { PROT } from "../../src/linux/mm/mapping.ts";
import type { Process } from "../../src/linux/process.ts";
import { call, type CallName, type Given } from "../../src/linux/syscalls/index.ts";
import { SIG } from "../../src/linux/syscalls/kill.ts";
import { newSocket } from "../../src/linux/unix/socket.ts";
import { selinuxModule } from "../../src/selinux/hooks/index.ts";
import type { RegistrySnapshot } from "../../src/sim/snapshot.ts";
import {
  contextOf,
  type FakePolicy,
  FakeSecurityServer,
  rule,
  type Rule,
} from "./fake-security-server.ts";
import { FileSecurityModel } from "./file-security-model.ts";
import { type HostKernel, newKernel } from "./host-kernel.ts";

const TASKS = ["red", "blue"] as const;
const FILES = ["image", "secret"] as const;
const PATHS = ["/d/a", "/bin/program"] as const;
/** Paths of nodes that are not relabelled here. */
const FIXED = { "/d": "d", "/bin": "bin", "/run": "run" };
const LABELS = { "/d/a": "image", "/bin/program": "secret" };

const FILE_PERMISSIONS =
  "open getattr ioctl ioctl-7 map execute execute_no_trans entrypoint relabelfrom relabelto".split(
    " ",
  );
const PROCESS_PERMISSIONS =
  "transition noatsecure setexec execmem signal sigkill signull sigchld sigstop".split(" ");

/** Descriptors that are tried. */
const FDS = 3;
const SIGNALS = { signal: SIG.TERM, signull: 0, sigchld: SIG.CHLD, sigstop: SIG.STOP };

const anyTask = () => fc.nat(TASKS.length - 1);
const anyType = () => fc.constantFrom(...TASKS);
const anyLabel = () => fc.constantFrom(...FILES);
const anyPath = () => fc.constantFrom(...PATHS);
/** The first most often, since few are open. */
const anyFd = () => fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(FDS - 1));

export const anyRule = (): fc.Arbitrary<Rule> =>
  fc.oneof(
    { weight: 4, arbitrary: ruleOf(anyType(), anyLabel(), "file", ["read", "write", "append"]) },
    { weight: 4, arbitrary: ruleOf(anyType(), anyLabel(), "file", FILE_PERMISSIONS) },
    { weight: 2, arbitrary: ruleOf(anyType(), anyType(), "process", PROCESS_PERMISSIONS) },
    { weight: 2, arbitrary: ruleOf(anyType(), anyType(), "fd", ["use"]) },
    ruleOf(anyType(), fc.constant("devnull"), "chr_file", ["read", "write", "open"]),
    ruleOf(anyType(), fc.constantFrom("file", "d", "bin"), "dir", ["search"]),
    ruleOf(anyLabel(), fc.constant("ext4"), "filesystem", ["associate"]),
    ruleOf(
      anyLabel(),
      anyLabel(),
      "file",
      TASKS.map((type) => `by-${type}`),
    ),
  );

function ruleOf(
  source: fc.Arbitrary<string>,
  target: fc.Arbitrary<string>,
  tclass: string,
  permissions: readonly string[],
): fc.Arbitrary<Rule> {
  return fc
    .tuple(source, target, fc.constantFrom(...permissions))
    .map(([from, to, permission]) => rule(from, to, tclass, permission));
}

/** Which programs change whom into what. */
export const anyTransitions = (): fc.Arbitrary<Readonly<Record<string, string>>> =>
  fc
    .array(fc.tuple(anyType(), anyLabel(), anyType()), { maxLength: 4 })
    .map((rows) =>
      Object.fromEntries(rows.map(([from, to, next]) => [`${from} ${to}:process`, next])),
    );

const STEPS = {
  open: fc.record({
    path: anyPath(),
    flags: fc.constantFrom(O.RDONLY, O.WRONLY, O.RDWR, O.RDWR | O.APPEND),
  }),
  access: fc.record({ fd: anyFd(), direction: fc.constantFrom("read", "write") }),
  fstat: fc.record({ fd: anyFd() }),
  ioctl: fc.record({ fd: anyFd(), command: fc.constantFrom(7, 0x1_0007, 8) }),
  mmap: fc.record({
    fd: anyFd(),
    isShared: fc.boolean(),
    writes: fc.boolean(),
    executes: fc.boolean(),
  }),
  relabel: fc.record({ path: anyPath(), label: anyLabel() }),
  setexec: fc.record({ type: fc.option(anyType()) }),
  exec: fc.record({ path: anyPath() }),
  send: fc.record({ to: anyTask(), fds: fc.constantFrom([0], [0, 1], [1, 0], [0, 2, 1]) }),
  receive: fc.record({}),
  close: fc.record({ fd: anyFd() }),
  kill: fc.record({
    to: anyTask(),
    permission: fc.constantFrom(...(Object.keys(SIGNALS) as (keyof typeof SIGNALS)[])),
  }),
  toggle: fc.record({ rule: anyRule() }),
  enforce: fc.record({ enforcing: fc.boolean() }),
  save: fc.record({}),
  restore: fc.record({ elsewhere: fc.boolean() }),
} as const;

type Steps = {
  [N in keyof typeof STEPS]: (typeof STEPS)[N] extends fc.Arbitrary<infer T> ? T : never;
};
export type Step = {
  [N in keyof Steps]: { readonly what: N; readonly task: number; readonly of: Steps[N] };
}[keyof Steps];

const WEIGHTS: Partial<Record<keyof Steps, number>> = {
  open: 5,
  access: 8,
  toggle: 3,
  relabel: 2,
  mmap: 2,
  enforce: 3,
  send: 3,
  receive: 3,
};

export const anySteps = (): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof(
      ...(Object.keys(STEPS) as (keyof Steps)[]).map((what) => ({
        weight: WEIGHTS[what] ?? 1,
        arbitrary: fc.record({ what: fc.constant(what), task: anyTask(), of: STEPS[what] }),
      })),
    ) as unknown as fc.Arbitrary<Step>,
    { minLength: 4, maxLength: 40, size: "max" },
  );

interface Letter {
  readonly to: number;
  readonly file: number;
}

interface Saved {
  readonly letters: readonly Letter[];
  readonly registry: RegistrySnapshot;
  readonly policy: FakePolicy;
  readonly model: Pick<FileSecurityModel, "tasks" | "labels" | "mail">;
}

/** The kernel beside its model. */
export class FileSecurityStory {
  readonly #server: FakeSecurityServer;
  readonly #model: FileSecurityModel;
  #host: HostKernel;
  #saved: Saved | null = null;
  /** Ends of connections that files were sent to. */
  #mail: readonly Letter[] = [];

  constructor(denied: readonly Rule[], transitions: Readonly<Record<string, string>>) {
    this.#server = new FakeSecurityServer(transitions);
    this.#host = this.#build();
    this.#server.policy = { denied, sequence: 1, enforcing: true };
    this.#model = new FileSecurityModel(this.#server.policy, TASKS, LABELS, transitions);
  }

  /** What the kernel and the model answer. */
  do(step: Step): readonly [kernel: string, model: string] {
    switch (step.what) {
      case "toggle":
      case "enforce":
        this.#setPolicy(step);
        return ["done", "done"];
      case "save":
        this.#save();
        return ["done", "done"];
      case "restore":
        this.#restore(step.of.elsewhere);
        return ["done", "done"];
      default:
        return [this.#kernelDoes(step), modelDoes(this.#model, step)];
    }
  }

  /** What can be seen of the tasks and files: of the kernel and of the model. */
  seen(): readonly [kernel: string, model: string] {
    const { kernel } = this.#host;
    const tasks = TASKS.map((_, task) => this.#process(task));
    const mine = tasks.map((process) => [
      this.#server.typeOf(process.security?.["sid"] ?? 0),
      process.isSecure,
      trimmed(process.descriptors).map((one) => {
        const path = one === null ? "" : kernel.file(one.file).path;
        return path === "/null" ? "null" : path;
      }),
    ]);
    const theirs = this.#model.tasks.map(({ type, isSecure, files }) => [
      type,
      isSecure,
      trimmed(files).map((file) => (file === null ? "" : (file.path ?? "null"))),
    ]);
    return [JSON.stringify(mine), JSON.stringify(theirs)];
  }

  #kernelDoes(step: Exclude<Step, { what: "toggle" | "enforce" | "save" | "restore" }>): string {
    const { task, what, of } = step;
    switch (what) {
      case "open":
        return this.#call(task, "open", of);
      case "access":
        if (of.direction === "read") return this.#call(task, "read", { fd: of.fd, count: 1 });
        return this.#call(task, "write", { fd: of.fd, bytes: Uint8Array.of(1) });
      case "fstat":
      case "close":
        return this.#call(task, what, { fd: of.fd });
      case "ioctl":
        return this.#call(task, "ioctl", { ...of, fd: of.fd, argument: 0 });
      case "mmap":
        return this.#map(task, of);
      case "relabel": {
        const value = contextOf(of.label);
        const given = { path: of.path, name: "security.selinux", value };
        return this.#call(task, "setxattr", given);
      }
      case "setexec": {
        const value = of.type === null ? "" : contextOf(of.type);
        return this.#call(task, "setprocattr", { attribute: "exec", value });
      }
      case "exec":
        return this.#call(task, "execve", of);
      case "send":
        return this.#send(task, of);
      case "receive":
        return this.#receive(task);
      case "kill":
        return this.#call(task, "kill", { pid: of.to + 1, signal: SIGNALS[of.permission] });
    }
  }

  #map(task: number, of: Steps["mmap"]): string {
    const prot = PROT.READ | (of.writes ? PROT.WRITE : 0) | (of.executes ? PROT.EXEC : 0);
    const { isShared } = of;
    return this.#call(task, "mmap", { fd: of.fd, bytes: 1, offset: 0, prot, isShared });
  }

  #send(task: number, { to, fds }: Steps["send"]): string {
    const { kernel } = this.#host;
    const process = this.#process(task);
    const [near, far] = connectedPair(kernel, process);
    const given = { fd: SLOT, bytes: Uint8Array.of(1), fds };
    const answer = withSlot(kernel, process, near, () => this.#call(task, "sendmsg", given));
    if (answer === "done") this.#mail = [...this.#mail, { to, file: far }];
    else kernel.drop(far);
    return answer;
  }

  #receive(task: number): string {
    const { kernel } = this.#host;
    const letter = this.#mail.find(({ to }) => to === task);
    if (letter === undefined) return "EAGAIN";
    this.#mail = this.#mail.filter((one) => one !== letter);
    const answer = withSlot(kernel, this.#process(task), letter.file, () =>
      call(kernel, task + 1, "recvmsg", { fd: SLOT, count: 1 }),
    );
    return isErrno(answer) ? answer : `received ${answer.fds.length}`;
  }

  #call<N extends CallName>(task: number, name: N, given: Given<N>): string {
    const answer: unknown = call(this.#host.kernel, task + 1, name, given);
    return isErrno(answer) ? answer : "done";
  }

  #setPolicy(step: Extract<Step, { what: "toggle" | "enforce" }>): void {
    const { denied, sequence, enforcing } = this.#server.policy;
    if (step.what === "enforce")
      this.#usePolicy({ denied, sequence, enforcing: step.of.enforcing });
    else {
      const { rule: one } = step.of;
      const isDenied = denied.includes(one);
      const next = isDenied ? denied.filter((other) => other !== one) : [...denied, one];
      this.#usePolicy({ denied: next, sequence: sequence + 1, enforcing });
    }
  }

  #usePolicy(policy: FakePolicy): void {
    this.#server.policy = policy;
    this.#model.policy = policy;
  }

  #save(): void {
    const { tasks, labels, mail } = this.#model;
    const registry = this.#host.world.registry.save();
    const { policy } = this.#server;
    this.#saved = {
      registry,
      policy,
      letters: this.#mail,
      model: structuredClone({ tasks, labels, mail }),
    };
  }

  /** In the same world, or in another of the same make. */
  #restore(elsewhere: boolean): void {
    if (this.#saved === null) return;
    const { registry, policy, letters, model } = this.#saved;
    this.#mail = letters;
    if (elsewhere) this.#host = this.#build();
    this.#host.world.registry.load(registry);
    this.#usePolicy(policy);
    Object.assign(this.#model, structuredClone(model));
  }

  #build(): HostKernel {
    const labels = Object.entries({ ...FIXED, ...LABELS }).map(([path, type]) => [
      path,
      contextOf(type),
    ]);
    const host = newKernel(selinuxModule(this.#server), Object.fromEntries(labels));
    for (const type of TASKS) host.kernel.newProcess(type, this.#server.task(type));
    return host;
  }

  #process(task: number): Process {
    return this.#host.kernel.state.processes[task + 1] as Process;
  }
}

function modelDoes(
  model: FileSecurityModel,
  { task, what, of }: Exclude<Step, { what: "toggle" | "enforce" | "save" | "restore" }>,
): string {
  switch (what) {
    case "open":
      return model.open(task, of.path, usesOf(of.flags));
    case "access":
      return model.access(task, of.fd, of.direction);
    case "fstat":
      return model.fstat(task, of.fd);
    case "ioctl":
      return model.ioctl(task, of.fd, of.command);
    case "mmap":
      return model.mmap(task, of.fd, of);
    case "relabel":
      return model.relabel(task, of.path, of.label);
    case "setexec":
      return model.setexec(task, of.type);
    case "exec":
      return model.exec(task, of.path);
    case "send":
      return model.send(task, of.to, of.fds);
    case "receive":
      return model.receive(task);
    case "close":
      return model.close(task, of.fd);
    case "kill":
      return model.kill(task, of.to, of.permission);
  }
}

function usesOf(flags: number): readonly string[] {
  if ((flags & O.APPEND) !== 0) return ["read", "append"];
  return [["read"], ["write"], ["read", "write"]][flags & O.ACCMODE] ?? [];
}

/** Without what is free at the end. */
const trimmed = <T>(list: readonly (T | null)[]): readonly (T | null)[] =>
  list.slice(0, list.findLastIndex((one) => one !== null) + 1);

/** Two ends of a connection, as open files of a process. */
function connectedPair(kernel: Kernel, by: Process): readonly [near: number, far: number] {
  const [near, far] = [newSocket(kernel.newInodeNumber()), newSocket(kernel.newInodeNumber())];
  const files = [near, far].map((socket, i) => {
    socket.state = "connected";
    socket.peer = (i === 0 ? far : near).number;
    kernel.state.sockets[socket.number] = socket;
    const inode = kernel.newSocketInode(socket.number);
    socket.security = { sid: by.security?.["sid"] ?? 0 };
    inode.security = socket.security;
    const { number } = kernel.newFile(by, inode, "", O.RDWR);
    kernel.take(number);
    return number;
  });
  return [files[0] ?? 0, files[1] ?? 0];
}

/** A descriptor for a connection, while it is needed. */
const SLOT = 64;

function withSlot<T>(kernel: Kernel, process: Process, file: number, action: () => T): T {
  while (process.descriptors.length <= SLOT) process.descriptors.push(null);
  process.descriptors[SLOT] = { file, closesOnExec: false };
  const result = action();
  kernel.close(process, SLOT);
  return result;
}
