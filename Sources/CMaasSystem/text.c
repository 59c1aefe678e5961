#include "maas_text.h"

void maas_texts_copy(maas_text *copies, unsigned char *bytes, const maas_text *texts, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    maas_text_copy(bytes, texts[i]);
    copies[i] = (maas_text){bytes, texts[i].count};
    bytes += texts[i].count;
  }
}

int64_t maas_texts_size(const maas_text *texts, int64_t n) {
  int64_t size = 0;
  for (int64_t i = 0; i < n; i++)
    if (__builtin_add_overflow(size, texts[i].count, &size))
      return INT64_MAX;
  return size;
}
