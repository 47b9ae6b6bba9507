/**
 * The native oracle's driver: builds oracle.c with gcc, hands it cases and reads what this machine's CPU
 * did with them. About 30,000 cases a second.
 *
 * User mode only, and one vendor's answers: flags that the manuals leave undefined come out as this CPU
 * leaves them. Nothing here is part of a simulated run.
 */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import {
  decodeResults,
  encodeCases,
  type Mode,
  type NativeCase,
  NativeOracleError,
  type NativeResult,
} from "./records.ts";

// ---- What must not be asked ----

/** Prefixes by opcode: operand and address size, REP, segments, LOCK. */
const LEGACY_PREFIXES: ReadonlySet<number> = new Set([
  // biome-ignore format: a list of bytes
  0x66, 0x67, 0xf2, 0xf3, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65, 0xf0,
]);

function isPrefix(byte: number, mode: Mode): boolean {
  return LEGACY_PREFIXES.has(byte) || (mode === 64 && (byte & 0xf0) === 0x40);
}

/**
 * Why this instruction must not be put to the oracle, or undefined. Only the first instruction of the
 * code is looked at; oracle.c answers system calls of a longer run with the outcome `refused`.
 */
export function refusal(code: Uint8Array, mode: Mode): string | undefined {
  let at = 0;
  while (isPrefix(code[at] ?? 0, mode)) at++;
  const [first, second, third = 0] = code.subarray(at);
  if (first === 0xcd && second === 0x80) return "INT 80h is a system call";
  // KVM was seen to report it with RIP at the instruction instead of behind it.
  if (first === 0xf1) return "INT1 is passed on by the host's hypervisor";
  if (first !== 0x0f) return undefined;
  const group = (third >> 3) & 7;
  const isMemory = third < 0xc0;
  switch (second) {
    case 0x05:
      return "SYSCALL is a system call";
    case 0x34:
      return "SYSENTER is a system call";
    case 0x00:
      return group < 2
        ? "SLDT and STR report the host's tables, or its kernel forbids them"
        : undefined;
    case 0x01:
      if (isMemory && group < 2) return "SGDT and SIDT are emulated by the host's kernel";
      if (group === 4) return "SMSW is emulated by the host's kernel";
      switch (third) {
        case 0xc1:
        case 0xd9:
          return "VMCALL and VMMCALL are answered by the host's hypervisor";
        case 0xfa:
        case 0xfb:
          return "MONITORX and MWAITX depend on the host's other CPUs";
        case 0xf9:
        case 0xfd:
          return "RDTSCP and RDPRU never answer twice the same";
        default:
          return undefined;
      }
    case 0x02:
    case 0x03:
      return "LAR and LSL report the host's descriptor tables";
    case 0x31:
      return "RDTSC never answers twice the same";
    case 0xa2:
      return "CPUID is answered by the host's hypervisor";
    case 0xc7:
      return !isMemory && group >= 6 ? "RDRAND, RDSEED and RDPID have no fixed answer" : undefined;
    default:
      return undefined;
  }
}

// ---- The program ----

export interface Oracle {
  readonly kind: "ready";
  /** Path of the compiled program, in a cache outside the sources. */
  readonly program: string;
}

export interface NoOracle {
  readonly kind: "unavailable";
  readonly reason: string;
}

const COMPILER_FLAGS = [
  "-O2",
  "-Wall",
  "-Wextra",
  "-Werror",
  // The handler starts with a case's FS base, where a stack protector would look for its canary; and it
  // leaves signal frames behind, which a shadow stack would not allow.
  "-fno-stack-protector",
  "-fcf-protection=none",
  // High addresses for the program itself, so that only the window lies in the low 4 GiB.
  "-fPIE",
  "-pie",
];

const SOURCES = ["oracle.c", "enter.c", "cpuid.c"];
const HEADERS = ["oracle.h"];

/** Compiled or not, tools run from somewhere below the package's folder. */
function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "tools", "oracle", "oracle.c"))) {
    const parent = dirname(folder);
    if (parent === folder) throw new NativeOracleError("tools/oracle/oracle.c not found");
    folder = parent;
  }
  return folder;
}

/** Where a program from these sources, this compiler and these flags is kept. */
function cachedProgram(folder: string, compilerVersion: string): string {
  const identity = createHash("sha256").update(compilerVersion).update(COMPILER_FLAGS.join(" "));
  for (const name of [...SOURCES, ...HEADERS]) {
    identity.update(readFileSync(join(folder, "tools", "oracle", name)));
  }
  const modules = join(folder, "node_modules");
  const cache = join(existsSync(modules) ? join(modules, ".cache") : tmpdir(), "kvmsim-oracle");
  mkdirSync(cache, { recursive: true });
  return join(cache, `oracle-${identity.digest("hex").slice(0, 16)}`);
}

/** What the compiler has against it, or undefined when the program is there. */
function compile(compiler: string, folder: string, program: string): string | undefined {
  // Test workers may compile at the same time: each its own file, and the rename is atomic.
  const fresh = `${program}.${process.pid}.new`;
  const sources = SOURCES.map((name) => join(folder, "tools", "oracle", name));
  const built = spawnSync(compiler, [...COMPILER_FLAGS, "-o", fresh, ...sources], {
    encoding: "utf8",
  });
  if (built.status !== 0) {
    rmSync(fresh, { force: true });
    return built.stderr.trim();
  }
  renameSync(fresh, program);
  return undefined;
}

function unavailable(reason: string): NoOracle {
  return { kind: "unavailable", reason };
}

/** Compiles the oracle unless that was done before, and makes sure that it can run here. */
export function findOracle(options: { readonly compiler?: string } = {}): Oracle | NoOracle {
  const { platform, arch } = process;
  if (platform !== "linux" || arch !== "x64") {
    return unavailable(`the native oracle needs x64 linux; this is ${arch} ${platform}`);
  }
  const compiler = options.compiler ?? "gcc";
  const version = spawnSync(compiler, ["--version"], { encoding: "utf8" });
  if (version.error !== undefined || version.status !== 0) {
    return unavailable(`${compiler} not found: the native oracle is compiled when it is used`);
  }

  const folder = packageFolder();
  const program = cachedProgram(folder, version.stdout);
  const complaints = existsSync(program) ? undefined : compile(compiler, folder, program);
  if (complaints !== undefined) {
    return unavailable(`${compiler} could not compile the native oracle: ${complaints}`);
  }
  const empty = spawnSync(program, [], { input: encodeCases([]) });
  if (empty.status !== 0) return unavailable(`the oracle cannot run here: ${complaint(empty)}`);
  return { kind: "ready", program };
}

function complaint(ended: {
  readonly error?: Error;
  readonly signal: string | null;
  readonly status: number | null;
  readonly stderr: Buffer;
}): string {
  const said = ended.stderr?.toString("utf8").trim() ?? "";
  if (said !== "") return said;
  if (ended.error !== undefined) return ended.error.message;
  return ended.signal === null
    ? `exit status ${String(ended.status)}`
    : `killed by ${ended.signal}`;
}

/** How much is handed to one process, to bound memory. */
const CASES_PER_PROCESS = 20_000;
/** More than 20,000 results of the usual kind; a case changes at most 12 KiB of memory. */
const ANSWER_BYTES_MAX = 1 << 30;

/** Runs the cases on this machine's CPU; one result for each, in order. Throws on a case that must not be asked. */
export function runNative(oracle: Oracle, cases: readonly NativeCase[]): NativeResult[] {
  cases.forEach((input, index) => {
    const reason = refusal(input.code, input.mode);
    if (reason !== undefined) throw new NativeOracleError(`case ${index + 1} refused: ${reason}`);
  });
  const results: NativeResult[] = [];
  for (let from = 0; from < cases.length; from += CASES_PER_PROCESS) {
    const some = cases.slice(from, from + CASES_PER_PROCESS);
    const ended = spawnSync(oracle.program, [], {
      input: encodeCases(some),
      maxBuffer: ANSWER_BYTES_MAX,
    });
    if (ended.status !== 0) throw new NativeOracleError(complaint(ended));
    const answered = decodeResults(ended.stdout);
    if (answered.length !== some.length) {
      throw new NativeOracleError(`${answered.length} results for ${some.length} cases`);
    }
    for (const result of answered) results.push(result);
  }
  return results;
}

// ---- Provenance ----

export interface CpuidLeaf {
  readonly leaf: number;
  readonly subleaf: number;
  readonly eax: number;
  readonly ebx: number;
  readonly ecx: number;
  readonly edx: number;
}

/** Which CPU gave the answers. */
export interface CpuDescription {
  readonly vendor: string;
  readonly family: number;
  readonly model: number;
  readonly stepping: number;
  readonly brand: string;
  /** Signature of the hypervisor that the CPU was used under, or null. */
  readonly hypervisor: string | null;
  readonly leaves: readonly CpuidLeaf[];
}

export function describeCpu(oracle: Oracle): CpuDescription {
  const ended = spawnSync(oracle.program, ["--cpuid"]);
  if (ended.status !== 0) throw new NativeOracleError(complaint(ended));
  return JSON.parse(ended.stdout.toString("utf8")) as CpuDescription;
}
