#!/usr/bin/env node
/** The kvmsim command: gives the process's arguments and streams to `main`. */

import process from "node:process";
import { ioOfProcess } from "./io.ts";
import { main } from "./kvmsim.ts";

process.exitCode = await main(process.argv.slice(2), ioOfProcess());
