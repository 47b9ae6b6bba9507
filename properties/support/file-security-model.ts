/**
 * What a host with SELinux answers about files, written from what is asked where: every step says which permissions it
 * needs, and whether it is refused. Types are words; nothing is cached but what Linux keeps with an open file.
 */

import { type FakePolicy, rule } from "./fake-security-server.ts";

/** An open file, shared by descriptors. */
interface Description {
  /** Null: the null device of SELinux. */
  readonly path: string | null;
  readonly uses: readonly string[];
  /** Whose it is, and what was granted at its opening. */
  readonly owner: string;
  readonly label: string;
  readonly sequence: number;
}

interface ModelTask {
  type: string;
  exec: string | null;
  isSecure: boolean;
  /** By descriptor. */
  readonly files: (Description | null)[];
}

/** A question: source, target, class, permission. */
type Need = readonly [source: string, target: string, tclass: string, permission: string];

export class FileSecurityModel {
  policy: FakePolicy;
  tasks: ModelTask[];
  labels: Record<string, string>;
  /** Open files that were sent to each task and not received. */
  mail: (readonly Description[])[][];
  readonly #transitions: Readonly<Record<string, string>>;

  constructor(
    policy: FakePolicy,
    types: readonly string[],
    labels: Readonly<Record<string, string>>,
    transitions: Readonly<Record<string, string>>,
  ) {
    this.policy = policy;
    this.tasks = types.map((type) => ({ type, exec: null, isSecure: false, files: [] }));
    this.labels = { ...labels };
    this.mail = types.map(() => []);
    this.#transitions = transitions;
  }

  open(task: number, path: string, uses: readonly string[]): string {
    const { type, files } = this.#task(task);
    const label = this.#label(path);
    if (!this.#may(...this.#way(type, path), ...this.#on(type, path, ...uses, "open")))
      return "EACCES";
    const { sequence } = this.policy;
    place(files, { path, uses, owner: type, label, sequence });
    return "done";
  }

  /** read(2) and write(2). */
  access(task: number, fd: number, direction: "read" | "write"): string {
    const file = this.#file(task, fd);
    if (file === null) return "EBADF";
    const use = file.uses.find((one) => (one === "read") === (direction === "read"));
    if (use === undefined) return "EBADF";
    const { type } = this.#task(task);
    const isFresh =
      file.owner === type &&
      file.label === this.#label(file.path) &&
      file.sequence === this.policy.sequence;
    return isFresh || this.#mayUse(type, file, [use]) ? "done" : "EACCES";
  }

  fstat(task: number, fd: number): string {
    const file = this.#file(task, fd);
    if (file === null) return "EBADF";
    return this.#may(...this.#on(this.#task(task).type, file.path, "getattr")) ? "done" : "EACCES";
  }

  ioctl(task: number, fd: number, command: number): string {
    const file = this.#file(task, fd);
    if (file === null) return "EBADF";
    const uses = ["ioctl", `ioctl-${command % 0x1_0000}`];
    return this.#mayUse(this.#task(task).type, file, uses) ? "ENOTTY" : "EACCES";
  }

  mmap(
    task: number,
    fd: number,
    { isShared, writes, executes }: Readonly<Record<"isShared" | "writes" | "executes", boolean>>,
  ): string {
    const file = this.#file(task, fd);
    if (file === null) return "EBADF";
    const { type } = this.#task(task);
    const needs = ["read"];
    if (writes && isShared) needs.push("write");
    if (executes) needs.push("execute");
    if (!this.#may(...this.#on(type, file.path, "map"))) return "EACCES";
    if (writes && executes && !isShared && !this.#may([type, type, "process", "execmem"]))
      return "EACCES";
    if (!this.#mayUse(type, file, needs)) return "EACCES";
    if (!file.uses.includes("read")) return "EACCES";
    if (writes && isShared && file.uses.length === 1) return "EACCES";
    return file.path === null ? "ENODEV" : "done";
  }

  relabel(task: number, path: string, label: string): string {
    const { type } = this.#task(task);
    const old = this.#label(path);
    const isAllowed = this.#may(
      ...this.#way(type, path),
      [type, old, "file", "relabelfrom"],
      [type, label, "file", "relabelto"],
    );
    if (!isAllowed) return "EACCES";
    if (!this.#may([old, label, "file", `by-${type}`])) return "EPERM";
    if (!this.#may([label, "ext4", "filesystem", "associate"])) return "EACCES";
    this.labels[path] = label;
    return "done";
  }

  setexec(task: number, type: string | null): string {
    const own = this.#task(task);
    if (!this.#may([own.type, own.type, "process", "setexec"])) return "EACCES";
    own.exec = type;
    return "done";
  }

  exec(task: number, path: string): string {
    const own = this.#task(task);
    const { type: old } = own;
    const label = this.#label(path);
    const next = own.exec ?? this.#transitions[`${old} ${label}:process`] ?? old;
    const needs = [...this.#way(old, path), ...this.#on(old, path, "execute", "read", "open")];
    if (next === old) needs.push([old, label, "file", "execute_no_trans"]);
    else needs.push([old, next, "process", "transition"], [next, label, "file", "entrypoint"]);
    if (!this.#may(...needs)) return "EACCES";
    const isOther = next !== old;
    own.isSecure = isOther && !this.#may([old, next, "process", "noatsecure"]);
    const isKept = (file: Description | null): boolean =>
      file === null || !isOther || this.#mayUse(next, file, file.uses);
    const substitute = this.#null(old, next);
    own.files.forEach((file, fd) => {
      if (!isKept(file)) own.files[fd] = substitute;
    });
    own.type = next;
    own.exec = null;
    return "done";
  }

  send(from: number, to: number, fds: readonly number[]): string {
    const files = fds.map((fd) => this.#file(from, fd));
    if (files.some((file) => file === null)) return "EBADF";
    this.mail[to]?.push(files.flatMap((file) => file ?? []));
    return "done";
  }

  /** How many were received. */
  receive(to: number): string {
    const letter = this.mail[to]?.shift();
    if (letter === undefined) return "EAGAIN";
    const { type, files } = this.#task(to);
    const refused = letter.findIndex((file) => !this.#mayUse(type, file, file.uses));
    const received = refused < 0 ? letter : letter.slice(0, refused);
    for (const file of received) place(files, file);
    return `received ${received.length}`;
  }

  close(task: number, fd: number): string {
    if (this.#file(task, fd) === null) return "EBADF";
    this.#task(task).files[fd] = null;
    return "done";
  }

  kill(from: number, to: number, permission: string): string {
    const [source, target] = [this.#task(from).type, this.#task(to).type];
    return this.#may([source, target, "process", permission]) ? "done" : "EACCES";
  }

  /** Opened by what the task will be, for what it is. */
  #null(old: string, next: string): Description | null {
    const needs = ["read", "write", "open"].map((one): Need => [next, "devnull", "chr_file", one]);
    if (!this.#may([next, old, "fd", "use"], ...needs)) return null;
    const { sequence } = this.policy;
    return { path: null, uses: ["read", "write"], owner: old, label: "devnull", sequence };
  }

  #way(type: string, path: string): readonly Need[] {
    const directory = path.startsWith("/bin") ? "bin" : "d";
    return [
      [type, "file", "dir", "search"],
      [type, directory, "dir", "search"],
    ];
  }

  #on(type: string, path: string | null, ...permissions: readonly string[]): readonly Need[] {
    const tclass = path === null ? "chr_file" : "file";
    return permissions.map((one): Need => [type, this.#label(path), tclass, one]);
  }

  #mayUse(type: string, file: Description, uses: readonly string[]): boolean {
    if (file.owner !== type && !this.#may([type, file.owner, "fd", "use"])) return false;
    return this.#may(...this.#on(type, file.path, ...uses));
  }

  #may(...needs: readonly Need[]): boolean {
    if (!this.policy.enforcing) return true;
    const { denied } = this.policy;
    return needs.every((need) => !denied.includes(rule(...need)));
  }

  #label(path: string | null): string {
    return path === null ? "devnull" : (this.labels[path] ?? "file");
  }

  #task(task: number): ModelTask {
    return this.tasks[task] as ModelTask;
  }

  #file(task: number, fd: number): Description | null {
    return this.#task(task).files[fd] ?? null;
  }
}

function place(files: (Description | null)[], file: Description): void {
  const free = files.indexOf(null);
  files[free < 0 ? files.length : free] = file;
}
