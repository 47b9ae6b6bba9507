/** The kvmsim command line: its commands and options, and how each kind of ending becomes an exit code. */

import { Command, CommanderError } from "commander";
import { InputError } from "../api/index.ts";
import type { BenchOptions } from "./commands/bench.ts";
import type { BootOptions } from "./commands/boot.ts";
import type { CheckOptions } from "./commands/check.ts";
import type { DiffOptions } from "./commands/diff.ts";
import type { CompileOptions, PolicyOptions } from "./commands/policy.ts";
import type { ReplayOptions } from "./commands/replay.ts";
import type { RunOptions } from "./commands/run.ts";
import type { ShareOptions } from "./commands/share.ts";
import { EXIT, type Io, oneLine } from "./io.ts";
import { collect } from "./options.ts";
import { versionOfPackage } from "./version.ts";

type Ending = (code: number) => void;

/** Runs the command with `args`, the words after its name. Returns the exit code; never throws. */
export async function main(args: readonly string[], io: Io): Promise<number> {
  let code: number = EXIT.ok;
  try {
    const program = makeProgram(io, (ending) => {
      code = ending;
    });
    await program.parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    return codeOfError(error, io);
  }
}

function codeOfError(error: unknown, io: Io): number {
  // Commander has said what is wrong, or printed what was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof InputError) {
    io.stderr.write(`kvmsim: ${oneLine(error.message)}\n`);
    return EXIT.usage;
  }
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  io.stderr.write(
    `kvmsim: internal error: ${what}\nThis is a mistake in kvmsim. Please report it, with the command line and this text.\n`,
  );
  return EXIT.internal;
}

function makeProgram(io: Io, end: Ending): Command {
  const program = new Command("kvmsim")
    .description("A whole KVM host that fits in a test, simulated deterministically.")
    .version(`kvmsim ${versionOfPackage()}`, "-V, --version")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: (text, write) => write(`kvmsim: ${oneLine(text.replace(/^error: /, ""))}\n`),
    })
    .addHelpText("after", HELP);
  addCheck(program, io, end);
  addBoot(program, io, end);
  addRun(program, io, end);
  addShare(program, io, end);
  addPolicy(program, io, end);
  addReplay(program, io, end);
  addDiff(program, io, end);
  addBench(program, io, end);
  return program;
}

const HELP = `
Examples:
  kvmsim check                                       every law
  kvmsim check --law tokens-are-conserved --factor 10
  kvmsim boot --kernel bzImage --initrd initrd.cpio --until '# '
  kvmsim run tokens --until 10ms --record a.rec      a run, recorded
  kvmsim run tokens --seed 1 --set cpus=4 --trace a.trace.json
  kvmsim share --guests 6 --weights 100,200,300      who gets how much of a host
  kvmsim policy explain policies/svirt.cil < audit.log  which rule or constraint decided
  kvmsim replay a.rec                                is it still the same run?
  kvmsim diff a.rec b.rec                            where do two runs part?

Virtual time is in cycles of 1 ns; 5us, 2ms and 1s are understood.
Exit codes: 0 all is well; 1 a law fell, a replay left its recording, or runs differ;
2 the command line or a file cannot be used; 70 a mistake in kvmsim.
`;

function addCheck(program: Command, io: Io, end: Ending): void {
  program
    .command("check")
    .description("Check the laws, and shrink and show what breaks them.")
    .option("--seed <n>", "a whole number below 2^32, or random (default: a fixed one, printed)")
    .option("--factor <x>", "multiplies the cases of every law", "1")
    .option("--jobs <n>", "laws checked at once (default: one on each core)")
    .option("--law <names>", "only these laws, separated by commas", collect)
    .option("--path <path>", "with one law: run the failing case at this path again")
    .option("--mutant <id>", "a real bug that the hosts carry; may be repeated", collect)
    .option("--list", "print the laws without checking them")
    .option("--json", "print JSON")
    .action(async (options: CheckOptions) => {
      const { check } = await import("./commands/check.ts");
      end(await check(options, io));
    });
}

function addBoot(program: Command, io: Io, end: Ending): void {
  program
    .command("boot")
    .description("Boot a machine; its serial console is standard input and output.")
    .option("--machine <board>", "pc or microvm", "pc")
    .option("--cpus <n>", "1 to 64", "1")
    .option("--memory <size>", "RAM, as 256M or 1G", "256M")
    .option("--cpu <profile>", "intel or amd, with features as intel,-SMAP", "intel")
    .option(
      "--kernel <file>",
      "a Linux kernel: a bzImage, or an ELF file with a PVH entry (vmlinux)",
    )
    .option("--multiboot <file>", "a kernel that follows the multiboot specification, version 1")
    .option("--initrd <file>", "its initial RAM disk, or its module")
    .option("--bios <file>", "firmware, as SeaBIOS")
    .option("--disk <file>", "a raw disk, which is never written; may be repeated", collect)
    .option("--net", "add a network interface")
    .option("--machines <n>", "as many such machines on one switch, 1 to 8")
    .option("--under <kvm>", "kvm: as guests of a simulated host")
    .option("--host <vendor>", "of the host's CPUs, with --under: intel or amd", "intel")
    .option("--host-cpus <n>", "physical CPUs, with --under: 1 to 16", "1")
    .option("--guests <n>", "as many such guests, with --under: 1 to 8")
    .option("--no-reboot", "end when the guest resets the machine, or a processor shuts down")
    .option("--walks", "trace each walk of page tables, entry by entry")
    .option("--testdev", "add the test device of kvm-unit-tests (pc-testdev)")
    .option("--append <text>", "the kernel's command line (default: console=ttyS0)")
    .option("--seed <text>", "of all randomness in the run")
    .option("--slice <cycles>", "how long a CPU runs before another one gets its turn")
    .option("--schedule <plan>", "a plan that disturbs whose turn it is: a JSON file, or pct:DEPTH")
    .option("--epoch <cycles>", "distance of the digests along the run; 0 for none")
    .option("--until <text>", "stop when the console shows this text")
    .option("--max-cycles <n>", "stop at this virtual time")
    .option("--record <file>", "write a recording, for replay and diff")
    .option("--trace <file>", "write all events: JSON lines, or Chrome's form as *.trace.json")
    .addHelpText(
      "after",
      `
At a terminal Ctrl-A x leaves; of several machines Ctrl-A 0 to 7 says which one hears the keys. The exit code is 0 when the guest turns the machine off,
(value << 1) | 1 when it writes to the exit port F4h, 1 when --until was not seen or --max-cycles was.`,
    )
    .action(async (options: BootOptions) => {
      const { boot } = await import("./commands/boot.ts");
      end(await boot(options, io));
    });
}

function addRun(program: Command, io: Io, end: Ending): void {
  program
    .command("run <world>")
    .description("Make a world and run it.")
    .option("--seed <text>", "of all randomness in the run")
    .option("--until <cycles>", "the end of the run", "10ms")
    .option("--set <key=value>", "a setting of the world; may be repeated", collect)
    .option("--image <name=file>", "an image that the world loads; may be repeated", collect)
    .option("--epoch <cycles>", "distance of the digests along the run; 0 for none")
    .option("--slice <cycles>", "how long a CPU runs before another one gets its turn")
    .option("--faults <file>", "a JSON list of {time, target, kind, detail}")
    .option("--schedule <file>", "JSON {priorities, changePoints, windowCycles}")
    .option("--mutant <id>", "a real bug that the world carries; may be repeated", collect)
    .option("--input <time:target:kind[:json]>", "an input from outside; may be repeated", collect)
    .option("--record <file>", "write a recording, for replay and diff")
    .option("--trace <file>", "write all events: JSON lines, or Chrome's form as *.trace.json")
    .option("--json", "print JSON")
    .action(async (world: string, options: RunOptions) => {
      const { run } = await import("./commands/run.ts");
      end(await run(world, options, io));
    });
}

function addShare(program: Command, io: Io, end: Ending): void {
  program
    .command("share")
    .description("Guests divide a host's processors, memory and uplink; who gets what.")
    .option("--guests <n>", "how many, 1 to 4000", "8")
    .option(
      "--workloads <names>",
      "what they do, one after the other: compute, memory, network, service",
      "compute,memory,network,service",
    )
    .option("--weights <list>", "cpu.weight and share of the uplink, one after the other", "100")
    .option("--cpu-max <us>", "cpu.max of each: microseconds of each 100,000")
    .option("--memory-max <bytes>", "memory.max of each")
    .option("--host <vendor>", "of the host's CPUs: intel or amd", "amd")
    .option("--cpus <n>", "physical CPUs, 1 to 64", "2")
    .option("--bandwidth <bits>", "of the uplink, a second", "1000000000")
    .option("--until <cycles>", "the end of the run", "200ms")
    .option("--seed <text>", "of all randomness in the run")
    .option("--record <file>", "write a recording, for replay and diff")
    .option("--trace <file>", "write who ran where: JSON lines, or for Perfetto as *.trace.json")
    .option("--json", "print JSON")
    .action(async (options: ShareOptions) => {
      const { shareCommand } = await import("./commands/share.ts");
      end(await shareCommand(options, io));
    });
}

function addPolicy(program: Command, io: Io, end: Ending): void {
  const policy = program
    .command("policy")
    .description("Look into an SELinux policy, binary or CIL, ask it, and compile one.")
    .addHelpText("after", POLICY_HELP);
  const commands = {
    load: "Load it as a kernel would, and say what it leaves undefined.",
    info: "How much there is in it, as seinfo counts.",
    decide: "Answer queries of standard input, one a line.",
    explain: "Of queries or audit records of standard input: which rules and constraints decided.",
  };
  for (const [name, description] of Object.entries(commands))
    policy
      .command(`${name} <file>`)
      .description(description)
      .option("--json", "print JSON")
      .action(async (file: string, options: PolicyOptions) => {
        const { POLICY_COMMANDS } = await import("./commands/policy.ts");
        end(await POLICY_COMMANDS[name as keyof typeof commands](file, options, io));
      });
  policy
    .command("compile <file>")
    .description("Write the kernel's binary format.")
    .requiredOption("-o, --output <file>", "the file to write")
    .option("--json", "print JSON")
    .action(async (file: string, options: CompileOptions) => {
      const { policyCompile } = await import("./commands/policy.ts");
      end(policyCompile(file, options, io));
    });
}

const POLICY_HELP = `
A query is a line of four words: source context, target context, class, and permissions
separated by commas. ioctl:0x5413 asks for that command as well. Empty lines and lines
that begin with # are passed over. The answer is a line: "allowed", or "denied { read }" with
those that are denied, and "permissive" behind it when the source's domain is.
`;

function addReplay(program: Command, io: Io, end: Ending): void {
  program
    .command("replay <file>")
    .description("Run a recording again and compare every digest.")
    .option("--image <name=file>", "an image that the recording needs; may be repeated", collect)
    .option("--to <cycles>", "stop at this time instead of at the end")
    .option("--trace <file>", "write all events: JSON lines, or Chrome's form as *.trace.json")
    .option("--json", "print JSON")
    .action(async (file: string, options: ReplayOptions) => {
      const { replay } = await import("./commands/replay.ts");
      end(await replay(file, options, io));
    });
}

function addDiff(program: Command, io: Io, end: Ending): void {
  program
    .command("diff <a> <b>")
    .description(
      "Find the first event, or else the first piece of state, in which two runs differ.",
    )
    .option("--image <name=file>", "an image that a recording needs; may be repeated", collect)
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
How: the digests in the recordings are bisected for the first epoch in which the runs differ. Both
runs are then repeated up to that epoch; within it events are compared one by one, and, where all
agree, the state is bisected by time. Shorter epochs (run --epoch) make that last part shorter.`,
    )
    .action(async (a: string, b: string, options: DiffOptions) => {
      const { diff } = await import("./commands/diff.ts");
      end(await diff(a, b, options, io));
    });
}

function addBench(program: Command, io: Io, end: Ending): void {
  program
    .command("bench <name>")
    .description(
      "Measure, and compare with the bars that are set: cpu, kvm, machine, sched, selinux, share, sim, svm, vmx.",
    )
    .option("--seconds <x>", "how long, or how often, each thing is measured", "2")
    .option("--json", "print JSON")
    .action(async (name: string, options: BenchOptions) => {
      const { bench } = await import("./commands/bench.ts");
      end(await bench(name, options, io));
    });
}
