/// MaxPool with indices: rare, so plain code.
#include <math.h>
#include "pool.h"

typedef struct place {
  float value;
  int64_t index; ///< In the plane, row-major; -1 before the first element.
} place;

static place largest(const maas_f32_pool_params *g, const float *plane, const int64_t *at) {
  int64_t lo[3], hi[3], start[3];
  for (int d = 0; d < 3; d++) {
    maas_pool_range(g, d, at[d], 0, g->input[d], &lo[d], &hi[d]);
    start[d] = at[d] * g->stride[d] - g->pad_begin[d];
  }
  place best = {-INFINITY, -1};
  for (int64_t kz = lo[0]; kz < hi[0]; kz++)
    for (int64_t ky = lo[1]; ky < hi[1]; ky++)
      for (int64_t kx = lo[2]; kx < hi[2]; kx++) {
        int64_t z = start[0] + kz * g->dilation[0], y = start[1] + ky * g->dilation[1];
        int64_t i = (z * g->input[1] + y) * g->input[2] + start[2] + kx * g->dilation[2];
        bool better = plane[i] > best.value || (isnan(plane[i]) && !isnan(best.value));
        if (best.index < 0 || better)
          best = (place){plane[i], i};
      }
  return best;
}

/// ONNX counts storage_order = 1 with the last spatial dimension slowest.
static int64_t index_in_plane(const maas_f32_pool_params *g, int64_t index) {
  if (index < 0)
    return 0;
  if (!g->column_major)
    return index;
  int64_t x = index % g->input[2], y = index / g->input[2] % g->input[1],
          z = index / g->input[2] / g->input[1];
  return (x * g->input[1] + y) * g->input[0] + z;
}

void maas_f32_pool_with_indices(const maas_f32_pool_params *g, void *const *operands, int64_t begin,
                                int64_t end) {
  int64_t inputs = maas_window_volume(g->input), outputs = maas_window_volume(g->output);
  for (int64_t plane = begin; plane < end; plane++) {
    const float *x = (const float *)operands[0] + plane * inputs;
    float *y = (float *)operands[1] + plane * outputs;
    int64_t *indices = (int64_t *)operands[2] + plane * outputs;
    for (int64_t j = 0; j < outputs; j++) {
      int64_t at[3] = {j / g->output[2] / g->output[1], j / g->output[2] % g->output[1], j % g->output[2]};
      place best = largest(g, x, at);
      y[j] = best.value;
      indices[j] = plane * inputs + index_in_plane(g, best.index);
    }
  }
}
