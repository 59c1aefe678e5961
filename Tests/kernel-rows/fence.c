#include "fence.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { mark = 0x5A, margin = 64 };

fenced fence(size_t size, bool at_end) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t inner = (size + margin + page - 1) / page * page;
  fenced made = {.mapped = inner + 2 * page, .size = size, .at_end = at_end};
  made.mapping = mmap(NULL, made.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (made.mapping == MAP_FAILED) {
    perror("kernel-rows: no memory");
    exit(1);
  }
  unsigned char *first = made.mapping;
  memset(first + page, mark, inner);
  made.bytes = at_end ? first + page + inner - size : first + page;
  mprotect(first, page, PROT_NONE);
  mprotect(first + page + inner, page, PROT_NONE);
  return made;
}

bool fence_whole(const fenced *memory) {
  const unsigned char *beside = memory->at_end ? memory->bytes - margin : memory->bytes + memory->size;
  for (int i = 0; i < margin; i++)
    if (beside[i] != mark)
      return false;
  return true;
}

void unfence(fenced *memory) {
  if (memory->bytes)
    munmap(memory->mapping, memory->mapped);
}

uint64_t random_bits(uint64_t *state) {
  uint64_t z = *state += 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

float random_float(uint64_t *state, float low, float high) {
  return low + (high - low) * (float)(random_bits(state) >> 40) / (1 << 24);
}
