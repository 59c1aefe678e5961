#include <png.h>

#include "images.h"

static void png_read(png_structp png, png_bytep to, size_t count) {
  image_source *rest = png_get_io_ptr(png);
  if (count > rest->size)
    png_error(png, "the file ends early");
  memcpy(to, rest->bytes, count);
  rest->bytes += count;
  rest->size -= count;
}

static void png_silent(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}
static void png_escape(png_structp png, png_const_charp message) {
  (void)message;
  png_longjmp(png, 1);
}

/// Whatever the file holds becomes red, green and blue of eight bits.
static void png_ask_for_pixels(png_structp png) {
  png_set_expand(png);
  png_set_strip_16(png);
  png_set_strip_alpha(png);
  png_set_gray_to_rgb(png);
}

static bool read_png(png_structp png, png_infop info, maas_image *image) {
  png_read_info(png, info);
  png_ask_for_pixels(png);
  int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  int64_t width = png_get_image_width(png, info);
  if (png_get_rowbytes(png, info) != (size_t)width * image_channels ||
      !image_allocate(image, width, png_get_image_height(png, info)))
    return false;
  for (int pass = 0; pass < passes; pass++)
    for (int64_t y = 0; y < image->height; y++)
      png_read_row(png, image_row(image, y), NULL);
  png_read_end(png, NULL);
  return true;
}

bool decode_png(const image_source *source, maas_image *image) {
  image_source rest = *source;
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, png_escape, png_silent);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (!info || setjmp(png_jmpbuf(png))) {
    png_destroy_read_struct(&png, &info, NULL);
    return false;
  }
  png_set_read_fn(png, &rest, png_read);
  bool done = read_png(png, info, image);
  png_destroy_read_struct(&png, &info, NULL);
  return done;
}
