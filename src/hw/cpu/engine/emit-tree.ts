/**
 * Emits a tree: one WebAssembly function that does its blocks as the handlers of their instructions would, with
 * operands and addresses as constants and with registers in locals. It only does what needs no host: everything else,
 * a page that is not in the caches, a fault, an assist, is left to the handler of that instruction, which finds all as
 * if the ones before had been executed. Registers are written through; flags are put in their place on the way out.
 * Where the records lie is no part of the code, which serves again wherever the same bytes are executed.
 */

import { EXIT, LINK, LINK_BYTES, RECORD, RECORD_BYTES, SCRATCH } from "./layout.ts";
import { OFFSET } from "../state.ts";
import type { Block } from "./blocks.ts";
import { CPU, emitGoto, HANDLER_TYPE, REC } from "./emit-control.ts";
import { InstructionEmitter } from "./emit-tree-instruction.ts";
import { losesFlags, type Tree, type TreeNode } from "./tree.ts";
import { storeAll } from "./tree-flags.ts";
import { registersRead } from "./tree-operands.ts";
import { TreeBody, TreeState } from "./tree-state.ts";
import { type FunctionBody, I32, I64 } from "./wasm.ts";

export function emitTree(tree: Tree): FunctionBody {
  return new TreeEmitter(tree).emit();
}

class TreeEmitter {
  readonly #tree: Tree;
  readonly #body = new TreeBody();
  /** What is left of the budget, all of the block paid for. */
  readonly #budget = this.#body.home(I32);
  readonly #rip = this.#body.home(I64);
  readonly #left = this.#body.home(I32);
  readonly #record = this.#body.home(I32);
  /** By number: locals of registers at the start of each round. */
  readonly #homes = new Map<number, number>();
  /** Blocks open within the loop. */
  #depth = 0;

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  emit(): FunctionBody {
    const body = this.#body;
    const { root, loops } = this.#tree;
    body.get(CPU).memory("i32.load", SCRATCH.budget).set(this.#budget);
    const state = new TreeState();
    if (loops) {
      for (const number of registersOf(this.#tree)) {
        const home = body.home(I64);
        body
          .get(CPU)
          .memory("i64.load", OFFSET.gpr + 8 * number)
          .set(home);
        this.#homes.set(number, home);
        state.registers[number] = { local: home, bits: 64 };
      }
      body.loop();
    }
    this.#node(root, state);
    if (loops) body.op("end", "unreachable");
    return body;
  }

  #node(node: TreeNode, state: TreeState): void {
    const { instructions } = node;
    for (let i = 0; i < node.count; i += 1) {
      const instruction = instructions[i];
      if (instruction === undefined) break;
      this.#body.keep(state.locals());
      const emitter = new InstructionEmitter(this.#body, state, instruction, {
        block: node.block,
        giveUp: () => this.#giveUp(node.block, i, state),
      });
      const then = emitter.emit();
      if (then.goes === "nowhere") return;
      if (then.goes === "elsewhere") {
        this.#jump(node, state, then);
        return;
      }
    }
    if (node.count < instructions.length) this.#giveUp(node.block, node.count, state);
    else this.#goTo(node, node.block.end, state);
  }

  #jump(
    node: TreeNode,
    state: TreeState,
    { condition, target, rip }: { condition: number | null; target: number; rip: bigint | null },
  ): void {
    const body = this.#body;
    const taken = (from: TreeState): void => {
      if (rip !== null) this.#goTo(node, rip, from);
      else this.#goToValue(target, from);
    };
    if (condition === null) {
      taken(state);
      return;
    }
    body.get(condition).if();
    this.#depth += 1;
    taken(state.copy());
    body.op("else").keep(state.locals());
    this.#goTo(node, node.block.end, state.copy());
    body.op("end", "unreachable");
    this.#depth -= 1;
  }

  #goTo(node: TreeNode, rip: bigint, state: TreeState): void {
    const edge = node.edges.get(rip) ?? { to: "address" };
    switch (edge.to) {
      case "root":
        this.#pay(this.#tree.root.block, state);
        this.#nextRound(state);
        return;
      case "node":
        this.#pay(edge.node.block, state);
        this.#node(edge.node, state);
        return;
      case "block":
        this.#pay(edge.block, state);
        this.#settle(state);
        this.#enterRecord(edge.block, 0);
        return;
      case "address":
        this.#body.i64(rip).set(this.#rip);
        this.#goToValue(this.#rip, state);
    }
  }

  #goToValue(local: number, state: TreeState): void {
    this.#settle(state);
    emitGoto(this.#body, local, this.#tree.root.block.mode.level);
  }

  /** Takes the cycles of a block, or leaves before it. */
  #pay(block: Block, state: TreeState): void {
    const body = this.#body;
    body.get(this.#budget).i32(block.cycles).op("i32.sub").tee(this.#left).i32(0);
    body.op("i32.lt_s").if();
    this.#settle(state);
    body.get(CPU).i64(block.rip).memory("i64.store", OFFSET.rip);
    body.i32(EXIT.budget).op("return", "end");
    body.get(this.#left).set(this.#budget);
  }

  /** Back to the start of the tree, with registers and flags where it expects them. */
  #nextRound(state: TreeState): void {
    const body = this.#body;
    if (!losesFlags(this.#tree.root)) storeAll(body, state.flags);
    const moved = [...this.#homes].flatMap(([number, home]) => {
      const local = state.registers[number]?.local;
      return local === undefined || local === home ? [] : [{ home, local }];
    });
    for (const { local } of moved) body.get(local);
    for (const { home } of moved.toReversed()) body.set(home);
    body.branch(this.#depth);
  }

  /** Leaves an instruction, and what follows, to the handlers. */
  #giveUp(block: Block, position: number, state: TreeState): void {
    this.#settle(state);
    if (position > 0) {
      this.#enterRecord(block, position);
      return;
    }
    // The handler of the first record may be that of a tree.
    const body = this.#body;
    body.get(CPU);
    this.#link(block, LINK.record);
    this.#link(block, LINK.handler).tailCallIndirect(HANDLER_TYPE);
  }

  #enterRecord(block: Block, position: number): void {
    const body = this.#body;
    this.#link(block, LINK.record);
    if (position > 0) body.i32(RECORD_BYTES * position).op("i32.add");
    body.set(this.#record).get(CPU).get(this.#record).get(this.#record);
    body.memory("i32.load", RECORD.handler).tailCallIndirect(HANDLER_TYPE);
  }

  /** Leaves a word of a link: the record after the last of the first block says where they lie. */
  #link(block: Block, word: number): FunctionBody {
    const { root, links } = this.#tree;
    const end = RECORD_BYTES * root.block.count;
    this.#body.get(REC).memory("i32.load", end + RECORD.links);
    return this.#body.memory("i32.load", LINK_BYTES * links.indexOf(block) + word);
  }

  /** Puts in its place what only the tree knows. */
  #settle(state: TreeState): void {
    storeAll(this.#body, state.flags);
    this.#body.get(CPU).get(this.#budget).memory("i32.store", SCRATCH.budget);
  }
}

/** General-purpose registers whose values a tree may need. */
const registersOf = ({ nodes }: Tree): ReadonlySet<number> =>
  new Set(
    nodes.flatMap(({ instructions, count }) => instructions.slice(0, count).flatMap(registersRead)),
  );
