#include <webp/decode.h>

#include "images.h"

bool decode_webp(const image_source *source, maas_image *image) {
  int width, height;
  if (!WebPGetInfo(source->bytes, source->size, &width, &height) || !image_allocate(image, width, height))
    return false;
  size_t size = (size_t)(image->width * image->height * image_channels);
  return WebPDecodeRGBInto(source->bytes, source->size, image->pixels, size, width * image_channels) != NULL;
}
