/** Two ways to check many laws: one after the other in this process, or in several workers at once. */

import { MessageChannel } from "node:worker_threads";
import { Tinypool } from "tinypool";
import type { Effort, Law } from "../../../properties/support/law.ts";
import { breathe } from "../io.ts";
import { longestFirst } from "./longest-first.ts";
import { type LawRun, runLaw, uncheckable } from "./run.ts";
import type { LawTask } from "./task.ts";

export interface Listener {
  /** So many cases of a law have begun. */
  cases(law: Law, cases: number): void;
  done(law: Law, run: LawRun): void;
}

/** What comes of each law does not depend on which of them checks it, nor on when. */
export type Checker = (laws: readonly Law[], effort: Effort, listener: Listener) => Promise<void>;

export const inThisProcess: Checker = async (laws, effort, listener) => {
  for (const law of laws) {
    const run = runLaw(law, effort, (cases) => listener.cases(law, cases));
    listener.done(law, run);
    await breathe();
  }
};

/** Twice what all laws take in one process; memories of simulated machines are not in the heap. */
const WORKER_HEAP_MB = 1024;

/** `file` is what a worker loads; see worker.ts. */
export function inWorkers(file: URL, jobs: number): Checker {
  return async (laws, effort, listener) => {
    const pool = new Tinypool({
      minThreads: jobs,
      maxThreads: jobs,
      resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MB },
    });
    const checkOne = async (law: Law): Promise<void> => {
      const run = await runInWorker(pool, file, law, effort, (cases) => listener.cases(law, cases));
      listener.done(law, run);
    };
    try {
      await Promise.all(longestFirst(laws).map(checkOne));
    } finally {
      await pool.destroy();
    }
  };
}

/** A pool hears of an error in a worker somewhat later than of its end, and of an end without error never. */
const GRACE_MILLISECONDS = 2000;

/** A law in which its worker ends has fallen; another worker goes on with the others. */
async function runInWorker(
  pool: Tinypool,
  file: URL,
  law: Law,
  { seed, factor, mutants = [] }: Effort,
  onCases: (cases: number) => void,
): Promise<LawRun> {
  const { port1: ours, port2: port } = new MessageChannel();
  const ended = new AbortController();
  let grace: NodeJS.Timeout | undefined;
  ours.on("message", onCases);
  ours.on("close", () => {
    grace = setTimeout(() => ended.abort(), GRACE_MILLISECONDS);
  });
  try {
    const task: LawTask = { name: law.name, seed, factor, mutants, port };
    // Named here and not to the pool, which would wait for workers that cannot load it.
    const options = { filename: file.href, transferList: [port], signal: ended.signal };
    return (await pool.run(task, options)) as LawRun;
  } catch (error) {
    const message = ended.signal.aborted ? "its worker ended" : (error as Error).message;
    return { result: uncheckable(law, seed, 0, message), milliseconds: 0 };
  } finally {
    ours.removeAllListeners("close").close();
    clearTimeout(grace);
  }
}
