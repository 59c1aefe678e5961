/// copy: strided movement of elements of 1 to 16 bytes. Split brings the shape to one of three forms: rows
/// that are contiguous on both sides, planes in which x and y are contiguous along different dimensions, and
/// rows with steps.
#include <string.h>
#include "../split.h"
#include "../table.h"
#include "../walk.h"
#include "repeat.h"

int32_t maas_any_copy_1_scalar(MAAS_STEP_ARGUMENTS);
static const maas_kernel rows[] = {MAAS_ROW(maas_any_copy_1_scalar, MAAS_ISA_SCALAR, 1, 1)};
MAAS_ENTRY(maas_copy, rows)

enum { path_rows, path_planes, path_steps, path_weave };

typedef uint32_t quad __attribute__((vector_size(16)));
typedef unsigned __int128 sixteen;

static inline quad load4(const void *p) {
  quad value;
  memcpy(&value, p, sizeof value);
  return value;
}

/// A 4 x 4 block of 4-byte elements; strides in bytes.
static inline void transpose4(const uint8_t *x, int64_t x_row, uint8_t *y, int64_t y_row) {
  quad a = load4(x), b = load4(x + x_row), c = load4(x + 2 * x_row), d = load4(x + 3 * x_row);
  quad ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5),
       ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  quad cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5),
       cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  quad rows_of_y[4] = {__builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5),
                       __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7),
                       __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5),
                       __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7)};
  for (int r = 0; r < 4; r++)
    memcpy(y + r * y_row, &rows_of_y[r], sizeof(quad));
}

/// A row of n elements with steps, and a block of a plane; all strides in bytes.
#define MAAS_COPY_TYPE(type)                                                                                 \
  static void row_##type(const uint8_t *x, int64_t x_step, uint8_t *y, int64_t y_step, int64_t n) {          \
    for (int64_t i = 0; i < n; i++)                                                                          \
      memcpy(y + i * y_step, x + i * x_step, sizeof(type));                                                  \
  }                                                                                                          \
  static void block_##type(const uint8_t *x, int64_t x_row, uint8_t *y, int64_t y_row, int64_t height,       \
                           int64_t width) {                                                                  \
    for (int64_t j = 0; j < width; j++)                                                                      \
      for (int64_t i = 0; i < height; i++)                                                                   \
        memcpy(y + j * y_row + i * (int64_t)sizeof(type), x + i * x_row + j * (int64_t)sizeof(type),         \
               sizeof(type));                                                                                \
  }
MAAS_COPY_TYPE(uint8_t)
MAAS_COPY_TYPE(uint16_t)
MAAS_COPY_TYPE(uint32_t)
MAAS_COPY_TYPE(uint64_t)
MAAS_COPY_TYPE(sixteen)

/// Three rows become pixels of three channels, `width` of them.
static void weave(const uint8_t *x, int64_t x_row, uint8_t *y, int64_t width) {
  int64_t wide = width - width % 4;
  for (int64_t j = 0; j < wide; j += 4, x += sizeof(quad), y += 3 * sizeof(quad)) {
    quad a = load4(x), b = load4(x + x_row), c = load4(x + 2 * x_row);
    quad ab = __builtin_shufflevector(a, b, 0, 4, 1, 1), bc = __builtin_shufflevector(b, c, 1, 5, 2, 2);
    quad ca = __builtin_shufflevector(c, a, 2, 7, 3, 3);
    quad pixels[3] = {__builtin_shufflevector(ab, c, 0, 1, 4, 2), __builtin_shufflevector(bc, a, 0, 1, 6, 2),
                      __builtin_shufflevector(ca, b, 0, 1, 7, 2)};
    memcpy(y, pixels, sizeof pixels);
  }
  block_uint32_t(x, x_row, y, 3 * sizeof(uint32_t), 3, width - wide);
}

/// The same with pixels of three bytes, four at a time.
static void weave_bytes(const uint8_t *x, int64_t x_row, uint8_t *y, int64_t width) {
  int64_t wide = width - width % 4;
  for (int64_t j = 0; j < wide; j += 4, x += 4, y += 12) {
    uint32_t a, b, c;
    memcpy(&a, x, 4);
    memcpy(&b, x + x_row, 4);
    memcpy(&c, x + 2 * x_row, 4);
    uint32_t pixels[3] = {(a & 0xff) | (b & 0xff) << 8 | (c & 0xff) << 16 | (a & 0xff00) << 16,
                          (b >> 8 & 0xff) | (c & 0xff00) | (a & 0xff0000) | (b & 0xff0000) << 8,
                          (c >> 16 & 0xff) | (a >> 24) << 8 | (b >> 24) << 16 | (c & 0xff000000)};
    memcpy(y, pixels, sizeof pixels);
  }
  block_uint8_t(x, x_row, y, 3, 3, width - wide);
}

static void block_bytes(const uint8_t *x, int64_t x_row, uint8_t *y, int64_t y_row, int64_t height,
                        int64_t width) {
  if (height == 3 && y_row == 3)
    weave_bytes(x, x_row, y, width);
  else
    block_uint8_t(x, x_row, y, y_row, height, width);
}

static void block_quads(const uint8_t *x, int64_t x_row, uint8_t *y, int64_t y_row, int64_t height,
                        int64_t width) {
  if (height == 3 && y_row == 3 * sizeof(uint32_t)) {
    weave(x, x_row, y, width);
    return;
  }
  int64_t high = height - height % 4, wide = width - width % 4;
  for (int64_t j = 0; j < wide; j += 4)
    for (int64_t i = 0; i < high; i += 4)
      transpose4(x + i * x_row + j * 4, x_row, y + j * y_row + i * 4, y_row);
  block_uint32_t(x + high * x_row, x_row, y + high * 4, y_row, height - high, wide);
  block_uint32_t(x + wide * 4, x_row, y + wide * y_row, y_row, height, width - wide);
}

enum { long_fill = 512 };

static void copy_row(int32_t size, const uint8_t *x, int64_t x_step, uint8_t *y, int64_t y_step, int64_t n) {
  if (x_step == 0 && y_step == size && n * size >= long_fill)
    return maas_repeat(y, x, (size_t)size, (size_t)(n * size));
  switch (size) {
  case 1:
    row_uint8_t(x, x_step, y, y_step, n);
    break;
  case 2:
    row_uint16_t(x, x_step, y, y_step, n);
    break;
  case 4:
    row_uint32_t(x, x_step, y, y_step, n);
    break;
  case 8:
    row_uint64_t(x, x_step, y, y_step, n);
    break;
  default:
    row_sixteen(x, x_step, y, y_step, n);
  }
}

/// x has rows of `width` contiguous elements x_row bytes apart; they become columns of y.
static void copy_block(int32_t size, const uint8_t *x, int64_t x_row, uint8_t *y, int64_t y_row,
                       int64_t height, int64_t width) {
  switch (size) {
  case 1:
    block_bytes(x, x_row, y, y_row, height, width);
    break;
  case 2:
    block_uint16_t(x, x_row, y, y_row, height, width);
    break;
  case 4:
    block_quads(x, x_row, y, y_row, height, width);
    break;
  case 8:
    block_uint64_t(x, x_row, y, y_row, height, width);
    break;
  default:
    block_sixteen(x, x_row, y, y_row, height, width);
  }
}

/// Items: elements of y, in the order of the dimensions.
static void copy_rows(const maas_copy_params *g, const uint8_t *x, uint8_t *y, int64_t begin, int64_t end) {
  int32_t outer = g->rank - 1;
  int64_t inner = g->dims[outer], size = g->size, column = begin % inner;
  int64_t x_step = g->x_strides[outer] * size, y_step = g->y_strides[outer] * size;
  maas_walk w = maas_walk_at(begin / inner, outer, g->dims, g->x_strides, g->y_strides);
  for (int64_t i = begin; i < end; column = 0, maas_walk_next(&w)) {
    int64_t n = maas_min64(end - i, inner - column);
    const uint8_t *from = x + w.a * size + column * x_step;
    uint8_t *to = y + w.b * size + column * y_step;
    if (g->path == path_rows)
      memcpy(to, from, (size_t)(n * size));
    else
      copy_row(g->size, from, x_step, to, y_step, n);
    i += n;
  }
}

/// What fits the first-level cache of a few rows with steps.
enum { weave_length = 512 };

/// Items: pieces of a few long rows that lie within each other, one row after the other.
static void copy_weave(const maas_copy_params *g, const uint8_t *x, uint8_t *y, int64_t begin, int64_t end) {
  int32_t few = g->rank - 2, last = g->rank - 1;
  int64_t length = g->dims[last], pieces = maas_ceil_div(length, weave_length), size = g->size;
  int64_t x_step = g->x_strides[last] * size, y_step = g->y_strides[last] * size;
  for (int64_t i = begin; i < end; i++) {
    maas_walk w = maas_walk_at(i / pieces, few, g->dims, g->x_strides, g->y_strides);
    int64_t first = i % pieces * weave_length, n = maas_min64(weave_length, length - first);
    for (int64_t row = 0; row < g->dims[few]; row++)
      copy_row(g->size, x + (w.a + row * g->x_strides[few]) * size + first * x_step, x_step,
               y + (w.b + row * g->y_strides[few]) * size + first * y_step, y_step, n);
  }
}

/// Blocks of a plane fit the first-level cache on both sides; low ones are wider.
enum { block = 32 };

static int64_t block_width(int64_t height) { return block * maas_max64(1, block / maas_max64(1, height)); }

/// Items: columns of blocks. The plane is the last two dimensions: x contiguous along the last one but one, y
/// along the last.
static void copy_planes(const maas_copy_params *g, const uint8_t *x, uint8_t *y, int64_t begin, int64_t end) {
  int32_t outer = g->rank - 2;
  int64_t width = g->dims[outer], height = g->dims[outer + 1], size = g->size;
  int64_t x_row = g->x_strides[outer + 1] * size, y_row = g->y_strides[outer] * size;
  int64_t wide = block_width(height), blocks = maas_ceil_div(width, wide);
  for (int64_t i = begin; i < end; i++) {
    maas_walk w = maas_walk_at(i / blocks, outer, g->dims, g->x_strides, g->y_strides);
    int64_t column = i % blocks * wide, columns = maas_min64(wide, width - column);
    const uint8_t *from = x + (w.a + column) * size;
    uint8_t *to = y + w.b * size + column * y_row;
    for (int64_t row = 0; row < height; row += block)
      copy_block(g->size, from + row * x_row, x_row, to + row * size, y_row, maas_min64(block, height - row),
                 columns);
  }
}

int32_t maas_any_copy_1_scalar(MAAS_STEP_ARGUMENTS) {
  (void)worker;
  const maas_copy_params *g = step->params;
  const uint8_t *x = (const uint8_t *)step->operands[0] + g->x_offset * g->size;
  uint8_t *y = (uint8_t *)step->operands[1] + g->y_offset * g->size;
  (g->path == path_planes  ? copy_planes
   : g->path == path_weave ? copy_weave
                           : copy_rows)(g, x, y, begin, end);
  return MAAS_STEP_OK;
}

static void swap(int64_t *values, int32_t a, int32_t b) {
  int64_t kept = values[a];
  values[a] = values[b];
  values[b] = kept;
}

static void swap_dimensions(maas_copy_params *g, int32_t a, int32_t b) {
  swap(g->dims, a, b);
  swap(g->x_strides, a, b);
  swap(g->y_strides, a, b);
}

/// Descending strides of y, so that y is written from front to back.
static void sort_dimensions(maas_copy_params *g) {
  for (int32_t i = 1; i < g->rank; i++)
    for (int32_t d = i; d > 0 && g->y_strides[d] > g->y_strides[d - 1]; d--)
      swap_dimensions(g, d, d - 1);
}

/// Moves the dimension along which x is contiguous next to the last; -1 if there is none to gain from.
static bool make_plane(maas_copy_params *g) {
  int32_t last = g->rank - 1;
  if (g->y_strides[last] != 1 || g->dims[last] < 3)
    return false;
  for (int32_t d = 0; d < last; d++)
    if (g->x_strides[d] == 1 && g->dims[d] >= 4) {
      for (int32_t i = d; i < last - 1; i++)
        swap_dimensions(g, i, i + 1);
      return true;
    }
  return false;
}

/// Makes rows of the longest dimension where the last one has only a few elements, which goes in front of it.
static bool lengthen_rows(maas_copy_params *g) {
  int32_t last = g->rank - 1, longest = last;
  for (int32_t d = 0; d < last && g->dims[last] <= 4; d++)
    if (g->dims[d] > g->dims[longest])
      longest = d;
  for (int32_t d = longest; d < last; d++)
    swap_dimensions(g, d, d + 1);
  return longest < last;
}

maas_split maas_copy_split(maas_copy_params *g) {
  sort_dimensions(g);
  g->rank = maas_collapse(g->rank, g->dims, g->x_strides, g->y_strides);
  int32_t last = g->rank - 1;
  int64_t count = maas_element_count(g->rank, g->dims);
  if (g->dims[last] == 1 || (g->x_strides[last] == 1 && g->y_strides[last] == 1)) {
    g->path = path_rows;
    double row_ns = 8.0 / (double)maas_max64(g->dims[last], 1);
    return maas_split_by_cost(count, 0.1 * g->size + row_ns, 0);
  }
  g->path = make_plane(g) ? path_planes : path_steps;
  if (g->path == path_steps) {
    if (lengthen_rows(g)) {
      g->path = path_weave;
      int64_t pieces = maas_ceil_div(g->dims[last], weave_length);
      int64_t row = g->dims[last] * g->dims[last - 1];
      return maas_split_by_cost(row == 0 ? 0 : count / row * pieces, (1 + 0.1 * g->size) * weave_length, 0);
    }
    return maas_split_by_cost(count, 1 + 0.1 * g->size, 0);
  }
  int64_t width = g->dims[last - 1], height = g->dims[last];
  if (count == 0)
    return (maas_split){.grain = 1};
  int64_t wide = block_width(height);
  return maas_split_by_cost(count / width / height * maas_ceil_div(width, wide),
                            0.2 * g->size * (double)height * (double)maas_min64(wide, width), 0);
}
