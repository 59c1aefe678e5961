#ifndef MAAS_QCONV_SHAPE_H
#define MAAS_QCONV_SHAPE_H
/// What the split of convolution of bytes decides, its packing writes and its kernels follow.
#include "../conv/conv.h"
#include "../qgemm/left.h"
#include "../split.h"
#include "maas_quant.h"

enum {
  maas_s8_conv_product,   ///< Items: images x groups x tiles of positions x tiles of filters.
  maas_s8_conv_depthwise, ///< Items: images x groups of channels x rows of y.
  maas_s8_conv_winograd,  ///< Items: blocks of tiles x tiles of filters.
};

/// Depthwise: channels of an item, a cache line of each pixel, if panels have no more; and outputs between which lines
/// are not copied again.
enum { maas_s8_conv_line = 64, maas_s8_conv_line_outputs = 128, maas_s8_conv_most_line_stride = 2 };

static inline int64_t maas_s8_conv_channels(const maas_f32_conv_params *g) { return g->channels / g->groups; }
static inline int64_t maas_s8_conv_filters(const maas_f32_conv_params *g) { return g->filters / g->groups; }

/// Depthwise, four taps of one column of the kernel go together.
static inline int64_t maas_s8_conv_column(const maas_f32_conv_params *g) {
  return maas_ceil_div(g->kernel[maas_height], 4);
}

/// Rows of a panel of weights: [tap][channel], or four to each [depth][column][part of the column].
static inline int64_t maas_s8_conv_rows(const maas_f32_conv_params *g) {
  if (g->path == maas_s8_conv_depthwise)
    return 4 * g->kernel[maas_depth] * g->kernel[maas_width] * maas_s8_conv_column(g);
  return maas_s8_conv_channels(g) * maas_window_volume(g->kernel);
}

/// Bytes of taps that lie side by side in x, and how many of such pieces all taps are.
static inline int64_t maas_s8_conv_piece(const maas_f32_conv_params *g) {
  bool joined = g->groups == 1 && g->dilation[maas_width] == 1;
  return maas_s8_conv_channels(g) * (joined ? g->kernel[maas_width] : 1);
}
static inline int64_t maas_s8_conv_pieces(const maas_f32_conv_params *g) {
  return maas_s8_conv_rows(g) / maas_max64(1, maas_s8_conv_piece(g));
}

/// Places of x along d that so many neighbouring outputs see.
static inline int64_t maas_s8_conv_reach(const maas_f32_conv_params *g, int d, int64_t outputs) {
  return (outputs - 1) * g->stride[d] + (g->kernel[d] - 1) * g->dilation[d] + 1;
}

/// Whether no output sees what is outside.
static inline bool maas_s8_conv_is_inside(const maas_f32_conv_params *g) {
  bool inside = true;
  for (int d = 0; d < MAAS_SPATIAL_RANK; d++)
    inside = inside && g->pad[d] <= 0 && maas_s8_conv_reach(g, d, g->output[d]) - g->pad[d] <= g->input[d];
  return inside;
}

/// Bytes of x's lines, with what is outside, that so many neighbouring lines of outputs see.
static inline int64_t maas_s8_conv_slab(const maas_f32_conv_params *g, int64_t lines) {
  return maas_s8_conv_reach(g, maas_height, lines) * g->channels *
         maas_s8_conv_reach(g, maas_width, g->output[maas_width]);
}

/// How many lines of outputs so many positions meet at most.
static inline int64_t maas_s8_conv_lines(const maas_f32_conv_params *g, int64_t positions) {
  return maas_min64(g->output[maas_height],
                    (positions + g->output[maas_width] - 2) / g->output[maas_width] + 1);
}

enum { maas_s8_conv_most_pieces = 64, maas_s8_conv_most_slab = 256 * 1024 };

/// Whether taps are read where they lie in x, or in a copy of some of its lines with what is outside.
static inline bool maas_s8_conv_slides(const maas_f32_conv_params *g) {
  return maas_s8_conv_piece(g) % 4 == 0 && maas_s8_conv_pieces(g) <= maas_s8_conv_most_pieces &&
         g->input[maas_depth] == 1 && g->output[maas_depth] == 1 && g->kernel[maas_depth] == 1 &&
         g->pad[maas_depth] == 0 && maas_s8_conv_slab(g, 2) <= maas_s8_conv_most_slab;
}

/// Bytes of what a tile of so many positions copies of x.
static inline int64_t maas_s8_conv_copied(const maas_f32_conv_params *g, int64_t positions) {
  int64_t bytes = positions * (maas_s8_row(maas_s8_conv_rows(g)) + (int64_t)sizeof(int32_t));
  if (maas_s8_conv_slides(g))
    bytes = maas_s8_conv_slab(g, maas_s8_conv_lines(g, positions)) +
            positions * (int64_t)(sizeof(int64_t) + sizeof(int32_t));
  return maas_round_up(bytes, 64);
}

/// Depthwise kernels of three columns and at most three rows, for which AVX2 copies lines of x.
static inline bool maas_s8_conv_copies_lines(const maas_f32_conv_params *g) {
  return g->kernel[maas_depth] == 1 && g->kernel[maas_height] <= 3 && g->kernel[maas_width] == 3 &&
         g->dilation[maas_width] == 1 && g->stride[maas_width] <= maas_s8_conv_most_line_stride;
}

/// Columns of such a line: those that a multiple of four outputs sees, and one more.
static inline int64_t maas_s8_conv_line_columns(const maas_f32_conv_params *g) {
  int64_t outputs = maas_min64(maas_s8_conv_line_outputs, maas_round_up(g->output[maas_width], 4));
  return (outputs - 1) * g->stride[maas_width] + 4;
}

/// Bytes of three such lines.
static inline int64_t maas_s8_conv_lines_bytes(const maas_f32_conv_params *g) {
  return 3 * maas_s8_conv_line_columns(g) * maas_s8_conv_line;
}

#endif
