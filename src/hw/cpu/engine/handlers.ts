/**
 * Handlers of emitted code, made when first needed. The bytes of a handler depend on nothing but its form, so compiled
 * modules are kept for the life of the process; a machine only instantiates them over its memory.
 */

import type { Decoded } from "../decode.ts";
import type { Form } from "../forms.ts";
import { record } from "../instruction.ts";
import { variantOf } from "../reference.ts";
import type { MicroOp, SegmentName } from "../uop.ts";
import { emitHandler, IMPORT_TYPES, IMPORTS, type Shape, TYPES } from "./emit.ts";
import { emitBlockEnd, emitStale } from "./emit-control.ts";
import { encodeModule, type FunctionBody } from "./wasm.ts";

/** Handlers that belong to no instruction, at the start of the table. */
export const BLOCK_END = 0;
export const STALE = 1;
const FIRST_FREE = 2;
const TABLE_SIZE = 8192;

interface CompiledHandler {
  readonly module: WebAssembly.Module;
  /** Nothing can follow it in a block. */
  readonly ends: boolean;
}

/** Compiled once a process: derived from the instruction tables alone. */
const compiled = new Map<string, CompiledHandler>();
const formNumbers = new Map<Form, number>();

function compile(key: string, make: () => FunctionBody, ends = true): CompiledHandler {
  let handler = compiled.get(key);
  if (handler === undefined) {
    const bytes = encodeModule({
      types: TYPES,
      imports: IMPORTS.map((name, i) => ({ name, type: IMPORT_TYPES[i] as number })),
      functions: [{ name: "h", type: 0, body: make() }],
    });
    handler = { module: new WebAssembly.Module(bytes), ends };
    compiled.set(key, handler);
  }
  return handler;
}

function shapeOf(decoded: Decoded): Shape {
  const memory = decoded.operands.find(({ is }) => is === "memory");
  const segment: SegmentName = decoded.segment;
  return {
    segmented: segment === "FS" || segment === "GS",
    indexed: memory?.is === "memory" && memory.memory.index !== null,
  };
}

function keyOf(decoded: Decoded, shape: Shape): string {
  let number = formNumbers.get(decoded.form);
  if (number === undefined) {
    number = formNumbers.size;
    formNumbers.set(decoded.form, number);
  }
  const memory = decoded.operands.some(({ is }) => is === "memory") ? "m" : "r";
  const { operandSize, addressSize, repeat } = decoded;
  const flags = `${memory}${shape.segmented ? "s" : ""}${shape.indexed ? "i" : ""}`;
  return `${number}/${operandSize}/${addressSize}/${repeat}/${flags}`;
}

const goesElsewhere = ({ op }: MicroOp): boolean => op === "jump" || op === "assist";

/** What the environment gives to emitted code, by the names of IMPORTS. */
export type HostFunctions = Readonly<
  Record<(typeof IMPORTS)[number], (...values: never[]) => unknown>
>;

/** The handlers of one memory. */
export class HandlerTable {
  readonly #table = new WebAssembly.Table({ element: "anyfunc", initial: TABLE_SIZE });
  readonly #places = new Map<string, { readonly place: number; readonly ends: boolean }>();
  readonly #imports: WebAssembly.Imports;
  #free = FIRST_FREE;

  constructor(memory: WebAssembly.Memory, host: HostFunctions) {
    this.#imports = { e: { m: memory, t: this.#table, ...host } };
    this.#put(BLOCK_END, compile("block end", emitBlockEnd));
    this.#put(STALE, compile("stale", emitStale));
  }

  /** The place in the table of the handler for a decoded instruction. */
  placeOf(decoded: Decoded): number {
    return this.#handlerOf(decoded).place;
  }

  /** True when control goes elsewhere after the instruction. */
  endsBlock(decoded: Decoded): boolean {
    return this.#handlerOf(decoded).ends;
  }

  #handlerOf(decoded: Decoded): { readonly place: number; readonly ends: boolean } {
    const shape = shapeOf(decoded);
    const key = keyOf(decoded, shape);
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const { instruction, form } = decoded;
    const list = record(instruction, form, variantOf(decoded));
    const handler = compile(key, () => emitHandler(list, form, shape), list.some(goesElsewhere));
    const placed = { place: this.#free, ends: handler.ends };
    this.#free += 1;
    this.#put(placed.place, handler);
    this.#places.set(key, placed);
    return placed;
  }

  /** Calls the handler at a place. */
  enter(place: number, cpu: number, at: number): number {
    return (this.#table.get(place) as (cpu: number, record: number) => number)(cpu, at);
  }

  #put(place: number, { module }: CompiledHandler): void {
    const { exports } = new WebAssembly.Instance(module, this.#imports);
    this.#table.set(place, exports["h"]);
  }
}
