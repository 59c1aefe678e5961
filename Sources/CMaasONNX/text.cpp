#include "model.h"
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/text_format.h>
#include <cerrno>

namespace {

using google::protobuf::Message;
using google::protobuf::TextFormat;

/// Tensors with more numbers (or raw bytes) than this are abbreviated.
constexpr int kShown = 64;

/// Prints a tensor without its numbers, and a comment in their place.
class TensorPrinter : public TextFormat::MessagePrinter {
public:
  TensorPrinter() { plain.SetUseShortRepeatedPrimitives(true); }

  void Print(const Message &message, bool, TextFormat::BaseTextGenerator *out) const override {
    const auto &tensor = static_cast<const onnx::TensorProto &>(message);
    std::string text;
    plain.PrintToString(is_large(tensor) ? head(tensor) : tensor, &text);
    out->PrintString(text);
    if (is_large(tensor))
      out->PrintString(comment(tensor));
  }

private:
  TextFormat::Printer plain;

  static int numbers(const onnx::TensorProto &t) {
    return t.float_data_size() + t.int32_data_size() + t.int64_data_size() + t.double_data_size() +
           t.uint64_data_size() + t.string_data_size();
  }

  static bool is_large(const onnx::TensorProto &t) {
    return numbers(t) > kShown || t.raw_data().size() > static_cast<size_t>(kShown);
  }

  static onnx::TensorProto head(const onnx::TensorProto &tensor) {
    onnx::TensorProto head;
    *head.mutable_dims() = tensor.dims();
    *head.mutable_external_data() = tensor.external_data();
    if (tensor.has_data_type())
      head.set_data_type(tensor.data_type());
    if (tensor.has_name())
      head.set_name(tensor.name());
    if (tensor.has_doc_string())
      head.set_doc_string(tensor.doc_string());
    if (tensor.has_segment())
      *head.mutable_segment() = tensor.segment();
    if (tensor.has_data_location())
      head.set_data_location(tensor.data_location());
    return head;
  }

  static std::string comment(const onnx::TensorProto &tensor) {
    std::string text = "# left out:";
    if (tensor.has_raw_data())
      text += " raw_data of " + std::to_string(tensor.raw_data().size()) + " bytes";
    if (numbers(tensor))
      text += " " + std::to_string(numbers(tensor)) + " elements";
    return text + "\n";
  }
};

} // namespace

int maas_onnx_print(const maas_onnx_model *model, bool whole, int descriptor) {
  return maas::guarded(ENOMEM, [&] {
    TextFormat::Printer printer;
    printer.SetUseShortRepeatedPrimitives(true);
    if (!whole && !printer.RegisterMessagePrinter(onnx::TensorProto::descriptor(), new TensorPrinter))
      return EINVAL;
    google::protobuf::io::FileOutputStream stream(descriptor);
    bool printed = printer.Print(model->proto, &stream) && stream.Flush();
    return printed ? 0 : stream.GetErrno() ? stream.GetErrno() : EIO;
  });
}
