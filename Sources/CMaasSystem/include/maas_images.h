#ifndef MAAS_IMAGES_H
#define MAAS_IMAGES_H
#include <stddef.h>
#include <stdint.h>

/// The contract between libmaas and libmaas-images, which decodes images with the system's libraries. libmaas looks
/// for it only when a model has an ImageDecoder.

#define MAAS_IMAGES_LIBRARY "libmaas-images.so.1"

/// Rows from the top, three bytes (red, green, blue) for each pixel.
typedef struct maas_image {
  int64_t height, width;
  uint8_t *pixels; ///< From malloc; NULL where nothing could be decoded.
} maas_image;

/// Decodes BMP, JPEG, JPEG 2000, PNG, PNM, TIFF or WebP; alpha is left out, deeper samples are cut to eight bits.
typedef maas_image (*maas_images_decode_function)(const uint8_t *bytes, size_t size);
typedef void (*maas_images_free_function)(maas_image image);

#endif
