/* Provenance: which CPU gives the answers, as JSON. See oracle.c. */
#include "oracle.h"

#include <cpuid.h>
#include <stdio.h>
#include <string.h>

static void text_of(char *text, unsigned a, unsigned b, unsigned c) {
  unsigned registers[3] = {a, b, c};
  memcpy(text, registers, 12);
  text[12] = 0;
  for (char *at = text; *at; at++)
    if (*at < ' ' || *at > '~' || *at == '"' || *at == '\\') *at = '?';
}

void print_cpuid(void) {
  unsigned a, b, c, d, last_basic, last_extended;
  char vendor[13], hypervisor[13], brand[64] = "";
  __cpuid(0, last_basic, b, c, d);
  text_of(vendor, b, d, c);
  __cpuid(1, a, b, c, d);
  unsigned family = (a >> 8) & 15, model = (a >> 4) & 15, stepping = a & 15;
  if (family == 6 || family == 15) model += ((a >> 16) & 15) << 4;
  if (family == 15) family += (a >> 20) & 255;
  int has_hypervisor = c >> 31;
  if (has_hypervisor) {
    __cpuid(0x40000000, a, b, c, d);
    text_of(hypervisor, b, c, d);
  }
  __cpuid(0x80000000, last_extended, b, c, d);
  if (last_extended >= 0x80000004)
    for (unsigned i = 0; i < 3; i++) {
      __cpuid(0x80000002 + i, a, b, c, d);
      unsigned registers[4] = {a, b, c, d};
      memcpy(brand + 16 * i, registers, 16);
    }
  for (size_t length = strlen(brand); length > 0 && brand[length - 1] == ' '; length--)
    brand[length - 1] = 0;
  for (char *at = brand; *at; at++)
    if (*at < ' ' || *at > '~' || *at == '"' || *at == '\\') *at = '?';

  printf("{\"vendor\":\"%s\",\"family\":%u,\"model\":%u,\"stepping\":%u,\"brand\":\"%s\",", vendor, family,
         model, stepping, brand);
  if (has_hypervisor) printf("\"hypervisor\":\"%s\",", hypervisor);
  else printf("\"hypervisor\":null,");
  printf("\"leaves\":[");
  static const struct {
    unsigned leaf, subleaf;
  } wanted[] = {{1, 0},          {7, 0},          {7, 1},          {0xD, 0},
                {0xD, 1},        {0x80000001, 0}, {0x80000008, 0}, {0x80000021, 0}};
  const char *separator = "";
  for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
    unsigned leaf = wanted[i].leaf;
    if (leaf > (leaf < 0x80000000 ? last_basic : last_extended)) continue;
    __cpuid_count(leaf, wanted[i].subleaf, a, b, c, d);
    if (leaf == 1) b &= 0x0000FFFF; /* the rest tells which core answered, not which CPU */
    printf("%s{\"leaf\":%u,\"subleaf\":%u,\"eax\":%u,\"ebx\":%u,\"ecx\":%u,\"edx\":%u}", separator, leaf,
           wanted[i].subleaf, a, b, c, d);
    separator = ",";
  }
  printf("]}\n");
}
