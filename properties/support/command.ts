/** Runs the command in this process, as its tests do: output is collected, nothing exits. */

import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { PassThrough } from "node:stream";
import type { Io } from "../../src/cli/io.ts";
import { main } from "../../src/cli/kvmsim.ts";

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

type Env = Io["env"];

/** As with both outputs sent to files. */
export function kvmsim(...args: string[]): Promise<Ran> {
  return kvmsimIn({}, ...args);
}

export function kvmsimIn(env: Env, ...args: string[]): Promise<Ran> {
  return kvmsimWith({ env }, ...args);
}

export async function kvmsimWith(some: Partial<Io>, ...args: string[]): Promise<Ran> {
  let [stdout, stderr] = ["", ""];
  const io: Io = {
    stdout: { write: (text) => void (stdout += text), terminal: null },
    stderr: { write: (text) => void (stderr += text), terminal: null },
    env: {},
    ...some,
  };
  return { code: await main(args, io), stdout, stderr };
}

/** As in front of a person; what is drawn and what is written come together in `stdout`. */
export function kvmsimOnTerminal(env: Env, ...args: string[]): Promise<Ran> {
  return kvmsimOnTerminalWith({ env }, ...args);
}

export async function kvmsimOnTerminalWith(some: Partial<Io>, ...args: string[]): Promise<Ran> {
  let stdout = "";
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 100 });
  stream.on("data", (bytes: Buffer) => void (stdout += bytes.toString()));
  const output = { write: (text: string) => void stream.write(text), terminal: stream };
  const code = await main(args, { stdout: output, stderr: output, env: {}, ...some });
  return { code, stdout, stderr: "" };
}

export interface Folder {
  at(name: string): string;
  remove(): void;
}

export function temporaryFolder(): Folder {
  const folder = mkdtempSync(path.join(os.tmpdir(), "kvmsim-"));
  return {
    at: (name) => path.join(folder, name),
    remove: () => rmSync(folder, { recursive: true }),
  };
}
