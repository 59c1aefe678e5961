#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>
#include "images.h"

typedef struct jpeg_failure {
  struct jpeg_error_mgr manager;
  jmp_buf escape;
} jpeg_failure;

static void jpeg_escape(j_common_ptr jpeg) { longjmp(((jpeg_failure *)jpeg->err)->escape, 1); }
static void jpeg_silent(j_common_ptr jpeg) { (void)jpeg; }

/// Four inks to light; Adobe's files hold them inverted.
static void convert_inks(const uint8_t *inks, uint8_t *pixels, int64_t width, bool inverted) {
  for (int64_t x = 0; x < width; x++, inks += 4, pixels += image_channels)
    for (int c = 0; c < image_channels; c++) {
      int ink = inverted ? inks[c] : 255 - inks[c], black = inverted ? inks[3] : 255 - inks[3];
      pixels[c] = (uint8_t)(ink * black / 255);
    }
}

static void read_inks(struct jpeg_decompress_struct *jpeg, maas_image *image) {
  JSAMPARRAY line = jpeg->mem->alloc_sarray((j_common_ptr)jpeg, JPOOL_IMAGE, jpeg->output_width * 4, 1);
  while (jpeg->output_scanline < jpeg->output_height) {
    uint8_t *row = image_row(image, jpeg->output_scanline);
    jpeg_read_scanlines(jpeg, line, 1);
    convert_inks(line[0], row, image->width, jpeg->saw_Adobe_marker);
  }
}

static bool read_jpeg(struct jpeg_decompress_struct *jpeg, maas_image *image) {
  jpeg_read_header(jpeg, TRUE);
  bool has_inks = jpeg->num_components == 4;
  jpeg->out_color_space = has_inks ? JCS_CMYK : JCS_RGB;
  jpeg_start_decompress(jpeg);
  if (!image_allocate(image, jpeg->output_width, jpeg->output_height))
    return false;
  if (has_inks)
    read_inks(jpeg, image);
  while (jpeg->output_scanline < jpeg->output_height) {
    JSAMPROW row = image_row(image, jpeg->output_scanline);
    jpeg_read_scanlines(jpeg, &row, 1);
  }
  jpeg_finish_decompress(jpeg);
  return true;
}

bool decode_jpeg(const image_source *source, maas_image *image) {
  struct jpeg_decompress_struct jpeg;
  jpeg_failure failure;
  jpeg.err = jpeg_std_error(&failure.manager);
  failure.manager.error_exit = jpeg_escape;
  failure.manager.output_message = jpeg_silent;
  if (setjmp(failure.escape)) {
    jpeg_destroy_decompress(&jpeg);
    return false;
  }
  jpeg_create_decompress(&jpeg);
  jpeg_mem_src(&jpeg, source->bytes, source->size);
  bool done = read_jpeg(&jpeg, image);
  jpeg_destroy_decompress(&jpeg);
  return done;
}
