/**
 * The one public door: build a world, run it, take snapshots, record and replay, compare. Works in Node and in
 * browsers; what touches files is in node.ts beside it.
 */

export { AssertionError, InputError, ReplayError } from "../sim/assert.ts";
export type {
  Blueprint,
  Component,
  Handler,
  Setup,
  WorldObserver,
  WorldSnapshot,
} from "../sim/blueprint.ts";
export { DEFAULT_SETUP } from "../sim/blueprint.ts";
export type { Json, Plain } from "../sim/data.ts";
export type { Divergence, KnownRun } from "../sim/diff.ts";
export { firstDivergence } from "../sim/diff.ts";
export type { Fault, FaultPlan, FaultSite } from "../sim/faults.ts";
export { drawFaultPlan } from "../sim/faults.ts";
export type { StampedInput } from "../sim/inputs.ts";
export { MemoryPool, PAGE_SIZE, PagedMemory } from "../sim/paged-memory.ts";
export type { Mutant, Property } from "../sim/mutants.ts";
export { allMutants, mutantCalled } from "../sim/mutants.ts";
export { RandomStream, RandomStreams } from "../sim/random.ts";
export type { ImageNeed, Recording, RecordingEnd, RecordingHeader } from "../sim/recording.ts";
export { RECORDING_VERSION, RecordingReader, RecordingWriter } from "../sim/recording.ts";
export type { ImageAtHand, ReplayFailure } from "../sim/replay.ts";
export { replayWorld, runReplay, verifyReplay } from "../sim/replay.ts";
export type { Runner, SchedulePlan, Slice } from "../sim/schedule.ts";
export { drawSchedulePlan } from "../sim/schedule.ts";
export { ChromeTraceSink } from "../sim/sinks/chrome-trace.ts";
export { JsonLinesSink } from "../sim/sinks/json-lines.ts";
export { MemoryRing } from "../sim/sinks/memory-ring.ts";
export type { Cell } from "../sim/snapshot.ts";
export type { Cycles } from "../sim/time.ts";
export { CYCLES_PER_SECOND, formatTime, NEVER } from "../sim/time.ts";
export type { TimelineOptions } from "../sim/timeline.ts";
export { DEFAULT_TIMELINE } from "../sim/timeline.ts";
export type { TokensConfig } from "../sim/toy/tokens.ts";
export { DEFAULT_TOKENS, tokens } from "../sim/toy/tokens.ts";
export type { EventType, TraceEvent, TraceSink } from "../sim/trace.ts";
export { eventType, formatEvent, formatField } from "../sim/trace.ts";
export { World } from "../sim/world.ts";
export { CONSOLE } from "../hw/boards/backplane.ts";
export { ENDED } from "../hw/boards/lifecycle.ts";
export type { HostConfig } from "./host-config.ts";
export { host } from "./hosts.ts";
export { kernelHost, KvmHost, KvmKernel } from "./kvm-guests.ts";
export type { LanConfig } from "./lan.ts";
export { lan } from "./lan.ts";
export type { MachineConfig } from "./machines.ts";
export { bootOf, machine } from "./machines.ts";
export { ScheduledThreads } from "./scheduled-threads.ts";
export type { GuestShares, Share } from "./share.ts";
export type { ShareConfig, ShareGuest } from "./share-config.ts";
export { share, sharesOf } from "./share.ts";
export { SecurityPolicy } from "./security-policy.ts";
export { blueprintOf, worldNames } from "./worlds.ts";
export type { Kernel, StartRegisters, SystemKernel } from "./programs.ts";
export {
  KERNELS,
  PROGRAM_START,
  ProgramMachine,
  GuestPrograms,
  HYPERVISOR_NAMES,
  type HypervisorName,
  RoundTrips,
  SYSTEM_KERNELS,
  SystemProgram,
} from "./programs.ts";
export { multiboot } from "../guests/kernels/multiboot.ts";
export { computeAccess } from "../selinux/decisions/access.ts";
export { booleanState } from "../selinux/decisions/booleans.ts";
export { formatContext } from "../selinux/decisions/contexts.ts";
export { type LoadedPolicy, loadPolicy } from "../selinux/decisions/loaded-policy.ts";
export { Selinux } from "../selinux/selinux.ts";
export { CLASS_MAP } from "../selinux/server/classmap.ts";
export { readPolicy } from "../selinux/policydb/read.ts";
export type { Assembled } from "../guests/assembler.ts";
export { assemble } from "../guests/assembler.ts";
