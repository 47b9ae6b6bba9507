/** What a kernel is: see kernels.ts for how it is entered and left. */

export interface Kernel {
  readonly name: string;
  /** What it stands for. */
  readonly about: string;
  readonly source: string;
  /** Work for one measurement, in RDI. */
  readonly work: number;
}
