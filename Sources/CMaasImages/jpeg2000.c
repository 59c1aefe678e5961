#include <openjpeg.h>

#include "images.h"

typedef struct jpeg2000_memory {
  const image_source *source;
  size_t at;
} jpeg2000_memory;

static OPJ_SIZE_T stream_read(void *to, OPJ_SIZE_T count, void *context) {
  jpeg2000_memory *memory = context;
  size_t rest = memory->source->size - memory->at, taken = count < rest ? count : rest;
  if (taken == 0)
    return (OPJ_SIZE_T)-1;
  memcpy(to, memory->source->bytes + memory->at, taken);
  memory->at += taken;
  return taken;
}

static OPJ_BOOL stream_seek(OPJ_OFF_T offset, void *context) {
  jpeg2000_memory *memory = context;
  if (offset < 0 || (size_t)offset > memory->source->size)
    return OPJ_FALSE;
  memory->at = (size_t)offset;
  return OPJ_TRUE;
}

static OPJ_OFF_T stream_skip(OPJ_OFF_T count, void *context) {
  jpeg2000_memory *memory = context;
  return stream_seek((OPJ_OFF_T)memory->at + count, context) ? count : -1;
}

static opj_stream_t *open_stream(jpeg2000_memory *memory) {
  opj_stream_t *stream = opj_stream_default_create(OPJ_TRUE);
  if (!stream)
    return NULL;
  opj_stream_set_read_function(stream, stream_read);
  opj_stream_set_seek_function(stream, stream_seek);
  opj_stream_set_skip_function(stream, stream_skip);
  opj_stream_set_user_data(stream, memory, NULL);
  opj_stream_set_user_data_length(stream, memory->source->size);
  return stream;
}

/// A sample in 0...255; components may be coarser than the image.
static int sample(const opj_image_t *image, int c, int64_t x, int64_t y) {
  const opj_image_comp_t *component = &image->comps[c];
  int64_t column = x / component->dx, row = y / component->dy;
  if (column >= component->w || row >= component->h)
    return 0;
  int64_t value = component->data[row * component->w + column];
  value += component->sgnd ? INT64_C(1) << (component->prec - 1) : 0;
  value = component->prec > 8 ? value >> (component->prec - 8) : value << (8 - component->prec);
  return value < 0 ? 0 : value > 255 ? 255 : (int)value;
}

static uint8_t held(double value) { return value < 0 ? 0 : value > 255 ? 255 : (uint8_t)(value + 0.5); }

static void copy_pixel(const opj_image_t *from, int64_t x, int64_t y, uint8_t *pixel) {
  int a = sample(from, 0, x, y);
  if (from->numcomps < image_channels) {
    set_pixel(pixel, (uint8_t)a, (uint8_t)a, (uint8_t)a);
    return;
  }
  int b = sample(from, 1, x, y), c = sample(from, 2, x, y);
  if (from->color_space == OPJ_CLRSPC_SYCC)
    set_pixel(pixel, held(a + 1.402 * (c - 128)), held(a - 0.344136 * (b - 128) - 0.714136 * (c - 128)),
              held(a + 1.772 * (b - 128)));
  else
    set_pixel(pixel, (uint8_t)a, (uint8_t)b, (uint8_t)c);
}

static bool is_usable(const opj_image_t *image) {
  for (OPJ_UINT32 c = 0; c < image->numcomps && c < image_channels; c++) {
    const opj_image_comp_t *component = &image->comps[c];
    if (!component->data || component->dx == 0 || component->dy == 0 || component->prec < 1 ||
        component->prec > 31)
      return false;
  }
  return image->numcomps > 0;
}

static bool copy_pixels(const opj_image_t *from, maas_image *image) {
  if (!is_usable(from) || !image_allocate(image, (int64_t)from->x1 - from->x0, (int64_t)from->y1 - from->y0))
    return false;
  for (int64_t y = 0; y < image->height; y++)
    for (int64_t x = 0; x < image->width; x++)
      copy_pixel(from, x, y, image_row(image, y) + x * image_channels);
  return true;
}

static bool read_jpeg2000(opj_codec_t *codec, opj_stream_t *stream, maas_image *image) {
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  opj_image_t *decoded = NULL;
  bool done = opj_setup_decoder(codec, &parameters) && opj_read_header(stream, codec, &decoded) &&
              opj_decode(codec, stream, decoded) && copy_pixels(decoded, image);
  opj_image_destroy(decoded);
  return done;
}

bool decode_jpeg2000(const image_source *source, maas_image *image) {
  jpeg2000_memory memory = {source, 0};
  opj_stream_t *stream = open_stream(&memory);
  opj_codec_t *codec = opj_create_decompress(source->bytes[0] == 0 ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K);
  bool done = stream && codec && read_jpeg2000(codec, stream, image);
  opj_destroy_codec(codec);
  opj_stream_destroy(stream);
  return done;
}
