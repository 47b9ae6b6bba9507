import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { isErrno } from "../../src/linux/errno.ts";
import { O } from "../../src/linux/fs/file.ts";
import type { Kernel } from "../../src/linux/kernel.ts";
import { PROT } from "../../src/linux/mm/mapping.ts";
import { TUNSETIFF } from "../../src/linux/net/tun-device.ts";
import { HOOKS, type HookName } from "../../src/linux/security/security.ts";
import { call, type CallName, type Given, SYSTEM_CALLS } from "../../src/linux/syscalls/index.ts";
import { RecordingModule } from "../support/recording-module.ts";
import { newKernel, succeed } from "../support/host-kernel.ts";

const NAMES = Object.keys(SYSTEM_CALLS) as CallName[];

/** What Linux asks nobody about. */
const SILENT: readonly CallName[] = ["close", "dup", "exit", "lseek", "memfd_create", "munmap"];

/** After these a refusal is no error of the call, or comes when something has happened that stays. */
const PARTIAL: Partial<Record<CallName, readonly HookName[]>> = {
  // A file that was made stays when it may not be opened.
  open: ["fileOpen"],
  // Files become /dev/null, or are closed.
  execve: ["bprmCommittingCreds", "fileOpen"],
  // The bytes are received, and the files are not.
  recvmsg: ["fileReceive"],
};

// DESIGN, The house: the policy is asked through LSM hooks. Linux, include/linux/lsm_hook_defs.h.
describe("system calls and the security module", () => {
  it("are all in the table, by the names of their files", () => {
    const folder = fileURLToPath(new URL("../../src/linux/syscalls", import.meta.url));
    const files = readdirSync(folder)
      .map((file) => file.replace(/\.ts$/, ""))
      .filter((file) => file !== "index" && file !== "system-call");
    expect(files.length).toBeGreaterThan(30);
    expect(NAMES.toSorted()).toEqual(files.toSorted());
    for (const name of NAMES) expect(SYSTEM_CALLS[name].name).toBe(name);
  });

  it("ask, but for those of which Linux asks nothing", () => {
    const silent = NAMES.filter((name) => SYSTEM_CALLS[name].asks.length === 0);
    expect(silent.toSorted()).toEqual(SILENT.toSorted());
  });

  it("together ask every hook that checks", () => {
    const asked = new Set(NAMES.flatMap((name) => SYSTEM_CALLS[name].asks));
    const checking = (Object.keys(HOOKS) as HookName[]).filter((hook) => HOOKS[hook] === "checks");
    expect([...asked].toSorted()).toEqual(checking.toSorted());
  });

  for (const name of NAMES) {
    it(`${name} asks what it says, in this order`, () => {
      const asked = new Set(scenariosOf(name).flatMap((scenario) => run(scenario).asked));
      expect(SYSTEM_CALLS[name].asks).toEqual(expect.arrayContaining([...asked]));
      expect([...asked]).toEqual(expect.arrayContaining([...SYSTEM_CALLS[name].asks]));
    });

    it(`${name} is refused at each of its questions, and nothing is changed`, () => {
      for (const scenario of scenariosOf(name)) {
        const { asked } = run(scenario);
        asked.forEach((hook, number) => {
          const { answer, before, after } = run(scenario, number);
          if (PARTIAL[name]?.includes(hook) === true) return;
          expect([name, hook, answer]).toEqual([name, hook, "EACCES"]);
          expect(after).toEqual(before);
        });
      }
    });
  }
});

// Helpers

interface Run {
  readonly answer: unknown;
  readonly asked: readonly HookName[];
  readonly before: unknown;
  readonly after: unknown;
}

type Scenario<N extends CallName = CallName> = (
  kernel: Kernel,
  pid: number,
  other: number,
) => readonly [name: N, given: Given<N>];

function run(scenario: Scenario, refused: number | null = null): Run {
  const module = new RecordingModule();
  const { kernel } = newKernel(module.hooks);
  const { pid } = kernel.newProcess("one", null);
  const other = kernel.newProcess("other", null).pid;
  const [name, given] = scenario(kernel, pid, other);
  const before = stateOf(kernel);
  module.asked = [];
  module.refused = refused;
  const answer: unknown = call(kernel, pid, name, given as never);
  if (refused === null && isErrno(answer)) throw new Error(`${name}: ${answer}`);
  return { answer, asked: module.asked, before, after: stateOf(kernel) };
}

/** Numbers that were handed out are no change. */
function stateOf({ state }: Kernel): unknown {
  return structuredClone({ ...state, inodeCount: 0, fileCount: 0, processCount: 0 });
}

const scenariosOf = (name: CallName): readonly Scenario[] => SCENARIOS[name];

const opened = (kernel: Kernel, pid: number, path = "/d/a", flags: number = O.RDWR): number =>
  succeed(kernel, pid, "open", { path, flags });

const bytes = Uint8Array.of(1, 2, 3);

/** A listening socket of the other process at /run/socket. */
function listening(kernel: Kernel, other: number): number {
  const fd = succeed(kernel, other, "socket", null);
  succeed(kernel, other, "bind", { fd, path: "/run/socket" });
  succeed(kernel, other, "listen", { fd, backlog: 1 });
  return fd;
}

function connected(kernel: Kernel, pid: number, other: number): readonly [number, number] {
  const server = listening(kernel, other);
  const fd = succeed(kernel, pid, "socket", null);
  succeed(kernel, pid, "connect", { fd, path: "/run/socket" });
  return [fd, succeed(kernel, other, "accept", { fd: server })];
}

function mapped(kernel: Kernel, pid: number, isShared: boolean): number {
  const fd = opened(kernel, pid);
  const given = { fd, bytes: 4096, offset: 0, prot: PROT.READ, isShared };
  return succeed(kernel, pid, "mmap", given);
}

/** What each call is tried with: it succeeds when nobody refuses. */
const SCENARIOS: { readonly [N in CallName]: readonly Scenario<N>[] } = {
  accept: [
    (kernel, pid, other) => {
      const fd = listening(kernel, pid);
      const client = succeed(kernel, other, "socket", null);
      succeed(kernel, other, "connect", { fd: client, path: "/run/socket" });
      return ["accept", { fd }];
    },
  ],
  bind: [(kernel, pid) => ["bind", { fd: succeed(kernel, pid, "socket", null), path: "/run/s" }]],
  close: [(kernel, pid) => ["close", { fd: opened(kernel, pid) }]],
  connect: [
    (kernel, pid, other) => {
      listening(kernel, other);
      return ["connect", { fd: succeed(kernel, pid, "socket", null), path: "/run/socket" }];
    },
  ],
  dup: [(kernel, pid) => ["dup", { fd: opened(kernel, pid) }]],
  execve: [
    (kernel, pid) => {
      opened(kernel, pid);
      return ["execve", { path: "/bin/program" }];
    },
  ],
  exit: [() => ["exit", null]],
  fork: [() => ["fork", null]],
  fstat: [(kernel, pid) => ["fstat", { fd: opened(kernel, pid) }]],
  ftruncate: [(kernel, pid) => ["ftruncate", { fd: opened(kernel, pid), size: 1 }]],
  getprocattr: [(_kernel, _pid, other) => ["getprocattr", { pid: other, attribute: "current" }]],
  getsockopt: [(kernel, pid, other) => ["getsockopt", { fd: connected(kernel, pid, other)[0] }]],
  getxattr: [
    () => ["getxattr", { path: "/d/a", name: "user.x" }],
    () => ["getxattr", { path: "/d/a", name: "security.selinux" }],
    (kernel, pid) => ["getxattr", { fd: opened(kernel, pid), name: "trusted.x" }],
  ],
  ioctl: [
    (kernel, pid) => [
      "ioctl",
      { fd: opened(kernel, pid, "/dev/tun"), command: TUNSETIFF, argument: "tap0" },
    ],
    (kernel, pid, other) => {
      const [first, second] = [pid, other].map((who) => opened(kernel, who, "/dev/tun"));
      const given = { fd: second ?? -1, command: TUNSETIFF, argument: "tap0" };
      succeed(kernel, other, "ioctl", given);
      succeed(kernel, other, "ioctl", { ...given, command: TUNSETIFF + 1, argument: 1 });
      succeed(kernel, other, "close", { fd: second ?? -1 });
      return ["ioctl", { ...given, fd: first ?? -1 }];
    },
  ],
  kill: [(_kernel, _pid, other) => ["kill", { pid: other, signal: 9 }]],
  link: [() => ["link", { from: "/d/a", to: "/d/c" }]],
  listen: [
    (kernel, pid) => {
      const fd = succeed(kernel, pid, "socket", null);
      succeed(kernel, pid, "bind", { fd, path: "/run/s" });
      return ["listen", { fd, backlog: 1 }];
    },
  ],
  listxattr: [() => ["listxattr", { path: "/d/a" }]],
  lseek: [(kernel, pid) => ["lseek", { fd: opened(kernel, pid), offset: 1 }]],
  memfd_create: [() => ["memfd_create", { name: "memory" }]],
  mkdir: [() => ["mkdir", { path: "/d/new" }]],
  mknod: [
    () => ["mknod", { path: "/d/new", kind: "file", driver: null }],
    () => ["mknod", { path: "/d/new", kind: "character", driver: "null" }],
    () => ["mknod", { path: "/d/new", kind: "fifo", driver: null }],
  ],
  mmap: [
    (kernel, pid) => [
      "mmap",
      {
        fd: opened(kernel, pid),
        bytes: 4096,
        offset: 0,
        prot: PROT.READ | PROT.WRITE,
        isShared: true,
      },
    ],
    () => ["mmap", { fd: null, bytes: 4096, offset: 0, prot: PROT.READ, isShared: false }],
  ],
  mprotect: [
    (kernel, pid) => [
      "mprotect",
      { address: mapped(kernel, pid, true), prot: PROT.READ | PROT.WRITE },
    ],
    (kernel, pid) => ["mprotect", { address: mapped(kernel, pid, false), prot: PROT.EXEC }],
  ],
  munmap: [(kernel, pid) => ["munmap", { address: mapped(kernel, pid, true) }]],
  open: [
    () => ["open", { path: "/d/a", flags: O.RDWR }],
    () => ["open", { path: "/d/new", flags: O.CREAT | O.WRONLY }],
    () => ["open", { path: "/d/a", flags: O.CREAT | O.TRUNC | O.WRONLY }],
    () => ["open", { path: "/", flags: O.RDONLY }],
    () => ["open", { path: "/dev/null", flags: 3 }],
  ],
  ptrace: [(_kernel, _pid, other) => ["ptrace", { pid: other }]],
  read: [
    (kernel, pid) => ["read", { fd: opened(kernel, pid), count: 3 }],
    (kernel, pid) => ["read", { fd: opened(kernel, pid, "/dev/null"), count: 3 }],
    (kernel, pid, other) => {
      const [fd, far] = connected(kernel, pid, other);
      succeed(kernel, other, "write", { fd: far, bytes });
      return ["read", { fd, count: 3 }];
    },
  ],
  recvmsg: [
    (kernel, pid, other) => {
      const [fd, far] = connected(kernel, pid, other);
      succeed(kernel, other, "sendmsg", { fd: far, bytes, fds: [opened(kernel, other)] });
      return ["recvmsg", { fd, count: 3 }];
    },
  ],
  removexattr: [
    (kernel, pid) => {
      const named = { path: "/d/a", name: "user.x" };
      succeed(kernel, pid, "setxattr", { ...named, value: "y" });
      return ["removexattr", named];
    },
  ],
  rename: [
    () => ["rename", { from: "/d/a", to: "/d/b" }],
    () => ["rename", { from: "/d/sub", to: "/bin/sub" }],
  ],
  rmdir: [() => ["rmdir", { path: "/d/sub" }]],
  sendmsg: [
    (kernel, pid, other) => {
      const [fd] = connected(kernel, pid, other);
      return ["sendmsg", { fd, bytes, fds: [opened(kernel, pid)] }];
    },
  ],
  setprocattr: [() => ["setprocattr", { attribute: "exec", value: "a:b:c" }]],
  setxattr: [
    () => ["setxattr", { path: "/d/a", name: "security.selinux", value: "a:b:c" }],
    () => ["setxattr", { path: "/d/a", name: "user.x", value: "y" }],
    (kernel, pid) => ["setxattr", { fd: opened(kernel, pid), name: "trusted.x", value: "y" }],
  ],
  socket: [() => ["socket", null]],
  stat: [() => ["stat", { path: "/d/a" }]],
  unlink: [() => ["unlink", { path: "/d/a" }]],
  write: [
    (kernel, pid) => ["write", { fd: opened(kernel, pid), bytes }],
    (kernel, pid) => ["write", { fd: opened(kernel, pid, "/dev/null"), bytes }],
    (kernel, pid, other) => ["write", { fd: connected(kernel, pid, other)[0], bytes }],
  ],
};
