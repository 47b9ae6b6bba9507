/** What the command reads and writes besides files: two streams and the environment, given from outside. */

import process from "node:process";
import pc from "picocolors";

export interface Output {
  write(text: string): void;
  /** The stream itself when a person watches it. */
  readonly terminal: NodeJS.WritableStream | null;
}

/** What a person types, or a file or another program sends. */
export interface Input {
  readonly isTerminal: boolean;
  /** Takes all that comes, one character for each byte, until the function that is returned is called. */
  listen(take: (text: string) => void): () => void;
  /** All of it, when it has ended. */
  readAll(): Promise<string>;
}

export interface Io {
  /** Null when nothing will come. */
  readonly stdin?: Input | null;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What workers load to check laws; without it they are checked in this process. */
  readonly lawWorker?: URL;
  /** The folder where failures of laws are kept; without it none are. */
  readonly failures?: string;
}

export const EXIT = {
  ok: 0,
  /** A law fell, a replay left its recording, two runs differ. */
  found: 1,
  /** The command line or a file cannot be used. */
  usage: 2,
  /** A mistake of ours; EX_SOFTWARE of sysexits. */
  internal: 70,
  /** Whoever read the output went away; as a program ended by SIGPIPE. */
  brokenPipe: 141,
} as const;

export function ioOfProcess(): Io {
  const stdin = inputFrom(process.stdin);
  return {
    stdin,
    stdout: outputTo(process.stdout),
    stderr: outputTo(process.stderr),
    env: process.env,
    // In the bundle, too, it is there from the file that holds this.
    lawWorker: new URL("./laws/worker.js", import.meta.url),
    failures: ".kvmsim/failures",
  };
}

/** A terminal gives each key at once and as it is: also Ctrl-C is the guest's. */
function inputFrom(stream: NodeJS.ReadStream): Input {
  return {
    isTerminal: stream.isTTY,
    listen(take) {
      const listener = (piece: Buffer): void => take(piece.toString("latin1"));
      if (stream.isTTY) stream.setRawMode(true);
      stream.on("data", listener);
      stream.resume();
      return () => {
        stream.off("data", listener);
        stream.pause();
        if (stream.isTTY) stream.setRawMode(false);
        // A pipe that stays open would keep the process.
        if ("unref" in stream) stream.unref();
      };
    },
    async readAll() {
      const pieces: Buffer[] = [];
      for await (const piece of stream) pieces.push(piece as Buffer);
      return Buffer.concat(pieces).toString();
    },
  };
}

function outputTo(stream: NodeJS.WriteStream): Output {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(EXIT.brokenPipe);
    throw error;
  });
  return {
    write: (text) => void stream.write(text),
    terminal: stream.isTTY ? stream : null,
  };
}

/** A person watches: progress may be drawn. Otherwise lines only ever follow each other. */
export function isWatched(io: Io): boolean {
  return io.stdout.terminal !== null && io.stderr.terminal !== null && io.env["TERM"] !== "dumb";
}

export function colorsFor(io: Io): ReturnType<typeof pc.createColors> {
  const wanted = io.stdout.terminal !== null && io.env["TERM"] !== "dumb";
  return pc.createColors(wanted && (io.env["NO_COLOR"] ?? "") === "");
}

/** Text from a file or an argument, made fit for a terminal and for one line. */
export function oneLine(text: string): string {
  const joined = text.trim().replace(/\s*\n\s*/g, " ");
  return Array.from(joined, (character) => {
    const code = character.charCodeAt(0);
    const isControl = code < 0x20 || (code >= 0x7f && code < 0xa0);
    return isControl ? `\\x${code.toString(16).padStart(2, "0")}` : character;
  }).join("");
}

/** Lets the process hear a closed pipe or a signal between two pieces of work. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
