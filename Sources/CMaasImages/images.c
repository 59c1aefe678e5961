#include "images.h"

__attribute__((visibility("default"))) maas_image maas_images_decode(const uint8_t *bytes, size_t size);
__attribute__((visibility("default"))) void maas_images_free(maas_image image);

/// How a format begins. A dot in `magic` is any byte.
typedef struct image_format {
  const char *magic;
  size_t length;
  image_decoder *decode;
} image_format;

#define FORMAT(magic, decode)                                                                                \
  { magic, sizeof(magic) - 1, decode }

static const image_format formats[] = {
    FORMAT("\xff\xd8\xff", decode_jpeg),
    FORMAT("\x89PNG\r\n\x1a\n", decode_png),
    FORMAT("BM", decode_bmp),
    FORMAT("RIFF....WEBP", decode_webp),
    FORMAT("II*\0", decode_tiff),
    FORMAT("MM\0*", decode_tiff),
    FORMAT("\0\0\0\x0cjP  \r\n\x87\n", decode_jpeg2000),
    FORMAT("\xff\x4f\xff\x51", decode_jpeg2000),
    FORMAT("P", decode_pnm),
};

static bool begins_with(const image_source *source, const image_format *format) {
  if (source->size < format->length)
    return false;
  for (size_t i = 0; i < format->length; i++)
    if (format->magic[i] != '.' && source->bytes[i] != (uint8_t)format->magic[i])
      return false;
  return true;
}

maas_image maas_images_decode(const uint8_t *bytes, size_t size) {
  const image_source source = {bytes, size};
  maas_image image = {0, 0, NULL};
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
    if (!begins_with(&source, &formats[i]))
      continue;
    if (formats[i].decode(&source, &image))
      return image;
    maas_images_free(image);
    return (maas_image){0, 0, NULL};
  }
  return image;
}

void maas_images_free(maas_image image) { free(image.pixels); }
