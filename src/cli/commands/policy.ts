/** `kvmsim policy`: looks into an SELinux policy, asks it, and compiles one. */

import { InputError, SecurityPolicy } from "../../api/index.ts";
import { loadImage, writeWhole } from "../../api/node.ts";
import { EXIT, type Io, isWatched } from "../io.ts";
import { count, facts, grouped, jsonText } from "../tables.ts";

export interface PolicyOptions {
  readonly json?: boolean;
}

export interface CompileOptions extends PolicyOptions {
  readonly output: string;
}

/** As a kernel would, but for its use: is it whole, and does it say something of all that the kernel asks? */
function policyLoad(file: string, options: PolicyOptions, io: Io): number {
  const policy = openPolicy(file);
  const { version, isMls, handleUnknown, undefinedNames } = policy;
  if (options.json === true) {
    io.stdout.write(jsonText({ file, version, mls: isMls, handleUnknown, undefinedNames }));
    return EXIT.ok;
  }
  io.stdout.write(`${file}: version ${version}, ${isMls ? "with" : "without"} MLS\n`);
  for (const line of undefinedNames) io.stdout.write(`${line}\n`);
  if (undefinedNames.length > 0) {
    const effect = { allow: "allowed", deny: "denied", reject: "a reason not to load it" };
    io.stdout.write(`What is not defined is ${effect[handleUnknown]}.\n`);
  }
  return EXIT.ok;
}

function policyInfo(file: string, options: PolicyOptions, io: Io): number {
  const policy = openPolicy(file);
  const { version, isMls, handleUnknown, counts } = policy;
  if (options.json === true) {
    const byName = Object.fromEntries(counts);
    io.stdout.write(jsonText({ file, version, mls: isMls, handleUnknown, counts: byName }));
    return EXIT.ok;
  }
  const rows = counts.map(([name, number]) => [name, grouped(number)] as const);
  const about = [
    ["Policy Version", `${version} (MLS ${isMls ? "enabled" : "disabled"})`],
    ["Handle unknown classes", handleUnknown],
  ] as const;
  io.stdout.write(facts([...about, ...rows]));
  return EXIT.ok;
}

/** One answer a line. */
async function policyDecide(file: string, options: PolicyOptions, io: Io): Promise<number> {
  const policy = openPolicy(file);
  const answers = await asked(io, (line, place) => policy.decide(line, place));
  if (options.json === true) {
    io.stdout.write(jsonText(answers.map(({ line, answer }) => ({ query: line, ...answer }))));
    return EXIT.ok;
  }
  const lines = answers.map(({ answer: { denied, permissive } }) => {
    if (denied.length === 0) return "allowed\n";
    return `denied { ${denied.join(" ")} }${permissive ? " permissive" : ""}\n`;
  });
  io.stdout.write(lines.join(""));
  return EXIT.ok;
}

/** For each line, which rules and constraints decided. */
async function policyExplain(file: string, options: PolicyOptions, io: Io): Promise<number> {
  const policy = openPolicy(file);
  const answers = await asked(io, (line, place) => policy.explain(line, place));
  if (options.json === true)
    io.stdout.write(jsonText(answers.map(({ line, answer }) => ({ query: line, why: answer }))));
  else io.stdout.write(answers.map(({ answer }) => `${answer.join("\n")}\n`).join("\n"));
  return EXIT.ok;
}

/** Those that take a policy and nothing else. */
export const POLICY_COMMANDS = {
  load: policyLoad,
  info: policyInfo,
  decide: policyDecide,
  explain: policyExplain,
};

export function policyCompile(file: string, { output, json }: CompileOptions, io: Io): number {
  const { binary, version } = openPolicy(file);
  writeWhole(output, binary);
  io.stdout.write(
    json === true
      ? jsonText({ file, output, version, bytes: binary.length })
      : `${output}: ${count(binary.length, "byte")}, version ${version}\n`,
  );
  return EXIT.ok;
}

const openPolicy = (file: string): SecurityPolicy =>
  SecurityPolicy.open(loadImage("policy", file).bytes, file);

interface Asked<A> {
  readonly line: string;
  readonly answer: A;
}

/** Of all lines of standard input that ask something. */
async function asked<A>(
  io: Io,
  ask: (line: string, place: string) => A | null,
): Promise<readonly Asked<A>[]> {
  if (io.stdin === undefined || io.stdin === null)
    throw new InputError("standard input: expected queries, a line each");
  if (io.stdin.isTerminal && isWatched(io))
    io.stderr.write("source-context target-context class permission,... ; end with Ctrl-D\n");
  const lines = (await io.stdin.readAll()).split("\n");
  return lines.flatMap((line, i) => {
    const answer = ask(line, `standard input: line ${i + 1}`);
    return answer === null ? [] : [{ line: line.trim(), answer }];
  });
}
