/// Rectangles that overlap.
#include "maas_lookup.h"

/// Boxes that are looked at before the answer can end the search.
enum { boxes_at_once = 16 };

static inline int overlaps(const maas_boxes *b, int64_t i, maas_box one, float limit) {
  float low_x = b->low_x[i] > one.low_x ? b->low_x[i] : one.low_x;
  float low_y = b->low_y[i] > one.low_y ? b->low_y[i] : one.low_y;
  float high_x = b->high_x[i] < one.high_x ? b->high_x[i] : one.high_x;
  float high_y = b->high_y[i] < one.high_y ? b->high_y[i] : one.high_y;
  float width = high_x - low_x, height = high_y - low_y, common = width * height;
  int is_there = (width > 0) & (height > 0) & (b->area[i] > 0);
  return is_there & (common / (b->area[i] + one.area - common) > limit);
}

bool maas_boxes_overlap(const maas_boxes *b, int64_t n, maas_box one, float limit) {
  int64_t i = 0;
  if (!(one.area > 0))
    return false;
  for (; i + boxes_at_once <= n; i += boxes_at_once) {
    int found = 0;
    for (int64_t j = 0; j < boxes_at_once; j++)
      found |= overlaps(b, i + j, one, limit);
    if (found)
      return true;
  }
  for (; i < n; i++)
    if (overlaps(b, i, one, limit))
      return true;
  return false;
}
