import CMaasKernels

/// The CPU, as far as kernels are chosen by it.
package enum Processor {
  /// The best instruction set that this process uses, e.g. `avx512`.
  package static var instructionSet: String { String(cString: maas_isa_name()) }

  /// What packed weights are made for: processes of equal families read each other's.
  package static var family: String {
    var text = [CChar](repeating: 0, count: 64)
    let length = Int(maas_cpu_family(&text, text.count))
    return String(decoding: text.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
