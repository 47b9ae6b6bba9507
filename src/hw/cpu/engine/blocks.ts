/**
 * Blocks: straight runs of decoded instructions as records in linear memory. A block lies in one page and is known by
 * its linear and physical address; when its page is written, every record of it is made stale, so that also a block
 * that is being executed stops before the next instruction.
 */

import { assert } from "../../../sim/assert.ts";
import { PAGE_SIZE } from "../../../sim/paged-memory.ts";
import { isCanonical } from "../addressing.ts";
import { AssistContext, type AssistFunction } from "../assist.ts";
import { bytesToLimit, decodeAt, linearOfCode } from "../decode-at.ts";
import { type Decoded, displacementOf, type MemoryOperand, type OperandValue } from "../decode.ts";
import { type Fault, GP0 } from "../fault.ts";
import type { OperandKind } from "../forms.ts";
import { type DirectMemory, isFault } from "../mmu.ts";
import { OFFSET, segmentOffset } from "../state.ts";
import { type BlockMode, isSameMode } from "./block-mode.ts";
import type { EngineParts } from "./engine.ts";
import { BLOCK_END, type HandlerTable, type PlacedHandler, STALE } from "./handlers.ts";
import { emitTree } from "./emit-tree.ts";
import {
  type Heat,
  type InterpreterArea,
  LINK,
  LINK_BYTES,
  ORDINARY_HEAT,
  RECORD,
  RECORD_BYTES,
} from "./layout.ts";
import { type FindBlock, keyOfRoot, keyOfTree, planTree, type Tree } from "./tree.ts";

/** Longest block, in instructions. */
const MAX_BLOCK = 64;
/** A power of two. */
const RECENT = 256;

/** An instruction while its block is being made, or a tree of it: afterwards records say what is needed. */
export interface BlockInstruction {
  readonly decoded: Decoded;
  readonly handler: PlacedHandler;
  readonly rip: bigint;
  readonly nextRip: bigint;
}

/** An instruction that an assist does: what its bytes were, whatever it writes on them. */
export class Assisted {
  readonly context: AssistContext;
  readonly handler: PlacedHandler;
  readonly rip: bigint;
  readonly position: number;
  readonly run: AssistFunction;

  constructor(parts: EngineParts, of: BlockInstruction, position: number, run: AssistFunction) {
    this.context = new AssistContext(parts, of.decoded, of.nextRip);
    this.handler = of.handler;
    this.rip = of.rip;
    this.position = position;
    this.run = run;
  }
}

const NO_ASSISTS: readonly Assisted[] = [];

export interface Block {
  readonly rip: bigint;
  /** Its low 32 bits. */
  readonly rip32: number;
  readonly mode: BlockMode;
  /** RIP after the last instruction. */
  readonly end: bigint;
  /** Physical address of the first byte. */
  readonly physical: number;
  /** Address of the first record. */
  readonly start: number;
  /** Its instructions, and how many bytes they take. */
  readonly count: number;
  readonly bytes: number;
  /** Place of the handler of the first instruction, which a tree may have taken the place of. */
  readonly handler: number;
  readonly assists: readonly Assisted[];
  readonly cycles: number;
  /** It may be entered again without being looked up. */
  readonly lasting: boolean;
  /** The number of the last time when jumps were forgotten before it was looked up. */
  lookedUp: number;
  /** How often control was here when somebody looked. */
  samples: number;
  /** Place in the table of the tree that begins with it. */
  tree: number | null;
}

export class Blocks {
  readonly #view: DataView;
  readonly #parts: EngineParts<DirectMemory>;
  readonly #table: HandlerTable;
  readonly #area: InterpreterArea;
  readonly #forgetJumps: () => void;
  /** By number of the page, all blocks that begin in it; and the pages that are watched. */
  readonly #blocksOfPage = new Map<number, Block[]>();
  readonly #watched = new Set<number>();
  /** By physical address of the first byte; several when a page has several linear addresses. */
  readonly #blocks = new Map<number, Block[]>();
  /** The block of each record, by the record's number. */
  readonly #blockOf: Block[] = [];
  readonly #trees = new Set<Block>();
  /** How often jumps have been forgotten. */
  #generation = 1;
  /** Blocks that the host has entered, by a hash of RIP: valid as long as no jump is forgotten. */
  readonly #recent: (Block | null)[] = Array.from({ length: RECENT }, () => null);
  readonly #heat: Heat;
  #nextRecord: number;

  constructor(
    view: DataView,
    parts: EngineParts<DirectMemory>,
    table: HandlerTable,
    area: InterpreterArea,
    forgetJumps: () => void,
  ) {
    this.#view = view;
    this.#parts = parts;
    this.#table = table;
    this.#area = area;
    this.#forgetJumps = forgetJumps;
    this.#nextRecord = area.records;
    this.#heat = area.heat ?? ORDINARY_HEAT;
  }

  /** The block at RIP, or the fault of fetching its first instruction. */
  at(mode: BlockMode): Block | Fault {
    const { view } = this.#parts.state;
    const low = view.getUint32(OFFSET.rip, true);
    const slot = (low ^ (low >>> 8)) & (RECENT - 1);
    const recent = this.#recent[slot];
    const isThere = recent?.rip32 === low && recent.lookedUp === this.#generation;
    if (isThere && isSameMode(recent.mode, mode) && recent.rip === this.#parts.state.rip)
      return recent;
    const block = this.#look(mode);
    if (!("vector" in block) && block.lasting) {
      this.#recent[slot] = block;
      block.lookedUp = this.#generation;
    }
    return block;
  }

  /** Blocks are to be looked up again: as for jumps in emitted code. */
  forgetRecent(): void {
    this.#generation += 1;
  }

  #look(mode: BlockMode): Block | Fault {
    const { state, memory } = this.#parts;
    const { rip } = state;
    const linear = linearOfCode(state, rip);
    if (mode.code !== 64 && rip > BigInt(mode.codeLimit)) return GP0;
    if (!isCanonical(linear)) return GP0;
    const physical = memory.translateFetch(linear);
    if (isFault(physical)) return physical;
    return this.#find(physical, rip, mode) ?? this.#decode(mode);
  }

  #find(physical: number, rip: bigint, mode: BlockMode): Block | null {
    const there = this.#blocks.get(physical);
    return there?.find((block) => block.rip === rip && isSameMode(block.mode, mode)) ?? null;
  }

  /** Looks at a block at which control is: one that is a tree in another machine, or is hot, becomes a tree. */
  sample(block: Block): void {
    block.samples += 1;
    const { samples } = block;
    if (!block.lasting || block.tree !== null || (samples !== 1 && samples !== this.#heat.samples))
      return;
    const { decoder } = this.#parts;
    const isHot = samples >= this.#heat.samples;
    const bytes = (of: Block): string => String.fromCharCode(...this.#bytes(of));
    if (!isHot && !this.#table.hasTreeOf(decoder, keyOfRoot(block, bytes))) return;
    const tree = planTree(block, this.#finder(block), (of) => this.#instructionsOf(of));
    if (tree === null) return;
    const key = keyOfTree(tree, bytes);
    let place = this.#table.knownTree(decoder, key);
    if (place === null && !isHot) return;
    place ??= this.#table.addTree(decoder, keyOfRoot(block, bytes), key, emitTree(tree));
    this.#placeTree(tree, place);
  }

  #placeTree({ root: { block }, links }: Tree, place: number): void {
    const view = this.#view;
    if (this.#trees.size >= this.#heat.trees) for (const one of this.#trees) this.#dropTree(one);
    const needed = Math.ceil((LINK_BYTES * links.length) / RECORD_BYTES) * RECORD_BYTES;
    const at = this.#nextRecord;
    if (at + needed > this.#area.records + this.#area.recordBytes) {
      this.#table.removeTree(place);
      return;
    }
    this.#nextRecord += needed;
    links.forEach(({ start, handler }, i) => {
      view.setInt32(at + LINK_BYTES * i + LINK.record, start, true);
      view.setInt32(at + LINK_BYTES * i + LINK.handler, handler, true);
    });
    view.setInt32(block.start + RECORD_BYTES * block.count + RECORD.links, at, true);
    block.tree = place;
    this.#trees.add(block);
    view.setInt32(block.start + RECORD.handler, place, true);
  }

  /** Finds what was decoded in the page of a block, if its addresses are those of the page. */
  #finder({ physical, mode }: Block): FindBlock {
    const page = physical - (physical % PAGE_SIZE);
    if (mode.codeBase % BigInt(PAGE_SIZE) !== 0n) return () => null;
    return (rip) => this.#find(page + Number(rip % BigInt(PAGE_SIZE)), rip, mode);
  }

  /** The machine code of a block that lies in its page. */
  #bytes({ physical, bytes }: Block): Uint8Array {
    const all = new Uint8Array(bytes);
    for (let i = 0; i < bytes; ) {
      const some = this.#parts.memory.codeBytes(physical + i).subarray(0, bytes - i);
      all.set(some, i);
      i += some.length;
    }
    return all;
  }

  /** The instructions of a block, decoded once more: its page is what it was. */
  #instructionsOf(block: Block): readonly BlockInstruction[] {
    const { mode, count } = block;
    const bytes = this.#bytes(block);
    const instructions: BlockInstruction[] = [];
    let at = 0;
    for (let i = 0; i < count; i += 1) {
      const decoded = this.#parts.decoder.decode(bytes.subarray(at), mode.code);
      assert(typeof decoded === "object", "what was decoded is decoded again");
      const handler = this.#table.handlerOf(decoded, mode);
      const [rip, nextRip] = [this.ripOf(block, i), this.ripOf(block, i + 1)];
      instructions.push({ decoded, handler, rip, nextRip });
      at += decoded.length;
    }
    return instructions;
  }

  #dropTree(block: Block): void {
    if (block.tree === null) return;
    this.#table.removeTree(block.tree);
    this.#trees.delete(block);
    block.tree = null;
    block.samples = 0;
    this.#view.setInt32(block.start + RECORD.handler, block.handler, true);
  }

  /** The block and place in it of a record; one past the last instruction for its end. */
  of(record: number): { readonly block: Block; readonly position: number } {
    const block = this.#blockOf[(record - this.#area.records) / RECORD_BYTES];
    if (block === undefined) throw new RangeError("a record belongs to a block");
    return { block, position: (record - block.start) / RECORD_BYTES };
  }

  /** RIP of an instruction of a block; with one past the last, what follows the block. */
  ripOf({ rip, start }: Block, position: number): bigint {
    if (position === 0) return rip;
    return this.#view.getBigUint64(start + RECORD_BYTES * (position - 1) + RECORD.nextRip, true);
  }

  /** Cycles of the block's instructions before one; with one past the last, of all. */
  cyclesBefore({ start }: Block, position: number): number {
    if (position === 0) return 0;
    return this.#view.getInt32(start + RECORD_BYTES * position + RECORD.cyclesBefore, true);
  }

  #decode(mode: BlockMode): Block | Fault {
    const { rip } = this.#parts.state;
    const wrap = mode.code === 64 ? 64 : 32;
    const needed = RECORD_BYTES * (MAX_BLOCK + 1);
    if (this.#nextRecord + needed > this.#area.records + this.#area.recordBytes) this.#forgetAll();
    const first = decodeAt(this.#parts);
    if ("vector" in first) return first;
    const { physical, straddles } = first;
    const instructions: BlockInstruction[] = [];
    let assists = NO_ASSISTS;
    let at = rip;
    let cycles = 0;
    let bytes = 0;
    let next: Decoded | null = first.decoded;
    while (next !== null) {
      const handler = this.#table.handlerOf(next, mode);
      const nextRip = BigInt.asUintN(wrap, at + BigInt(next.length));
      const instruction: BlockInstruction = { decoded: next, handler, rip: at, nextRip };
      const position = instructions.push(instruction) - 1;
      if (handler.assist !== null)
        assists = [...assists, new Assisted(this.#parts, instruction, position, handler.assist)];
      cycles += handler.cycles;
      at = nextRip;
      bytes += next.length;
      const over: boolean = handler.ends || at < rip || (physical % PAGE_SIZE) + bytes >= PAGE_SIZE;
      next =
        over || instructions.length === MAX_BLOCK ? null : this.#ahead(physical + bytes, at, mode);
    }
    const block: Block = {
      rip,
      rip32: Number(BigInt.asUintN(32, rip)),
      mode,
      end: at,
      physical,
      start: this.#nextRecord,
      count: instructions.length,
      bytes,
      handler: instructions[0]?.handler.place ?? STALE,
      assists,
      cycles,
      // The second page of an instruction that has one is translated each time.
      lasting: !straddles,
      lookedUp: 0,
      samples: 0,
      tree: null,
    };
    this.#writeBlock(block, instructions);
    if (block.lasting) {
      const others = this.#blocks.get(physical);
      if (others === undefined) this.#blocks.set(physical, [block]);
      else others.push(block);
      this.#watch(physical, block);
    }
    return block;
  }

  /** The instruction further on in the block, if it lies in the page: nothing is translated ahead of its time. */
  #ahead(physical: number, rip: bigint, { code }: BlockMode): Decoded | null {
    const { state, decoder, memory } = this.#parts;
    let bytes = memory.codeBytes(physical);
    if (code !== 64) bytes = bytes.subarray(0, bytesToLimit(state, rip));
    const decoded = decoder.decode(bytes, code);
    return typeof decoded === "object" ? decoded : null;
  }

  #writeBlock(block: Block, instructions: readonly BlockInstruction[]): void {
    const view = this.#view;
    const { start, count, cycles, end } = block;
    let cyclesBefore = 0;
    instructions.forEach((instruction, i) => {
      const at = start + RECORD_BYTES * i;
      this.#writeRecord(at, instruction);
      view.setInt32(at + RECORD.cyclesBefore, cyclesBefore, true);
      cyclesBefore += instruction.handler.cycles;
    });
    const last = start + RECORD_BYTES * count;
    view.setInt32(last + RECORD.handler, BLOCK_END[block.mode.level], true);
    view.setInt32(last + RECORD.cyclesBefore, cycles, true);
    view.setBigUint64(last + RECORD.nextRip, end, true);
    const first = (start - this.#area.records) / RECORD_BYTES;
    for (let i = 0; i <= count; i += 1) this.#blockOf[first + i] = block;
    view.setInt32(start + RECORD.blockCycles, cycles, true);
    this.#nextRecord = last + RECORD_BYTES;
  }

  #writeRecord(at: number, { decoded, handler, nextRip }: BlockInstruction): void {
    const view = this.#view;
    view.setInt32(at + RECORD.handler, handler.place, true);
    view.setInt32(at + RECORD.cycles, handler.cycles, true);
    view.setBigUint64(at + RECORD.nextRip, nextRip, true);
    view.setInt32(
      at + RECORD.segmentBase,
      this.#parts.state.block + segmentOffset(decoded.segment),
      true,
    );
    let immediates = 0;
    decoded.operands.forEach((operand, i) => {
      if (operand.is === "register" && i < 2) {
        const place = i === 0 ? RECORD.register0 : RECORD.register1;
        view.setInt32(
          at + place,
          this.#registerAddress(operand, decoded.form.operands[i]?.kind),
          true,
        );
      } else if (operand.is === "memory") {
        this.#writeAddress(at, decoded, operand.memory, nextRip);
      } else if (operand.is === "immediate") {
        const relative = decoded.form.operands[i]?.kind === "relative";
        const value = relative
          ? BigInt.asUintN(decoded.operandSize, nextRip + operand.value)
          : operand.value;
        if (immediates === 0) view.setBigUint64(at + RECORD.immediate, value, true);
        else view.setUint32(at + RECORD.immediate2, Number(value), true);
        immediates += 1;
      }
    });
  }

  #registerAddress(
    { register }: OperandValue & { is: "register" },
    kind: OperandKind | undefined,
  ): number {
    if (kind === "xmmReg" || kind === "xmmRm")
      return this.#parts.state.block + OFFSET.xmm + 16 * register.number;
    if (kind === "mmxReg" || kind === "mmxRm")
      return this.#parts.state.block + OFFSET.x87 + 16 * register.number;
    return this.#parts.state.block + OFFSET.gpr + 8 * register.number + (register.high ? 1 : 0);
  }

  #writeAddress(at: number, decoded: Decoded, memory: MemoryOperand, nextRip: bigint): void {
    const view = this.#view;
    const gpr = (number: number): number => this.#parts.state.block + OFFSET.gpr + 8 * number;
    const none = this.#parts.state.block + OFFSET.zero;
    const { base, index, scale } = memory;
    const displacement = displacementOf(decoded, memory);
    view.setInt32(at + RECORD.base, typeof base === "number" ? gpr(base) : none, true);
    view.setInt32(at + RECORD.index, index === null ? none : gpr(index), true);
    view.setInt32(at + RECORD.scale, 31 - Math.clz32(scale), true);
    const whole = base === "rip" ? nextRip + displacement : displacement;
    view.setBigUint64(at + RECORD.displacement, BigInt.asUintN(64, whole), true);
  }

  /** One watcher a page, however often its blocks are forgotten and decoded again. */
  #watch(physical: number, block: Block): void {
    const page = Math.floor(physical / PAGE_SIZE);
    const others = this.#blocksOfPage.get(page);
    if (others !== undefined) {
      others.push(block);
      return;
    }
    this.#blocksOfPage.set(page, [block]);
    if (this.#watched.has(page)) return;
    this.#watched.add(page);
    this.#parts.memory.watchCode(physical, () => this.#pageChanged(page));
  }

  #pageChanged(page: number): void {
    this.#watched.delete(page);
    const blocks = this.#blocksOfPage.get(page);
    if (blocks === undefined) return;
    this.#blocksOfPage.delete(page);
    for (const block of blocks) {
      this.#blocks.delete(block.physical);
      this.#dropTree(block);
      for (let i = 0; i <= block.count; i += 1)
        this.#view.setInt32(block.start + RECORD_BYTES * i + RECORD.handler, STALE, true);
    }
    this.#forgetJumps();
  }

  #forgetAll(): void {
    for (const block of this.#trees) this.#dropTree(block);
    this.#blocks.clear();
    this.#blocksOfPage.clear();
    this.#nextRecord = this.#area.records;
    this.#forgetJumps();
  }
}
