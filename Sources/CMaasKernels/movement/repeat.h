#ifndef MAAS_REPEAT_H
#define MAAS_REPEAT_H
#include <string.h>

/// The pattern is doubled in place until it fills `bytes`.
static inline void maas_repeat(uint8_t *y, const uint8_t *pattern, size_t size, size_t bytes) {
  enum { chunk = 4096 }; // Later copies read from the first-level cache.
  memcpy(y, pattern, size);
  for (size_t done = size; done < bytes;) {
    size_t source = done < chunk ? done : chunk / size * size;
    size_t count = bytes - done < source ? bytes - done : source;
    memcpy(y + done, y, count);
    done += count;
  }
}

#endif
