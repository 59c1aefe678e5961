/// Looking along rows of floats. Plain loops that compilers turn into vectors: each looks at some elements before it
/// asks for the answer.
#include "maas_lookup.h"

enum { at_once = 32 };

int64_t maas_f32_first(const float *x, int64_t n, float value) {
  int64_t i = 0;
  for (; i + at_once <= n; i += at_once) {
    int32_t found = 0;
    for (int j = 0; j < at_once; j++)
      found |= (x[i + j] == value) | (x[i + j] != x[i + j]);
    if (found)
      break;
  }
  while (i < n && x[i] != value && x[i] == x[i])
    i++;
  return i;
}

int64_t maas_f32_last(const float *x, int64_t n, float value) {
  int64_t i = n;
  for (; i >= at_once; i -= at_once) {
    int32_t found = 0;
    for (int j = 1; j <= at_once; j++)
      found |= x[i - j] == value;
    if (found)
      break;
  }
  while (i > 0 && x[i - 1] != value)
    i--;
  return i - 1;
}

int64_t maas_f32_first_beyond(const float *x, int64_t n, float limit, float sign) {
  int64_t i = 0;
  for (; i + at_once <= n; i += at_once) {
    int32_t found = 0;
    for (int j = 0; j < at_once; j++)
      found |= !(sign * x[i + j] <= limit);
    if (found)
      break;
  }
  while (i < n && sign * x[i] <= limit)
    i++;
  return i;
}

typedef float floats __attribute__((vector_size(32), aligned(4)));
typedef int32_t masks __attribute__((vector_size(32), aligned(4)));
enum { lanes = 8 };

/// Some neighbouring columns.
static void best_of_lanes(const float *x, int64_t rows, int64_t apart, float sign, bool takes_last,
                          int64_t *y) {
  floats best = sign * *(const floats *)(const void *)x;
  masks place = {0}, keeps_equal = {0};
  keeps_equal += takes_last ? 0 : -1;
  for (int32_t i = 1; i < rows; i++) {
    x += apart;
    floats a = sign * *(const floats *)(const void *)x;
    masks stays = (a < best) | ((a == best) & keeps_equal) | (best != best);
    best = (floats)((stays & (masks)best) | (~stays & (masks)a));
    place = (stays & place) | (~stays & i);
  }
  for (int j = 0; j < lanes; j++)
    y[j] = place[j];
}

static int64_t best_of_column(const float *x, int64_t rows, int64_t apart, float sign, bool takes_last) {
  int64_t place = 0;
  for (int64_t i = 1; i < rows; i++) {
    float a = sign * x[i * apart], best = sign * x[place * apart];
    if (!(a < best) && !(a == best && !takes_last) && best == best)
      place = i;
  }
  return place;
}

void maas_f32_best_rows(const float *x, int64_t rows, int64_t apart, int64_t width, float sign,
                        bool takes_last, int64_t *y) {
  int64_t j = 0;
  for (; j + lanes <= width; j += lanes)
    best_of_lanes(x + j, rows, apart, sign, takes_last, y + j);
  for (; j < width; j++)
    y[j] = best_of_column(x + j, rows, apart, sign, takes_last);
}

void maas_f32_running_sums(const float *x, float *y, int64_t rows, int64_t apart, int64_t width) {
  for (int64_t i = 0; i < rows; i++, x += apart, y += apart) {
    // y may be x, element for element.
    _Pragma("clang loop vectorize(assume_safety)") for (int64_t j = 0; j < width; j++) y[j] =
        x[j] + y[j - apart];
  }
}
