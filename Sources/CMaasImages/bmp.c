/// Windows bitmaps of 1 to 32 bits a pixel, with palettes, masks and run lengths.
#include "images.h"

typedef struct bmp {
  const image_source *source;
  const uint8_t *palette;
  uint64_t colours; ///< Entries of the palette.
  uint64_t entry;   ///< Bytes of an entry.
  uint64_t pixels;  ///< Where they begin.
  int64_t width, height;
  bool from_top;
  uint32_t bits, compression;
  uint32_t masks[image_channels];
} bmp;

enum { bmp_plain = 0, bmp_runs8 = 1, bmp_runs4 = 2, bmp_masks = 3, bmp_masks_with_alpha = 6 };

/// A little-endian number; 0 beyond the end.
static uint32_t number(const image_source *source, uint64_t at, int bytes) {
  uint32_t value = 0;
  for (int i = 0; i < bytes; i++)
    if (at + (uint64_t)i < source->size)
      value |= (uint32_t)source->bytes[at + (uint64_t)i] << 8 * i;
  return value;
}

static void set_masks(bmp *b, uint32_t header) {
  static const uint32_t masks15[] = {0x7c00, 0x3e0, 0x1f}, masks32[] = {0xff0000, 0xff00, 0xff};
  bool given = b->compression == bmp_masks || b->compression == bmp_masks_with_alpha;
  for (int c = 0; c < image_channels; c++)
    b->masks[c] = given           ? number(b->source, 54 + 4 * (uint64_t)c, 4)
                  : b->bits == 16 ? masks15[c]
                                  : masks32[c];
  // After an old header the masks stand where the palette would.
  b->palette = b->source->bytes + 14 + header + (given && header == 40 ? 12 : 0);
}

static bool read_header(bmp *b) {
  const image_source *s = b->source;
  uint32_t header = number(s, 14, 4);
  bool is_old = header == 12;
  if (s->size < 26 || (!is_old && (header < 40 || header > 1024)) || s->size < 14 + (uint64_t)header + 12)
    return false;
  b->pixels = number(s, 10, 4);
  b->width = is_old ? (int64_t)number(s, 18, 2) : (int32_t)number(s, 18, 4);
  b->height = is_old ? (int64_t)number(s, 20, 2) : (int32_t)number(s, 22, 4);
  b->bits = number(s, is_old ? 24 : 28, 2);
  b->compression = is_old ? bmp_plain : number(s, 30, 4);
  b->entry = is_old ? 3 : 4;
  b->from_top = b->height < 0;
  b->height = b->from_top ? -b->height : b->height;
  set_masks(b, header);
  uint32_t used = is_old ? 0 : number(s, 46, 4);
  b->colours = b->bits <= 8 ? (used ? used : 1u << b->bits) : 0;
  uint64_t start = (uint64_t)(b->palette - s->bytes);
  return b->pixels <= s->size && b->colours <= 256 && start + b->colours * b->entry <= s->size;
}

static uint8_t masked(uint32_t value, uint32_t mask) {
  if (mask == 0)
    return 0;
  uint32_t largest = mask >> __builtin_ctz(mask);
  return (uint8_t)(((uint64_t)((value & mask) >> __builtin_ctz(mask)) * 255 + largest / 2) / largest);
}

static void put_index(const bmp *b, uint32_t index, uint8_t *pixel) {
  static const uint8_t black[4];
  const uint8_t *c = index < b->colours ? b->palette + index * b->entry : black;
  set_pixel(pixel, c[2], c[1], c[0]);
}

static void put_value(const bmp *b, uint32_t value, uint8_t *pixel) {
  set_pixel(pixel, masked(value, b->masks[0]), masked(value, b->masks[1]), masked(value, b->masks[2]));
}

static void read_row(const bmp *b, const uint8_t *from, uint8_t *row) {
  const image_source line = {from, ((uint64_t)b->width * b->bits + 7) / 8};
  for (int64_t x = 0; x < b->width; x++, row += image_channels) {
    uint64_t bit = (uint64_t)x * b->bits;
    if (b->bits <= 8)
      put_index(b, from[bit / 8] >> (8 - b->bits - bit % 8) & ((1u << b->bits) - 1), row);
    else
      put_value(b, number(&line, bit / 8, (int)b->bits / 8), row);
  }
}

static bool read_rows(const bmp *b, maas_image *image) {
  uint64_t length = ((uint64_t)b->width * b->bits + 31) / 32 * 4;
  if (length * (uint64_t)b->height > b->source->size - b->pixels)
    return false;
  for (int64_t i = 0; i < b->height; i++)
    read_row(b, b->source->bytes + b->pixels + (uint64_t)i * length,
             image_row(image, b->from_top ? i : b->height - 1 - i));
  return true;
}

static void put_run(const bmp *b, maas_image *image, int64_t x, int64_t y, uint32_t index) {
  if (x < b->width && y < b->height)
    put_index(b, index, image_row(image, b->height - 1 - y) + x * image_channels);
}

/// Pairs of bytes: a run, or 0 and an end of line, an end, a move, or a number of pixels that follow.
static bool read_runs(const bmp *b, maas_image *image) {
  const image_source *s = b->source;
  bool is4 = b->bits == 4;
  int64_t x = 0, y = 0;
  for (int64_t i = 0; i < b->width * b->height; i++)
    put_index(b, 0, image->pixels + i * image_channels);
  for (uint64_t at = b->pixels; at + 1 < s->size && y < b->height;) {
    uint32_t count = s->bytes[at], value = s->bytes[at + 1];
    at += 2;
    if (count > 0) {
      for (uint32_t i = 0; i < count; i++)
        put_run(b, image, x++, y, is4 ? value >> (i % 2 ? 0 : 4) & 15 : value);
    } else if (value == 0) {
      x = 0;
      y++;
    } else if (value == 1) {
      return true;
    } else if (value == 2) {
      x += number(s, at, 1);
      y += number(s, at + 1, 1);
      at += 2;
    } else {
      for (uint32_t i = 0; i < value; i++)
        put_run(b, image, x++, y,
                is4 ? number(s, at + i / 2, 1) >> (i % 2 ? 0 : 4) & 15 : number(s, at + i, 1));
      at += ((is4 ? (value + 1) / 2 : value) + 1) / 2 * 2;
    }
  }
  return true;
}

static bool is_known(const bmp *b) {
  switch (b->compression) {
  case bmp_plain:
    return b->bits == 1 || b->bits == 4 || b->bits == 8 || b->bits == 16 || b->bits == 24 || b->bits == 32;
  case bmp_runs8:
    return b->bits == 8 && !b->from_top;
  case bmp_runs4:
    return b->bits == 4 && !b->from_top;
  default:
    return (b->compression == bmp_masks || b->compression == bmp_masks_with_alpha) &&
           (b->bits == 16 || b->bits == 32);
  }
}

bool decode_bmp(const image_source *source, maas_image *image) {
  bmp b = {.source = source};
  if (!read_header(&b) || !is_known(&b) || !image_allocate(image, b.width, b.height))
    return false;
  bool has_runs = b.compression == bmp_runs8 || b.compression == bmp_runs4;
  return has_runs ? read_runs(&b, image) : read_rows(&b, image);
}
