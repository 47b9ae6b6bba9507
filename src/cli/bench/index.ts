/** The benchmarks by name. A new one is a file beside this and a line here. */

import { freshMachines, kernels } from "./cpu.ts";
import { cold } from "./cpu-cold.ts";
import { systemKernels } from "./cpu-system.ts";
import { starts } from "./cpu-start.ts";
import type { Benchmark } from "./figures.ts";
import { kvm } from "./kvm.ts";
import { idle } from "./machine-idle.ts";
import { scheduling } from "./sched.ts";
import { sharing } from "./share.ts";
import { decisions } from "./selinux.ts";
import { events } from "./sim-events.ts";
import { seeks } from "./sim-seeks.ts";
import { virtualization } from "./virtualization.ts";
import { snapshots } from "./sim-snapshots.ts";

export const BENCHMARKS: readonly Benchmark[] = [
  {
    name: "cpu",
    says: "the CPU: start of the engine, user code in loops and never seen before, fresh machines",
    measurements: [...starts, ...kernels, ...systemKernels, ...cold, ...freshMachines],
  },
  {
    name: "kvm",
    says: "KVM: exits by kind, user code in guests, fresh hosts, a thousand guests",
    measurements: kvm,
  },
  {
    name: "machine",
    says: "whole machines: many of them with nothing to do",
    measurements: idle,
  },
  {
    name: "sched",
    says: "the host's scheduler: decisions a second, with few and with many threads",
    measurements: scheduling,
  },
  {
    name: "selinux",
    says: "security policies: loading one, decisions a second that no cache has seen",
    measurements: decisions,
  },
  {
    name: "share",
    says: "a host that a thousand guests divide: real time for a virtual second",
    measurements: sharing,
  },
  {
    name: "sim",
    says: "the simulation kernel: events a second, snapshot, restore, fork, seek",
    measurements: [...events, ...snapshots, ...seeks],
  },
  {
    name: "svm",
    says: "AMD SVM: round trips between a guest and its host, user code in a guest",
    measurements: virtualization("svm"),
  },
  {
    name: "vmx",
    says: "Intel VMX: the same",
    measurements: virtualization("vmx"),
  },
];
