/**
 * Which thread each physical CPU runs. Linux, Documentation/scheduler/sched-eevdf.rst, sched-domains.rst, sched-bwc.rst;
 * kernel/sched/core.c. The fair and the idle class; not there yet: real-time and deadline classes.
 */

import { assert } from "../sim/assert.ts";
import type { Slice } from "../sim/schedule.ts";
import type { World } from "../sim/world.ts";
import type { Cgroups } from "./cgroups/cgroup.ts";
import type { CpuController } from "./cgroups/cpu-controller.ts";
import type { Errno } from "./errno.ts";
import type { HostCpu } from "./host-cpu.ts";
import { LoadBalancer } from "./sched/load-balancer.ts";
import type { Entity } from "./sched/entity.ts";
import { giveUp, reweight } from "./sched/eevdf.ts";
import { selectCpu } from "./sched/placement.ts";
import { isPreempted } from "./sched/preemption.ts";
import { RunQueue } from "./sched/run-queue.ts";
import { loadScheduler, type SavedScheduler, saveScheduler } from "./sched/saved.ts";
import { type ScheduledCpu, tellRan } from "./sched/scheduled-cpu.ts";
import { TaskGroups } from "./sched/task-groups.ts";
import { type Attributes, Thread } from "./sched/thread.ts";
import type { Topology } from "./sched/topology.ts";
import type { Task } from "./task.ts";

/** What has become of a thread that ran: it has reached the limit, waits until somebody wakes it, or is over. */
export type ThreadOutcome = "runs" | "waits" | "exits";

/** What a thread does. All that it knows between two calls is registered state. */
export type ThreadBody<C = HostCpu, T = Task> = (turn: Turn<C, T>) => ThreadOutcome;

/** A thread's time on a CPU. */
export interface Turn<C = HostCpu, T = Task> {
  readonly thread: number;
  readonly task: T;
  readonly cpu: C;
  /** Read anew after each thing that may have posted an event. */
  readonly limit: number;
  /** A signal is pending: calls that wait end with EINTR. */
  readonly hasSignal: boolean;
}

export interface SchedulerParts<C> {
  readonly prefix: string;
  /** In the order of their numbers, from 0 on. */
  readonly cpus: readonly C[];
  readonly topology: Topology;
  readonly cgroups: Cgroups;
  readonly controller: CpuController;
}

interface Job<C, T> {
  readonly name: string;
  readonly task: T;
  readonly body: ThreadBody<C, T>;
}

const NOBODY = -1;

/** Whoever runs alone is looked at as often as with CONFIG_HZ=250, so that it is heard of. */
const TICK = 4_000_000;

class LiveTurn<C, T> implements Turn<C, T> {
  readonly thread: number;
  readonly task: T;
  readonly cpu: C;
  readonly #slice: Slice;
  readonly #rq: RunQueue;
  readonly #thread: Thread;

  constructor(thread: Thread, task: T, cpu: C, slice: Slice, rq: RunQueue) {
    this.thread = thread.number;
    this.task = task;
    this.cpu = cpu;
    this.#slice = slice;
    this.#rq = rq;
    this.#thread = thread;
  }

  get limit(): number {
    return Math.min(this.#slice.limit, this.#rq.until);
  }

  get hasSignal(): boolean {
    return this.#thread.hasSignal;
  }
}

export class Scheduler<C extends ScheduledCpu = HostCpu, T extends { readonly id: number } = Task> {
  readonly #world: World;
  readonly #name: string;
  readonly #cpus: readonly C[];
  readonly #topology: Topology;
  readonly #cgroups: Cgroups;
  readonly #controller: CpuController;
  readonly #queues: readonly RunQueue[];
  readonly #groups: TaskGroups;
  readonly #threads: Thread[] = [];
  readonly #jobs: Job<C, T>[] = [];
  readonly #balancer: LoadBalancer;
  /** The CPU whose thread acts; -1 between turns. */
  #acting = NOBODY;
  /** Told when a thread that ran on a CPU does not any more: Linux, include/linux/preempt.h, preempt notifiers. */
  onSwitchOut: ((cpu: C) => void) | null = null;

  /** To be made while the world is built. */
  constructor(world: World, parts: SchedulerParts<C>) {
    const { prefix, cpus, topology } = parts;
    this.#world = world;
    this.#name = `${prefix}scheduler`;
    this.#cpus = cpus;
    this.#topology = topology;
    this.#cgroups = parts.cgroups;
    this.#controller = parts.controller;
    this.#queues = cpus.map(
      ({ number }) =>
        new RunQueue(number, {
          startPeriod: (group) => this.#groups.startPeriod(group),
          startSlack: (group) => this.#groups.startSlack(group),
        }),
    );
    this.#groups = new TaskGroups(world, this.#name, {
      queues: this.#queues,
      sync: (rq) => this.#sync(rq),
      changed: (rq) => this.#changed(rq),
    });
    this.#balancer = new LoadBalancer(world, this.#name, {
      queues: this.#queues,
      topology,
      allows: ({ thread }, cpu) => this.#thread(thread).allows(cpu),
      move: (entity, from, to) => this.#migrate(this.#threadOf(entity), from, to),
      changed: (rq) => this.#changed(rq),
    });
    this.#register();
    for (const cpu of cpus)
      world.addRunner({ name: cpu.name, run: (slice) => this.#run(cpu, slice) });
  }

  /** A thread that waits: its number. */
  spawn(task: T, name: string, body: ThreadBody<C, T>): number {
    const number = this.#threads.length;
    const thread = new Thread(number, this.#groups.of(0));
    this.#threads.push(thread);
    this.#jobs.push({ name, task, body });
    this.#findAllowed(thread);
    this.#cgroups.addThread(number, task.id);
    return number;
  }

  /** No effect on a thread that does not wait. */
  wake(number: number): void {
    const thread = this.#threads[number];
    if (thread?.state !== "waits") return;
    thread.state = "queued";
    // It may have gone to sleep on a CPU that is ahead in time.
    thread.queuedAt = Math.max(thread.queuedAt, this.#world.now);
    const { entity } = thread;
    const cpu = this.#select(thread);
    const rq = this.#queue(cpu);
    if (cpu !== thread.cpu) this.#finishDelay(thread);
    this.#sync(rq);
    if (!entity.isQueued) thread.placeOn(cpu, thread.group);
    rq.enqueue(entity, thread.isNew);
    thread.isNew = false;
    if (rq.curr === null || isPreempted(rq, entity, thread.isBatch)) this.#changed(rq);
    else this.#shared(rq);
  }

  /** The same, later. */
  wakeAt(number: number, time: number): void {
    this.#world.post(time, this.#name, "wake", number);
  }

  /** A thread in a guest leaves it, and one that waits is woken. */
  signal(number: number): void {
    const thread = this.#thread(number);
    thread.hasSignal = true;
    if (thread.state === "runs") this.#cpu(thread.cpu).kick();
    this.wake(number);
  }

  /** Handled. */
  clearSignal(number: number): void {
    this.#thread(number).hasSignal = false;
  }

  /** Cycles that a thread could have run and did not: Linux, struct sched_info, run_delay. */
  runDelay(number: number): number {
    return this.#threads[number]?.delay ?? 0;
  }

  /** Who runs on the CPU gives the rest of its request, if it is not ahead, and another that waits is preferred: yield_to. */
  yieldTo(cpu: C, number: number): void {
    const rq = this.#queue(cpu.number);
    const target = this.#threads[number];
    if (rq.curr === null || target?.state !== "queued") return;
    const its = this.#queue(target.cpu);
    if (isThrottled(target.entity)) return;
    for (let at: Entity | null = target.entity; at !== null; at = at.queue.owner)
      if (at.queue.curr !== at) at.queue.next = at;
    this.#sync(rq);
    giveUp(rq.curr.queue, rq.curr);
    this.#reschedule(rq);
    if (its !== rq) this.#reschedule(its);
  }

  /** sched_setattr(2). */
  setAttributes(number: number, attributes: Attributes): void {
    const thread = this.#thread(number);
    this.#requeued(thread, () => {
      thread.attributes = attributes;
      thread.applySlice();
      const { entity } = thread;
      entity.isIdle = attributes.policy === "SCHED_IDLE";
      reweight(entity.queue, entity, thread.weight);
    });
  }

  /** sched_setaffinity(2). */
  setAffinity(number: number, cpus: readonly number[] | null): Errno | null {
    const thread = this.#thread(number);
    const granted = this.#controller.effectiveCpus(thread.group.id);
    if (cpus !== null && !cpus.some((cpu) => granted.includes(cpu))) return "EINVAL";
    thread.affinity = cpus;
    this.#findAllowed(thread);
    return null;
  }

  /** CPU hotplug: threads leave a CPU that goes. False for the last one. */
  setOnline(cpu: number, isOnline: boolean): boolean {
    const rq = this.#queue(cpu);
    if (!isOnline && this.#queues.every((other) => other === rq || !other.isOnline)) return false;
    rq.isOnline = isOnline;
    this.#balancer.rebuild();
    for (const thread of this.#threads) this.#findAllowed(thread);
    return true;
  }

  /** sched_move_task. */
  #moveToGroup(number: number, group: number): void {
    const thread = this.#threads[number];
    if (thread === undefined) return;
    this.#requeued(thread, () => thread.placeOn(thread.cpu, this.#groups.of(group)));
    this.#findAllowed(thread);
  }

  // Of one CPU.

  #run(cpu: C, slice: Slice): void {
    const rq = this.#queue(cpu.number);
    cpu.begin(slice);
    while (slice.clock < slice.limit) {
      rq.clock = Math.max(rq.clock, slice.clock);
      if (rq.curr === null || slice.clock >= rq.until) this.#schedule(cpu, rq);
      if (rq.curr === null) {
        slice.park();
        break;
      }
      this.#continue(cpu, slice, rq);
    }
    cpu.end();
  }

  #continue(cpu: C, slice: Slice, rq: RunQueue): void {
    const thread = this.#threadOf(rq.curr as Entity);
    const job = this.#jobs[thread.number];
    assert(job !== undefined, "a thread that was spawned runs");
    this.#acting = cpu.number;
    const outcome = job.body(new LiveTurn(thread, job.task, cpu, slice, rq));
    this.#acting = NOBODY;
    cpu.tick();
    rq.clock = Math.max(rq.clock, cpu.clock);
    if (outcome === "runs") return;
    rq.account();
    rq.dequeue(thread.entity, outcome === "waits");
    thread.state = outcome === "waits" ? "waits" : "over";
    thread.queuedAt = rq.clock;
    if (outcome === "exits") this.#cgroups.removeThread(thread.number);
    this.#schedule(cpu, rq);
  }

  /** Linux, kernel/sched/core.c, __schedule. */
  #schedule(cpu: C, rq: RunQueue): void {
    rq.account();
    this.#sendAway(cpu, rq);
    let next = rq.pick();
    if (next === null) {
      this.#switch(cpu, rq, null);
      if (this.#balancer.pullFor(rq)) next = rq.pick();
    }
    if (next !== rq.curr) this.#switch(cpu, rq, next);
    else this.#goOn(cpu, rq);
    rq.until = rq.clock + Math.min(TICK, rq.timeLeft());
    if (rq.waiters > 0) this.#balancer.soon();
  }

  #switch(cpu: C, rq: RunQueue, next: Entity | null): void {
    const before = rq.curr;
    if (before !== null) {
      const thread = this.#threadOf(before);
      if (thread.state === "runs") {
        thread.state = "queued";
        thread.queuedAt = rq.clock;
      }
      this.onSwitchOut?.(cpu);
      cpu.tick();
      // To leave a guest takes time.
      rq.clock = Math.max(rq.clock, cpu.clock);
      rq.account();
      this.#tell(cpu, thread);
    }
    if (next === null) return rq.switchTo(next);
    const thread = this.#threadOf(next);
    // A CPU that is ahead in time may have woken it, still have it, or have touched this queue.
    rq.clock = Math.max(rq.clock, thread.queuedAt);
    if (rq.clock > cpu.clock) cpu.idle(rq.clock);
    rq.switchTo(next);
    thread.delay += rq.clock - thread.queuedAt;
    thread.state = "runs";
    thread.runsSince = rq.clock;
  }

  #goOn(cpu: C, rq: RunQueue): void {
    rq.switchTo(rq.curr);
    if (rq.curr === null) return;
    const thread = this.#threadOf(rq.curr);
    this.#tell(cpu, thread);
    thread.runsSince = rq.clock;
  }

  #tell(cpu: C, thread: Thread): void {
    tellRan(this.#world, cpu, this.#jobs[thread.number]?.name ?? "", cpu.clock - thread.runsSince);
  }

  /** Who may not be on this CPU any more goes elsewhere. */
  #sendAway(cpu: C, rq: RunQueue): void {
    if (rq.curr === null) return;
    const thread = this.#threadOf(rq.curr);
    if (thread.state !== "runs" || thread.allows(rq.number)) return;
    this.#switch(cpu, rq, null);
    this.#moveAway(thread);
  }

  // Between CPUs.

  #migrate(thread: Thread, from: RunQueue, to: RunQueue): void {
    this.#sync(from);
    this.#sync(to);
    from.dequeue(thread.entity, false);
    thread.placeOn(to.number, thread.group);
    to.enqueue(thread.entity);
  }

  /** What is delayed where it ran last leaves, so that it can come elsewhere. */
  #finishDelay({ cpu, entity }: Thread): void {
    if (!entity.isDelayed) return;
    const rq = this.#queue(cpu);
    this.#sync(rq);
    rq.leave(entity);
  }

  #select(thread: Thread): number {
    const { cpu: previous, isNew } = thread;
    const places = {
      queues: this.#queues,
      domains: this.#balancer.domains,
      coreOf: this.#topology.coreOf,
    };
    const allows = (cpu: number): boolean => thread.allows(cpu);
    return selectCpu(places, { isNew, previous, allows }, this.#acting);
  }

  /** The cpuset and the affinity, of what is online; less of it where nothing is left: select_fallback_rq. */
  #findAllowed(thread: Thread): void {
    const online = this.#queues.filter(({ isOnline }) => isOnline).map(({ number }) => number);
    const granted = this.#controller.effectiveCpus(thread.group.id);
    const inSet = online.filter((cpu) => granted.includes(cpu));
    const wanted = inSet.filter((cpu) => thread.affinity?.includes(cpu) ?? true);
    const cpus = [wanted, inSet, online].find(({ length }) => length > 0) ?? [];
    thread.allowed.fill(0);
    for (const cpu of cpus) thread.allowed[cpu] = 1;
    if (thread.allows(thread.cpu)) return;
    if (thread.state === "queued") this.#moveAway(thread);
    else if (thread.state === "runs") this.#reschedule(this.#queue(thread.cpu));
  }

  /** One that waits for a CPU. */
  #moveAway(thread: Thread): void {
    const to = this.#queue(this.#select(thread));
    this.#migrate(thread, this.#queue(thread.cpu), to);
    this.#changed(to);
  }

  /** Takes a thread out of its queue while something changes. */
  #requeued(thread: Thread, change: () => void): void {
    const { entity } = thread;
    const rq = this.#queue(thread.cpu);
    this.#sync(rq);
    if (entity.isDelayed) rq.leave(entity);
    if (!entity.isQueued) {
      change();
      return;
    }
    const runs = rq.curr === entity;
    if (runs) rq.switchTo(null);
    rq.dequeue(entity, false);
    change();
    rq.enqueue(entity);
    if (runs) rq.switchTo(entity);
    this.#changed(rq);
  }

  // Of all.

  /** The queue's clock is the present, and what ran is accounted for. */
  #sync(rq: RunQueue): void {
    const now = rq.curr === null ? this.#world.now : this.#cpu(rq.number).clock;
    rq.clock = Math.max(rq.clock, now);
    rq.account();
  }

  /** Another one may be due. */
  #changed(rq: RunQueue): void {
    if (rq.curr !== null) this.#reschedule(rq);
    else if (rq.runnable > 0) this.#world.wake(this.#cpu(rq.number).name);
    if (rq.waiters > 0) this.#balancer.soon();
  }

  /** Who runs goes on, but not alone. */
  #shared(rq: RunQueue): void {
    rq.until = rq.clock + Math.min(TICK, rq.timeLeft());
    if (rq.waiters > 0) this.#balancer.soon();
  }

  /** resched_curr. */
  #reschedule(rq: RunQueue): void {
    if (rq.curr === null) return;
    rq.until = 0;
    if (rq.number !== this.#acting) this.#cpu(rq.number).kick();
  }

  #register(): void {
    const live = { groups: this.#groups, threads: this.#threads, queues: this.#queues };
    this.#world.registry.keeper<SavedScheduler>(this.#name, {
      save: () => saveScheduler(live, this.#balancer.isDue),
      load: (saved) => {
        loadScheduler(live, saved);
        this.#balancer.isDue = saved.isBalancing;
        this.#balancer.rebuild();
      },
    });
    this.#world.add({
      name: this.#name,
      handlers: {
        wake: (thread) => this.wake(Number(thread)),
        balance: () => this.#balancer.balance(),
        period: (payload) => this.#groups.endPeriod(payload),
        slack: (payload) => this.#groups.endSlack(payload),
      },
    });
    this.#controller.user = {
      created: (group, parent) => this.#groups.create(group, parent),
      removed: (group) => this.#groups.remove(group),
      moved: (thread, group) => this.#moveToGroup(thread, group),
      weightChanged: (group) => this.#groups.setWeight(group, this.#controller),
      bandwidthChanged: (group) => this.#groups.setBandwidth(group, this.#controller),
      cpusChanged: () => {
        for (const thread of this.#threads) this.#findAllowed(thread);
      },
      stat: (group) => this.#groups.stat(group),
    };
  }

  #cpu(number: number): C {
    return this.#cpus[number] as C;
  }

  #queue(cpu: number): RunQueue {
    return this.#queues[cpu] as RunQueue;
  }

  #thread(number: number): Thread {
    const thread = this.#threads[number];
    assert(thread !== undefined, "a thread that was spawned is meant");
    return thread;
  }

  #threadOf({ thread }: Entity): Thread {
    return this.#thread(thread);
  }
}

function isThrottled(entity: Entity): boolean {
  for (let at: Entity | null = entity; at !== null; at = at.queue.owner)
    if (at.queue.isThrottled) return true;
  return false;
}
