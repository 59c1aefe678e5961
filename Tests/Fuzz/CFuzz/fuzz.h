#ifndef MAAS_FUZZ_H
#define MAAS_FUZZ_H
/// libFuzzer's entry for programs that have a main of their own, as SwiftPM's do.
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*test)(const uint8_t *bytes, size_t size));

#endif
