#ifndef IMAGES_H
#define IMAGES_H
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "../CMaasSystem/include/maas_images.h"

typedef struct image_source {
  const uint8_t *bytes;
  size_t size;
} image_source;

/// One for each format: fills an empty image, or returns false.
typedef bool image_decoder(const image_source *source, maas_image *image);
image_decoder decode_bmp, decode_jpeg, decode_jpeg2000, decode_png, decode_pnm, decode_tiff, decode_webp;

enum { image_channels = 3 };

/// Memory for the pixels; refuses sizes beyond 2^28 pixels, as what is no image easily asks for.
static inline bool image_allocate(maas_image *image, int64_t width, int64_t height) {
  const int64_t most = INT64_C(1) << 28;
  if (width < 1 || height < 1 || width > most || height > most / width)
    return false;
  image->width = width;
  image->height = height;
  image->pixels = malloc((size_t)(width * height * image_channels));
  return image->pixels != NULL;
}

static inline uint8_t *image_row(const maas_image *image, int64_t y) {
  return image->pixels + y * image->width * image_channels;
}

static inline void set_pixel(uint8_t *pixel, uint8_t red, uint8_t green, uint8_t blue) {
  pixel[0] = red;
  pixel[1] = green;
  pixel[2] = blue;
}

#endif
