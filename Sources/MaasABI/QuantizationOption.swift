import CMaas
import Maas
import MaasCore

#if !hasFeature(Embedded)
  /// One option of quantization that can be set by name.
  struct QuantizationOption: Sendable {
    let name: String
    /// What a value must be, for errors.
    let expected: String
    /// False when the text is no value of the option.
    let set: @Sendable (inout QuantizationOptions, String) -> Bool

    /// Every option, sorted.
    static let all: [QuantizationOption] = [
      QuantizationOption(name: "bits", expected: "8, 4 or 2") { keep(&$0.bits, whole($1)) },
      QuantizationOption(name: "block", expected: "16, 32, 64 or 128") { keep(&$0.block, whole($1)) },
      QuantizationOption(name: "error_budget", expected: "a part like 0.005") { options, text in
        number(text).map { options.errorBudget = $0 == 0 ? nil : $0 } != nil
      },
      QuantizationOption(name: "exclude", expected: "the name of a node") { options, text in
        options.excluded.append(text)
        return true
      },
      QuantizationOption(name: "keep_only_faster", expected: "true or false") {
        keep(&$0.keepsOnlyFaster, flag($1))
      },
      QuantizationOption(
        name: "method", expected: names(QuantizationOptions.Method.allCases.map { $0.rawValue })
      ) { keep(&$0.method, QuantizationOptions.Method(rawValue: $1)) },
      QuantizationOption(
        name: "mode", expected: names(QuantizationOptions.Mode.allCases.map { $0.rawValue })
      ) { keep(&$0.mode, QuantizationOptions.Mode(rawValue: $1)) },
      QuantizationOption(name: "sqnr", expected: "decibels") { options, text in
        number(text).map { options.sqnr = $0 == 0 ? nil : $0 } != nil
      },
      QuantizationOption(name: "symmetric", expected: "true or false") { keep(&$0.isSymmetric, flag($1)) },
      QuantizationOption(name: "threads", expected: "0..\(MAAS_MAXIMUM_THREADS)") {
        keep(&$0.threads, whole($1).flatMap { $0 <= MAAS_MAXIMUM_THREADS ? $0 : nil })
      },
    ]

    /// The option of a name; the error suggests the nearest.
    static func named(_ name: String) throws(MaasError) -> QuantizationOption {
      if let option = all.first(where: { $0.name == name }) { return option }
      throw MaasError(
        .notFound, "quantization has no option '\(name)'",
        hint: didYouMean(name, all.map { $0.name }) ?? "there are " + joined(all.map { $0.name }, ", "))
    }
  }

  private func names(_ names: [String]) -> String { joined(names, " or ") }

  private func keep<T>(_ place: inout T, _ value: T?) -> Bool {
    if let value { place = value }
    return value != nil
  }

  private func flag(_ text: String) -> Bool? { text == "true" ? true : text == "false" ? false : nil }

  private func whole(_ text: String) -> Int? { Int(text).flatMap { $0 >= 0 ? $0 : nil } }

  private func number(_ text: String) -> Double? {
    Double(text).flatMap { $0 >= 0 && $0.isFinite ? $0 : nil }
  }
#endif
