/**
 * The tree of control groups, who is in which, and its interface files: Linux, Documentation/admin-guide/cgroup-v2.rst.
 * Not modelled: cgroup.subtree_control (every controller is on everywhere), so that the rule of no internal processes
 * has nothing to forbid, and the types of threaded groups: any thread may be moved by itself.
 */

import type { Cell } from "../../sim/snapshot.ts";
import type { World } from "../../sim/world.ts";
import { type Errno, isErrno } from "../errno.ts";
import { writeAsked } from "./administration.ts";
import type { Controller, Controllers } from "./controllers.ts";
import { INTERFACE_FILES } from "./index.ts";
import type { InterfaceFile } from "./interface-file.ts";

/** Of the group that is always there. */
export const ROOT = 0;
const NOBODY = -1;

interface Group {
  readonly name: string;
  readonly parent: number;
  children: number[];
}

interface Member {
  readonly task: number;
  group: number;
}

interface CgroupState {
  /** By number; null where a group was removed, whose number goes to the next. */
  groups: (Group | null)[];
  /** By number of the task; -1 for one that is not there. */
  tasks: number[];
  /** By number of the thread; null for one that is over. */
  threads: (Member | null)[];
}

export class Cgroups {
  readonly #cell: Cell<CgroupState>;
  readonly #controllers: Controllers;
  readonly #told: readonly Controller[];

  /** To be made while the world is built. Adds the component `cgroups`, behind the prefix, which takes the input `write`. */
  constructor(world: World, prefix: string, controllers: Controllers) {
    const name = `${prefix}cgroups`;
    this.#cell = world.registry.plain<CgroupState>(name, {
      groups: [{ name: "", parent: NOBODY, children: [] }],
      tasks: [],
      threads: [],
    });
    this.#controllers = controllers;
    this.#told = Object.values<Controller>({ ...controllers });
    world.add({ name, handlers: { write: (payload) => writeAsked(this, name, payload) } });
  }

  /** mkdir(2): the number of the group. */
  create(parent: number, name: string): number | Errno {
    const above = this.#group(parent);
    if (above === null) return "ENOENT";
    if (name === "" || /[/\n]/.test(name) || name === "." || name === "..") return "EINVAL";
    if (isFile(name) || this.#child(parent, name) !== undefined) return "EEXIST";
    const { groups } = this.#cell.value;
    const free = groups.indexOf(null);
    const group = free < 0 ? groups.length : free;
    groups[group] = { name, parent, children: [] };
    above.children.push(group);
    for (const controller of this.#told) controller.created(group, parent);
    return group;
  }

  /** rmdir(2). */
  remove(group: number): Errno | null {
    const removed = this.#group(group);
    if (removed === null) return "ENOENT";
    const isUsed = removed.children.length > 0 || this.membersOf(group).length > 0;
    if (group === ROOT || isUsed || this.threadsOf(group).length > 0) return "EBUSY";
    for (const controller of this.#told) controller.removed(group);
    const above = this.#group(removed.parent);
    if (above !== null) above.children = above.children.filter((child) => child !== group);
    this.#cell.value.groups[group] = null;
    return null;
  }

  /** By a path as `/machine/vm1`. */
  find(path: string): number | Errno {
    let group: number | undefined = ROOT;
    for (const name of path.split("/")) {
      if (name === "") continue;
      group = this.#child(group, name);
      if (group === undefined) return "ENOENT";
    }
    return group;
  }

  path(group: number): string {
    const names: string[] = [];
    for (let at = group; at !== ROOT; at = this.parentOf(at))
      names.unshift(this.#group(at)?.name ?? "");
    return `/${names.join("/")}`;
  }

  exists(group: number): boolean {
    return this.#group(group) !== null;
  }

  /** The root's own is the root. */
  parentOf(group: number): number {
    return Math.max(ROOT, this.#group(group)?.parent ?? ROOT);
  }

  /** In the order in which they were made. */
  childrenOf(group: number): readonly number[] {
    return this.#group(group)?.children ?? [];
  }

  /** A new task, in the group of who made it. */
  addTask(task: number, group = ROOT): void {
    const { tasks } = this.#cell.value;
    while (tasks.length < task) tasks.push(NOBODY);
    tasks[task] = group;
    for (const controller of this.#told) controller.attached?.(task, group);
  }

  /** It is no member any more, and has no threads. */
  removeTask(task: number): void {
    this.#cell.value.tasks[task] = NOBODY;
    for (const [thread, member] of this.#cell.value.threads.entries())
      if (member?.task === task) this.removeThread(thread);
  }

  /** A new thread, in its task's group. */
  addThread(thread: number, task: number): void {
    const { threads } = this.#cell.value;
    while (threads.length < thread) threads.push(null);
    const group = Math.max(ROOT, this.groupOf(task));
    threads[thread] = { task, group };
    if (group !== ROOT) for (const controller of this.#told) controller.moved?.(thread, group);
  }

  removeThread(thread: number): void {
    this.#cell.value.threads[thread] = null;
  }

  /** A task and all its threads: cgroup.procs. */
  attach(task: number, group: number): Errno | null {
    if (!this.exists(group)) return "ENOENT";
    if (this.groupOf(task) === NOBODY) return "ESRCH";
    this.#cell.value.tasks[task] = group;
    for (const controller of this.#told) controller.attached?.(task, group);
    for (const [thread, member] of this.#cell.value.threads.entries())
      if (member?.task === task) this.attachThread(thread, group);
    return null;
  }

  /** One thread, whose task stays: cgroup.threads. */
  attachThread(thread: number, group: number): Errno | null {
    if (!this.exists(group)) return "ENOENT";
    const member = this.#cell.value.threads[thread] ?? null;
    if (member === null) return "ESRCH";
    if (member.group === group) return null;
    member.group = group;
    for (const controller of this.#told) controller.moved?.(thread, group);
    return null;
  }

  /** -1 for a task that is not there. */
  groupOf(task: number): number {
    return this.#cell.value.tasks[task] ?? NOBODY;
  }

  groupOfThread(thread: number): number {
    return this.#cell.value.threads[thread]?.group ?? ROOT;
  }

  /** Tasks, by number. */
  membersOf(group: number): readonly number[] {
    return [...this.#cell.value.tasks.keys()].filter((task) => this.groupOf(task) === group);
  }

  threadsOf(group: number): readonly number[] {
    const { threads } = this.#cell.value;
    return [...threads.keys()].filter((thread) => threads[thread]?.group === group);
  }

  /** What an interface file says. */
  read(group: number, file: string): { readonly text: string } | Errno {
    const row = this.#file(group, file);
    if (isErrno(row)) return row;
    return { text: row.read({ ...this.#controllers, cgroups: this }, group) };
  }

  /** What the kernel answers to a write. */
  write(group: number, file: string, text: string): Errno | null {
    const row = this.#file(group, file);
    if (isErrno(row)) return row;
    if (row.write === undefined) return "EACCES";
    return row.write({ ...this.#controllers, cgroups: this }, group, text.trim());
  }

  #file(group: number, file: string): InterfaceFile | Errno {
    if (!this.exists(group)) return "ENOENT";
    const row = INTERFACE_FILES.find(({ name }) => name === file);
    if (row === undefined || (group === ROOT && !row.isOnRoot)) return "ENOENT";
    return row;
  }

  #group(group: number): Group | null {
    return this.#cell.value.groups[group] ?? null;
  }

  #child(group: number, name: string): number | undefined {
    return this.childrenOf(group).find((child) => this.#group(child)?.name === name);
  }
}

const isFile = (name: string): boolean => INTERFACE_FILES.some((file) => file.name === name);
