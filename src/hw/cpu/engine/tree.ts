/**
 * Trees: a hot block and the blocks that follow it on either side of its branches, to be compiled together. All lie in
 * one page: as long as the first may be entered, what was decoded of the others holds too, so that a tree goes from one
 * to the next without asking.
 */

import { PAGE_SIZE } from "../../../sim/paged-memory.ts";
import type { MicroOp } from "../uop.ts";
import type { Block, BlockInstruction } from "./blocks.ts";

const MOST_INSTRUCTIONS = 96;
const MOST_BLOCKS = 16;

/** Where control goes after a block of a tree. */
export type Edge =
  /** To the start of the tree. */
  | { readonly to: "root" }
  | { readonly to: "node"; readonly node: TreeNode }
  /** To a block of the same page that is not in the tree, or is before this one. */
  | { readonly to: "block"; readonly block: Block }
  /** To an address of which nothing is known. */
  | { readonly to: "address" };

export interface TreeNode {
  readonly block: Block;
  readonly instructions: readonly BlockInstruction[];
  /** Instructions that the tree does; with fewer than the block has, the next is left to its handler. */
  readonly count: number;
  /** By RIP. */
  readonly edges: Map<bigint, Edge>;
}

export interface Tree {
  readonly root: TreeNode;
  /** Some edge goes to the root. */
  readonly loops: boolean;
  readonly nodes: readonly TreeNode[];
  /** Blocks whose records the tree may go to; it finds their places in this order. */
  readonly links: readonly Block[];
}

/** What a tree may go on with: the block of the page that begins at an address. */
export type FindBlock = (rip: bigint) => Block | null;
type InstructionsOf = (block: Block) => readonly BlockInstruction[];

/** Null when the first instruction is already one that trees do not do. */
export function planTree(
  block: Block,
  find: FindBlock,
  instructionsOf: InstructionsOf,
): Tree | null {
  const root = nodeOf(block, instructionsOf(block));
  if (root.count === 0) return null;
  const nodes = [root];
  const parents = new Map<TreeNode, TreeNode>();
  let instructions = root.count;
  const links = new Set([block]);
  let loops = false;
  // By levels, so that both sides of a branch get their share.
  for (const node of nodes) {
    for (const rip of successorsOf(node)) {
      if (rip === root.block.rip) {
        node.edges.set(rip, { to: "root" });
        loops = true;
        continue;
      }
      const next = isSamePage(rip, block.rip) ? find(rip) : null;
      if (next === null) {
        node.edges.set(rip, { to: "address" });
        continue;
      }
      links.add(next);
      const child = nodeOf(next, instructionsOf(next));
      const fits = instructions + child.count <= MOST_INSTRUCTIONS && nodes.length < MOST_BLOCKS;
      if (!fits || child.count === 0 || isAbove(parents, node, next)) {
        node.edges.set(rip, { to: "block", block: next });
        continue;
      }
      node.edges.set(rip, { to: "node", node: child });
      parents.set(child, node);
      nodes.push(child);
      instructions += child.count;
    }
  }
  return { root, loops, nodes, links: [...links] };
}

function nodeOf(block: Block, instructions: readonly BlockInstruction[]): TreeNode {
  const stop = instructions.findIndex((one) => !isForTrees(one));
  return { block, instructions, count: stop < 0 ? instructions.length : stop, edges: new Map() };
}

/** An inner loop is no part of the tree of the outer one: it becomes a tree of its own. */
function isAbove(parents: Map<TreeNode, TreeNode>, node: TreeNode, block: Block): boolean {
  let above: TreeNode | undefined = node;
  while (above !== undefined) {
    if (above.block === block) return true;
    above = parents.get(above);
  }
  return false;
}

const keyOfBlock = (block: Block, bytes: (block: Block) => string): string =>
  `${block.rip} ${block.cycles} ${bytes(block)}`;

/** What the keys of all trees begin with that begin with a block. */
export const keyOfRoot = (block: Block, bytes: (block: Block) => string): string =>
  `${block.mode.key}|${keyOfBlock(block, bytes)}`;

/**
 * All that the code of a tree depends on, as text; `bytes` gives the machine code of a block. What was decoded follows
 * from that and from the mode.
 */
export function keyOfTree({ nodes, links }: Tree, bytes: (block: Block) => string): string {
  const parts = [`${nodes[0]?.block.mode.key}`];
  for (const block of links) parts.push(keyOfBlock(block, bytes));
  for (const { block, edges } of nodes) {
    parts.push(`${links.indexOf(block)}`);
    for (const [rip, edge] of edges) parts.push(`${rip} ${edge.to}`);
  }
  return parts.join("|");
}

/** The addresses that control may go to, as far as they are known. */
function successorsOf({ block, instructions, count }: TreeNode): readonly bigint[] {
  const { end } = block;
  const last = instructions[instructions.length - 1];
  if (count < instructions.length || last === undefined) return [];
  const jump = last.handler.list.find(({ op }) => op === "jump");
  if (jump?.op !== "jump") return [end];
  const target = relativeTarget(last, end);
  const next = jump.condition === null ? [] : [end];
  return target === null ? next : [...new Set([target, ...next])];
}

/** Where a jump relative to the next instruction goes. */
function relativeTarget({ decoded }: BlockInstruction, nextRip: bigint): bigint | null {
  const index = decoded.form.operands.findIndex(({ kind }) => kind === "relative");
  const operand = decoded.operands[index];
  return operand?.is === "immediate"
    ? BigInt.asUintN(decoded.operandSize, nextRip + operand.value)
    : null;
}

const isSamePage = (a: bigint, b: bigint): boolean =>
  a / BigInt(PAGE_SIZE) === b / BigInt(PAGE_SIZE);

const CHANGES_MORE: ReadonlySet<MicroOp["op"]> = new Set([
  "store",
  "storeVector",
  "writeRegister",
  "writeGpr",
  "writeVector",
  "writeMmx",
  "jump",
  "faultIf",
  "load",
  "loadVector",
]);

/** Assists and repeated instructions are not, nor accesses with a check of their segment. */
function isForTrees({ handler: { list, shape } }: BlockInstruction): boolean {
  const checked = shape.effective === "checked" || shape.named === "checked";
  let mayHaveFinished = false;
  return list.every((micro, i) => {
    if (mayHaveFinished && CHANGES_MORE.has(micro.op)) return false;
    if (micro.op === "finishIf") mayHaveFinished = true;
    if (micro.op === "jump") return i === list.length - 1;
    if (micro.op === "load" || micro.op === "store" || micro.op === "linearAddress")
      return !checked;
    if (micro.op === "loadVector" || micro.op === "storeVector") return !checked;
    return micro.op !== "assist" && micro.op !== "repeatIf";
  });
}

/** Whether the status flags are lost from here on, before anybody can see them. */
export function losesFlags({ instructions, count }: TreeNode): boolean {
  for (const { handler } of instructions.slice(0, count)) {
    for (const { op, ...micro } of handler.list) {
      if (SHOWS_FLAGS.has(op)) return false;
      if (op === "flagsOfAdd" || op === "flagsOfSub" || op === "flagsOfLogic") return true;
      if (op === "readFlag" && "flag" in micro && micro.flag !== "DF") return false;
    }
  }
  return false;
}

/** Here the instruction may be left to its handler, or some flags stay. */
const SHOWS_FLAGS: ReadonlySet<MicroOp["op"]> = new Set([
  "load",
  "store",
  "loadVector",
  "storeVector",
  "faultIf",
  "finishIf",
  "assistIf",
  "float",
  "setFlags",
  "jump",
]);
