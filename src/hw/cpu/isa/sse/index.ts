/** The instructions on XMM and MMX registers, one line each. */

import type { Instruction } from "../../instruction.ts";
import { ADDPD } from "./ADDPD.ts";
import { ADDPS } from "./ADDPS.ts";
import { ADDSD } from "./ADDSD.ts";
import { ADDSS } from "./ADDSS.ts";
import { ADDSUBPD } from "./ADDSUBPD.ts";
import { ADDSUBPS } from "./ADDSUBPS.ts";
import { ANDNPD } from "./ANDNPD.ts";
import { ANDNPS } from "./ANDNPS.ts";
import { ANDPD } from "./ANDPD.ts";
import { ANDPS } from "./ANDPS.ts";
import { BLENDPD } from "./BLENDPD.ts";
import { BLENDPS } from "./BLENDPS.ts";
import { BLENDVPD } from "./BLENDVPD.ts";
import { BLENDVPS } from "./BLENDVPS.ts";
import { CMPPD } from "./CMPPD.ts";
import { CMPPS } from "./CMPPS.ts";
import { CMPSD } from "./CMPSD.ts";
import { CMPSS } from "./CMPSS.ts";
import { COMISD } from "./COMISD.ts";
import { COMISS } from "./COMISS.ts";
import { CVTDQ2PD } from "./CVTDQ2PD.ts";
import { CVTDQ2PS } from "./CVTDQ2PS.ts";
import { CVTPD2DQ } from "./CVTPD2DQ.ts";
import { CVTPD2PI } from "./CVTPD2PI.ts";
import { CVTPD2PS } from "./CVTPD2PS.ts";
import { CVTPI2PD } from "./CVTPI2PD.ts";
import { CVTPI2PS } from "./CVTPI2PS.ts";
import { CVTPS2DQ } from "./CVTPS2DQ.ts";
import { CVTPS2PD } from "./CVTPS2PD.ts";
import { CVTPS2PI } from "./CVTPS2PI.ts";
import { CVTSD2SI } from "./CVTSD2SI.ts";
import { CVTSD2SS } from "./CVTSD2SS.ts";
import { CVTSI2SD } from "./CVTSI2SD.ts";
import { CVTSI2SS } from "./CVTSI2SS.ts";
import { CVTSS2SD } from "./CVTSS2SD.ts";
import { CVTSS2SI } from "./CVTSS2SI.ts";
import { CVTTPD2DQ } from "./CVTTPD2DQ.ts";
import { CVTTPD2PI } from "./CVTTPD2PI.ts";
import { CVTTPS2DQ } from "./CVTTPS2DQ.ts";
import { CVTTPS2PI } from "./CVTTPS2PI.ts";
import { CVTTSD2SI } from "./CVTTSD2SI.ts";
import { CVTTSS2SI } from "./CVTTSS2SI.ts";
import { DIVPD } from "./DIVPD.ts";
import { DIVPS } from "./DIVPS.ts";
import { DIVSD } from "./DIVSD.ts";
import { DIVSS } from "./DIVSS.ts";
import { DPPD } from "./DPPD.ts";
import { DPPS } from "./DPPS.ts";
import { EXTRACTPS } from "./EXTRACTPS.ts";
import { HADDPD } from "./HADDPD.ts";
import { HADDPS } from "./HADDPS.ts";
import { HSUBPD } from "./HSUBPD.ts";
import { HSUBPS } from "./HSUBPS.ts";
import { INSERTPS } from "./INSERTPS.ts";
import { LDDQU } from "./LDDQU.ts";
import { LDMXCSR } from "./LDMXCSR.ts";
import { MASKMOVDQU } from "./MASKMOVDQU.ts";
import { MASKMOVQ } from "./MASKMOVQ.ts";
import { MAXPD } from "./MAXPD.ts";
import { MAXPS } from "./MAXPS.ts";
import { MAXSD } from "./MAXSD.ts";
import { MAXSS } from "./MAXSS.ts";
import { MINPD } from "./MINPD.ts";
import { MINPS } from "./MINPS.ts";
import { MINSD } from "./MINSD.ts";
import { MINSS } from "./MINSS.ts";
import { MOVAPD } from "./MOVAPD.ts";
import { MOVAPS } from "./MOVAPS.ts";
import { MOVD } from "./MOVD.ts";
import { MOVDDUP } from "./MOVDDUP.ts";
import { MOVDQ2Q } from "./MOVDQ2Q.ts";
import { MOVDQA } from "./MOVDQA.ts";
import { MOVDQU } from "./MOVDQU.ts";
import { MOVHLPS } from "./MOVHLPS.ts";
import { MOVHPD } from "./MOVHPD.ts";
import { MOVHPS } from "./MOVHPS.ts";
import { MOVLHPS } from "./MOVLHPS.ts";
import { MOVLPD } from "./MOVLPD.ts";
import { MOVLPS } from "./MOVLPS.ts";
import { MOVMSKPD } from "./MOVMSKPD.ts";
import { MOVMSKPS } from "./MOVMSKPS.ts";
import { MOVNTDQ } from "./MOVNTDQ.ts";
import { MOVNTDQA } from "./MOVNTDQA.ts";
import { MOVNTPD } from "./MOVNTPD.ts";
import { MOVNTPS } from "./MOVNTPS.ts";
import { MOVNTQ } from "./MOVNTQ.ts";
import { MOVQ } from "./MOVQ.ts";
import { MOVQ2DQ } from "./MOVQ2DQ.ts";
import { MOVSD } from "./MOVSD.ts";
import { MOVSHDUP } from "./MOVSHDUP.ts";
import { MOVSLDUP } from "./MOVSLDUP.ts";
import { MOVSS } from "./MOVSS.ts";
import { MOVUPD } from "./MOVUPD.ts";
import { MOVUPS } from "./MOVUPS.ts";
import { MPSADBW } from "./MPSADBW.ts";
import { MULPD } from "./MULPD.ts";
import { MULPS } from "./MULPS.ts";
import { MULSD } from "./MULSD.ts";
import { MULSS } from "./MULSS.ts";
import { ORPD } from "./ORPD.ts";
import { ORPS } from "./ORPS.ts";
import { PABSB } from "./PABSB.ts";
import { PACKSSWB } from "./PACKSSWB.ts";
import { PACKUSDW } from "./PACKUSDW.ts";
import { PACKUSWB } from "./PACKUSWB.ts";
import { PADDB } from "./PADDB.ts";
import { PADDSB } from "./PADDSB.ts";
import { PADDUSB } from "./PADDUSB.ts";
import { PALIGNR } from "./PALIGNR.ts";
import { PAND } from "./PAND.ts";
import { PANDN } from "./PANDN.ts";
import { PAVGB } from "./PAVGB.ts";
import { PBLENDVB } from "./PBLENDVB.ts";
import { PBLENDW } from "./PBLENDW.ts";
import { PCMPEQB } from "./PCMPEQB.ts";
import { PCMPEQQ } from "./PCMPEQQ.ts";
import { PCMPESTRI } from "./PCMPESTRI.ts";
import { PCMPESTRM } from "./PCMPESTRM.ts";
import { PCMPGTB } from "./PCMPGTB.ts";
import { PCMPGTQ } from "./PCMPGTQ.ts";
import { PCMPISTRI } from "./PCMPISTRI.ts";
import { PCMPISTRM } from "./PCMPISTRM.ts";
import { PEXTRB } from "./PEXTRB.ts";
import { PEXTRW } from "./PEXTRW.ts";
import { PHADDSW } from "./PHADDSW.ts";
import { PHADDW } from "./PHADDW.ts";
import { PHMINPOSUW } from "./PHMINPOSUW.ts";
import { PHSUBSW } from "./PHSUBSW.ts";
import { PHSUBW } from "./PHSUBW.ts";
import { PINSRB } from "./PINSRB.ts";
import { PINSRW } from "./PINSRW.ts";
import { PMADDUBSW } from "./PMADDUBSW.ts";
import { PMADDWD } from "./PMADDWD.ts";
import { PMAXSB } from "./PMAXSB.ts";
import { PMAXUB } from "./PMAXUB.ts";
import { PMAXUD } from "./PMAXUD.ts";
import { PMINSB } from "./PMINSB.ts";
import { PMINSD } from "./PMINSD.ts";
import { PMINUB } from "./PMINUB.ts";
import { PMINUD } from "./PMINUD.ts";
import { PMOVMSKB } from "./PMOVMSKB.ts";
import { PMOVSX } from "./PMOVSX.ts";
import { PMOVZX } from "./PMOVZX.ts";
import { PMULDQ } from "./PMULDQ.ts";
import { PMULHRSW } from "./PMULHRSW.ts";
import { PMULHUW } from "./PMULHUW.ts";
import { PMULHW } from "./PMULHW.ts";
import { PMULLD } from "./PMULLD.ts";
import { PMULLW } from "./PMULLW.ts";
import { PMULUDQ } from "./PMULUDQ.ts";
import { POR } from "./POR.ts";
import { PSADBW } from "./PSADBW.ts";
import { PSHUFB } from "./PSHUFB.ts";
import { PSHUFD } from "./PSHUFD.ts";
import { PSHUFHW } from "./PSHUFHW.ts";
import { PSHUFLW } from "./PSHUFLW.ts";
import { PSHUFW } from "./PSHUFW.ts";
import { PSIGNB } from "./PSIGNB.ts";
import { PSLLDQ } from "./PSLLDQ.ts";
import { PSLLW } from "./PSLLW.ts";
import { PSRAW } from "./PSRAW.ts";
import { PSRLDQ } from "./PSRLDQ.ts";
import { PSRLW } from "./PSRLW.ts";
import { PSUBB } from "./PSUBB.ts";
import { PSUBQ } from "./PSUBQ.ts";
import { PSUBSB } from "./PSUBSB.ts";
import { PSUBUSB } from "./PSUBUSB.ts";
import { PTEST } from "./PTEST.ts";
import { PUNPCKHBW } from "./PUNPCKHBW.ts";
import { PUNPCKLBW } from "./PUNPCKLBW.ts";
import { PXOR } from "./PXOR.ts";
import { RCPPS } from "./RCPPS.ts";
import { RCPSS } from "./RCPSS.ts";
import { ROUNDPD } from "./ROUNDPD.ts";
import { ROUNDPS } from "./ROUNDPS.ts";
import { ROUNDSD } from "./ROUNDSD.ts";
import { ROUNDSS } from "./ROUNDSS.ts";
import { RSQRTPS } from "./RSQRTPS.ts";
import { RSQRTSS } from "./RSQRTSS.ts";
import { SHUFPD } from "./SHUFPD.ts";
import { SHUFPS } from "./SHUFPS.ts";
import { SQRTPD } from "./SQRTPD.ts";
import { SQRTPS } from "./SQRTPS.ts";
import { SQRTSD } from "./SQRTSD.ts";
import { SQRTSS } from "./SQRTSS.ts";
import { STMXCSR } from "./STMXCSR.ts";
import { SUBPD } from "./SUBPD.ts";
import { SUBPS } from "./SUBPS.ts";
import { SUBSD } from "./SUBSD.ts";
import { SUBSS } from "./SUBSS.ts";
import { UCOMISD } from "./UCOMISD.ts";
import { UCOMISS } from "./UCOMISS.ts";
import { UNPCKHPD } from "./UNPCKHPD.ts";
import { UNPCKHPS } from "./UNPCKHPS.ts";
import { UNPCKLPD } from "./UNPCKLPD.ts";
import { UNPCKLPS } from "./UNPCKLPS.ts";
import { XORPD } from "./XORPD.ts";
import { XORPS } from "./XORPS.ts";

export const SSE_INSTRUCTIONS: readonly Instruction[] = [
  ADDPD,
  ADDPS,
  ADDSD,
  ADDSS,
  ADDSUBPD,
  ADDSUBPS,
  ANDNPD,
  ANDNPS,
  ANDPD,
  ANDPS,
  BLENDPD,
  BLENDPS,
  BLENDVPD,
  BLENDVPS,
  CMPPD,
  CMPPS,
  CMPSD,
  CMPSS,
  COMISD,
  COMISS,
  CVTDQ2PD,
  CVTDQ2PS,
  CVTPD2DQ,
  CVTPD2PI,
  CVTPD2PS,
  CVTPI2PD,
  CVTPI2PS,
  CVTPS2DQ,
  CVTPS2PD,
  CVTPS2PI,
  CVTSD2SI,
  CVTSD2SS,
  CVTSI2SD,
  CVTSI2SS,
  CVTSS2SD,
  CVTSS2SI,
  CVTTPD2DQ,
  CVTTPD2PI,
  CVTTPS2DQ,
  CVTTPS2PI,
  CVTTSD2SI,
  CVTTSS2SI,
  DIVPD,
  DIVPS,
  DIVSD,
  DIVSS,
  DPPD,
  DPPS,
  EXTRACTPS,
  HADDPD,
  HADDPS,
  HSUBPD,
  HSUBPS,
  INSERTPS,
  LDDQU,
  LDMXCSR,
  MASKMOVDQU,
  MASKMOVQ,
  MAXPD,
  MAXPS,
  MAXSD,
  MAXSS,
  MINPD,
  MINPS,
  MINSD,
  MINSS,
  MOVAPD,
  MOVAPS,
  ...MOVD,
  MOVDDUP,
  MOVDQ2Q,
  MOVDQA,
  MOVDQU,
  MOVHLPS,
  MOVHPD,
  MOVHPS,
  MOVLHPS,
  MOVLPD,
  MOVLPS,
  MOVMSKPD,
  MOVMSKPS,
  MOVNTDQ,
  MOVNTDQA,
  MOVNTPD,
  MOVNTPS,
  MOVNTQ,
  MOVQ,
  MOVQ2DQ,
  MOVSD,
  MOVSHDUP,
  MOVSLDUP,
  MOVSS,
  MOVUPD,
  MOVUPS,
  MPSADBW,
  MULPD,
  MULPS,
  MULSD,
  MULSS,
  ORPD,
  ORPS,
  ...PABSB,
  ...PACKSSWB,
  PACKUSDW,
  PACKUSWB,
  ...PADDB,
  ...PADDSB,
  ...PADDUSB,
  PALIGNR,
  PAND,
  PANDN,
  ...PAVGB,
  PBLENDVB,
  PBLENDW,
  ...PCMPEQB,
  PCMPEQQ,
  PCMPESTRI,
  PCMPESTRM,
  ...PCMPGTB,
  PCMPGTQ,
  PCMPISTRI,
  PCMPISTRM,
  ...PEXTRB,
  PEXTRW,
  PHADDSW,
  ...PHADDW,
  PHMINPOSUW,
  PHSUBSW,
  ...PHSUBW,
  ...PINSRB,
  PINSRW,
  PMADDUBSW,
  PMADDWD,
  ...PMAXSB,
  ...PMAXUB,
  PMAXUD,
  ...PMINSB,
  PMINSD,
  ...PMINUB,
  PMINUD,
  PMOVMSKB,
  ...PMOVSX,
  ...PMOVZX,
  PMULDQ,
  PMULHRSW,
  PMULHUW,
  PMULHW,
  PMULLD,
  PMULLW,
  PMULUDQ,
  POR,
  PSADBW,
  PSHUFB,
  PSHUFD,
  PSHUFHW,
  PSHUFLW,
  PSHUFW,
  ...PSIGNB,
  PSLLDQ,
  ...PSLLW,
  ...PSRAW,
  PSRLDQ,
  ...PSRLW,
  ...PSUBB,
  PSUBQ,
  ...PSUBSB,
  ...PSUBUSB,
  PTEST,
  ...PUNPCKHBW,
  ...PUNPCKLBW,
  PXOR,
  RCPPS,
  RCPSS,
  ROUNDPD,
  ROUNDPS,
  ROUNDSD,
  ROUNDSS,
  RSQRTPS,
  RSQRTSS,
  SHUFPD,
  SHUFPS,
  SQRTPD,
  SQRTPS,
  SQRTSD,
  SQRTSS,
  STMXCSR,
  SUBPD,
  SUBPS,
  SUBSD,
  SUBSS,
  UCOMISD,
  UCOMISS,
  UNPCKHPD,
  UNPCKHPS,
  UNPCKLPD,
  UNPCKLPS,
  XORPD,
  XORPS,
];
