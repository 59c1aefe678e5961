import CMaas
import Maas
import MaasCore

#if !hasFeature(Embedded)
  /// What a `maas_quantization` is.
  private final class QuantizationHandle {
    var options = QuantizationOptions()
    var samples: CallbackSamples?
  }

  @c @implementation
  package func maas_quantization_create(_ quantization: UnsafeMutablePointer<OpaquePointer?>?) -> maas_status
  {
    withStatus { () throws(MaasError) in
      try required(quantization, "quantization").pointee = handle(QuantizationHandle())
    }
  }

  @c @implementation
  package func maas_quantization_close(_ quantization: OpaquePointer?) -> maas_status {
    close(QuantizationHandle.self, quantization)
  }

  @c @implementation
  package func maas_quantization_set(
    _ quantization: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ value: UnsafePointer<CChar>?
  ) -> maas_status {
    withStatus { () throws(MaasError) in
      let handle = try object(QuantizationHandle.self, quantization, "quantization")
      let option = try QuantizationOption.named(string(name, "name"))
      let text = try string(value, "value")
      if option.set(&handle.options, text) { return }
      throw MaasError(
        .invalidArgument, "the option '\(option.name)' cannot have this value", expected: option.expected,
        found: "'\(text)'")
    }
  }

  @c @implementation
  package func maas_quantization_set_labels(
    _ quantization: OpaquePointer?, _ labels: UnsafePointer<Int64>?, _ count: Int
  ) -> maas_status {
    withStatus { () throws(MaasError) in
      let handle = try object(QuantizationHandle.self, quantization, "quantization")
      let labels = UnsafeBufferPointer(start: try required(labels, "labels"), count: max(count, 0))
      handle.options.labels = labels.map { Int($0) }
    }
  }

  @c @implementation
  package func maas_quantization_set_samples(
    _ quantization: OpaquePointer?, _ callback: maas_sample_callback?, _ context: UnsafeMutableRawPointer?
  ) -> maas_status {
    withStatus { () throws(MaasError) in
      try object(QuantizationHandle.self, quantization, "quantization").samples = callback.map {
        CallbackSamples($0, context)
      }
    }
  }

  @c @implementation
  package func maas_sample_set(
    _ sample: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ input: OpaquePointer?
  ) -> maas_status {
    withStatus { () throws(MaasError) in
      let sample = try object(SampleHandle.self, sample, "sample")
      sample.inputs.append((try string(name, "name"), try tensor(input, "tensor")))
    }
  }

  @c @implementation
  package func maas_quantize(
    _ model: UnsafePointer<CChar>?, _ output: UnsafePointer<CChar>?, _ quantization: OpaquePointer?,
    _ report: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
  ) -> maas_status {
    withStatus { () throws(MaasError) in
      let given =
        quantization == nil
        ? QuantizationHandle() : try object(QuantizationHandle.self, quantization, "quantization")
      let made = try Model.quantize(
        path: try string(model, "model"), to: try string(output, "output"), options: given.options,
        data: given.samples)
      report?.pointee = copied(made.json)
    }
  }

  /// What a `maas_sample` is.
  private final class SampleHandle {
    var inputs: [(name: String, tensor: Tensor)] = []
  }

  /// Samples that the caller's function gives.
  private final class CallbackSamples: CalibrationData {
    private let callback: maas_sample_callback
    private let context: UnsafeMutableRawPointer?

    init(_ callback: @escaping maas_sample_callback, _ context: UnsafeMutableRawPointer?) {
      (self.callback, self.context) = (callback, context)
    }

    func sample(_ index: Int) throws(MaasError) -> [(name: String, tensor: Tensor)]? {
      let sample = SampleHandle()
      try called { callback(context, index, lent(sample)) }
      return sample.inputs.isEmpty ? nil : sample.inputs
    }
  }
#endif
