#include <tiffio.h>

#include "images.h"

/// A file in memory, as libtiff wants it.
typedef struct tiff_memory {
  const image_source *source;
  uint64_t at;
} tiff_memory;

static tmsize_t tiff_read(thandle_t handle, void *to, tmsize_t count) {
  tiff_memory *memory = handle;
  uint64_t size = memory->source->size, rest = memory->at < size ? size - memory->at : 0;
  uint64_t taken = (uint64_t)count < rest ? (uint64_t)count : rest;
  memcpy(to, memory->source->bytes + (size - rest), taken);
  memory->at += taken;
  return (tmsize_t)taken;
}

static tmsize_t tiff_refuse(thandle_t handle, void *from, tmsize_t count) {
  (void)handle, (void)from, (void)count;
  return -1;
}

static toff_t tiff_seek(thandle_t handle, toff_t offset, int whence) {
  tiff_memory *memory = handle;
  uint64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? memory->at : memory->source->size;
  return memory->at = base + offset;
}

static int tiff_close(thandle_t handle) {
  (void)handle;
  return 0;
}
static toff_t tiff_size(thandle_t handle) { return ((tiff_memory *)handle)->source->size; }

static bool read_tiff(TIFF *tiff, maas_image *image) {
  uint32_t width = 0, height = 0;
  if (!TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width) || !TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height) ||
      !image_allocate(image, width, height))
    return false;
  uint32_t *raster = malloc((size_t)width * height * sizeof *raster);
  bool done = raster && TIFFReadRGBAImageOriented(tiff, width, height, raster, ORIENTATION_TOPLEFT, 1);
  for (size_t i = 0; done && i < (size_t)width * height; i++)
    set_pixel(image->pixels + i * image_channels, (uint8_t)TIFFGetR(raster[i]), (uint8_t)TIFFGetG(raster[i]),
              (uint8_t)TIFFGetB(raster[i]));
  free(raster);
  return done;
}

bool decode_tiff(const image_source *source, maas_image *image) {
  TIFFSetErrorHandler(NULL);
  TIFFSetWarningHandler(NULL);
  tiff_memory memory = {source, 0};
  TIFF *tiff = TIFFClientOpen("memory", "rm", &memory, tiff_read, tiff_refuse, tiff_seek, tiff_close,
                              tiff_size, NULL, NULL);
  if (!tiff)
    return false;
  bool done = read_tiff(tiff, image);
  TIFFClose(tiff);
  return done;
}
