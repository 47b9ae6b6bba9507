/** Every instruction, one line each. */

import type { Instruction } from "../instruction.ts";
import { AAA } from "./AAA.ts";
import { AAD } from "./AAD.ts";
import { AAM } from "./AAM.ts";
import { AAS } from "./AAS.ts";
import { ADC } from "./ADC.ts";
import { ADD } from "./ADD.ts";
import { AND } from "./AND.ts";
import { BOUND } from "./BOUND.ts";
import { BSF } from "./BSF.ts";
import { BSR } from "./BSR.ts";
import { BSWAP } from "./BSWAP.ts";
import { BT } from "./BT.ts";
import { BTC } from "./BTC.ts";
import { BTR } from "./BTR.ts";
import { BTS } from "./BTS.ts";
import { CALL } from "./CALL.ts";
import { CBW } from "./CBW.ts";
import { CLC } from "./CLC.ts";
import { CLD } from "./CLD.ts";
import { CLFLUSH } from "./CLFLUSH.ts";
import { CLI } from "./CLI.ts";
import { CMC } from "./CMC.ts";
import { CMOVcc } from "./CMOVcc.ts";
import { CMP } from "./CMP.ts";
import { CMPS } from "./CMPS.ts";
import { CMPXCHG } from "./CMPXCHG.ts";
import { CMPXCHG8B } from "./CMPXCHG8B.ts";
import { CRC32 } from "./CRC32.ts";
import { CWD } from "./CWD.ts";
import { DAA } from "./DAA.ts";
import { DAS } from "./DAS.ts";
import { DEC } from "./DEC.ts";
import { DIV } from "./DIV.ts";
import { EMMS } from "./mmx/EMMS.ts";
import { ENDBR } from "./ENDBR.ts";
import { ENTER } from "./ENTER.ts";
import { HLT } from "./HLT.ts";
import { IDIV } from "./IDIV.ts";
import { IMUL } from "./IMUL.ts";
import { INC } from "./INC.ts";
import { INT } from "./INT.ts";
import { IRET } from "./IRET.ts";
import { JMP } from "./JMP.ts";
import { Jcc } from "./Jcc.ts";
import { LAHF } from "./LAHF.ts";
import { LDS } from "./LDS.ts";
import { LEA } from "./LEA.ts";
import { LEAVE } from "./LEAVE.ts";
import { LFENCE } from "./LFENCE.ts";
import { LODS } from "./LODS.ts";
import { LOOP } from "./LOOP.ts";
import { LZCNT } from "./LZCNT.ts";
import { MFENCE } from "./MFENCE.ts";
import { MOV } from "./MOV.ts";
import { MOVBE } from "./MOVBE.ts";
import { MOVNTI } from "./MOVNTI.ts";
import { MOVS } from "./MOVS.ts";
import { MOVSX } from "./MOVSX.ts";
import { MOVZX } from "./MOVZX.ts";
import { MUL } from "./MUL.ts";
import { NEG } from "./NEG.ts";
import { NOP } from "./NOP.ts";
import { NOT } from "./NOT.ts";
import { OR } from "./OR.ts";
import { PAUSE } from "./PAUSE.ts";
import { POP } from "./POP.ts";
import { POPA } from "./POPA.ts";
import { POPCNT } from "./POPCNT.ts";
import { POPF } from "./POPF.ts";
import { PREFETCHW } from "./PREFETCHW.ts";
import { PREFETCHh } from "./PREFETCHh.ts";
import { PUSH } from "./PUSH.ts";
import { PUSHA } from "./PUSHA.ts";
import { PUSHF } from "./PUSHF.ts";
import { RCL } from "./RCL.ts";
import { RET } from "./RET.ts";
import { SAHF } from "./SAHF.ts";
import { SAL } from "./SAL.ts";
import { SALC } from "./SALC.ts";
import { SBB } from "./SBB.ts";
import { SCAS } from "./SCAS.ts";
import { SETcc } from "./SETcc.ts";
import { SFENCE } from "./SFENCE.ts";
import { SHLD } from "./SHLD.ts";
import { SHRD } from "./SHRD.ts";
import { SSE_INSTRUCTIONS } from "./sse/index.ts";
import { STC } from "./STC.ts";
import { STD } from "./STD.ts";
import { STI } from "./STI.ts";
import { STOS } from "./STOS.ts";
import { SUB } from "./SUB.ts";
import { SVM_INSTRUCTIONS } from "./svm/index.ts";
import { SYSTEM_INSTRUCTIONS } from "./system/index.ts";
import { TEST } from "./TEST.ts";
import { TZCNT } from "./TZCNT.ts";
import { UD } from "./UD.ts";
import { XSAVE_INSTRUCTIONS } from "./xsave/index.ts";
import { X87_INSTRUCTIONS } from "./x87/index.ts";
import { VMX_INSTRUCTIONS } from "./vmx/index.ts";
import { XADD } from "./XADD.ts";
import { XCHG } from "./XCHG.ts";
import { XLAT } from "./XLAT.ts";
import { XOR } from "./XOR.ts";

export const INSTRUCTIONS: readonly Instruction[] = [
  AAA,
  AAD,
  AAM,
  AAS,
  ADC,
  ADD,
  AND,
  BOUND,
  BSF,
  BSR,
  BSWAP,
  BT,
  BTC,
  BTR,
  BTS,
  ...CALL,
  ...CBW,
  CLC,
  CLD,
  CLFLUSH,
  CLI,
  CMC,
  ...CMOVcc,
  CMP,
  ...CMPS,
  CMPXCHG,
  ...CMPXCHG8B,
  CRC32,
  ...CWD,
  DAA,
  DAS,
  DEC,
  DIV,
  EMMS,
  ...ENDBR,
  ENTER,
  HLT,
  IDIV,
  IMUL,
  INC,
  ...INT,
  ...IRET,
  ...JMP,
  ...Jcc,
  LAHF,
  ...LDS,
  LEA,
  LEAVE,
  LFENCE,
  ...LODS,
  ...LOOP,
  LZCNT,
  MFENCE,
  ...MOV,
  MOVBE,
  MOVNTI,
  ...MOVS,
  ...MOVSX,
  MOVZX,
  MUL,
  NEG,
  NOP,
  NOT,
  OR,
  PAUSE,
  ...POP,
  ...POPA,
  POPCNT,
  ...POPF,
  ...PREFETCHW,
  ...PREFETCHh,
  ...PUSH,
  ...PUSHA,
  ...PUSHF,
  ...RCL,
  ...RET,
  SAHF,
  ...SAL,
  SALC,
  SBB,
  ...SCAS,
  ...SETcc,
  SFENCE,
  SHLD,
  SHRD,
  ...SSE_INSTRUCTIONS,
  STC,
  STD,
  STI,
  ...STOS,
  SUB,
  ...SVM_INSTRUCTIONS,
  ...SYSTEM_INSTRUCTIONS,
  TEST,
  TZCNT,
  ...UD,
  ...VMX_INSTRUCTIONS,
  ...X87_INSTRUCTIONS,
  XADD,
  XCHG,
  XLAT,
  ...XSAVE_INSTRUCTIONS,
  XOR,
];
