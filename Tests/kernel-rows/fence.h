#ifndef FENCE_H
#define FENCE_H
/// Memory whose first or last byte touches a page that may not be read, so that one step outside is a crash.
/// On the other side known bytes show stray writes.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fenced {
  void *mapping;
  size_t mapped;
  unsigned char *bytes; ///< NULL for no operand.
  size_t size;
  bool at_end;
} fenced;

fenced fence(size_t size, bool at_end);
bool fence_whole(const fenced *memory);
void unfence(fenced *memory);

/// SplitMix64 (Steele, Lea, Flood 2014): the same values on every machine.
uint64_t random_bits(uint64_t *state);
float random_float(uint64_t *state, float low, float high);

#endif
