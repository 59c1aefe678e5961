import Maas
import MaasCommand
import MaasCore

/// The sizes that symbolic dimensions have in this run, and who says so.
struct DimensionSizes {
  private var sizes: [Name: (size: Int, source: String)] = [:]

  /// Refuses dimensions that the model's inputs do not have.
  init(_ arguments: [DimensionArgument], _ inputs: [ValueInfo]) throws(MaasError) {
    let symbols = DimensionSizes.symbols(inputs)
    for argument in arguments {
      guard symbols.contains(argument.name) else { throw DimensionArgument.unknown(argument.name, symbols) }
      sizes[argument.name] = (argument.size, "--shape")
    }
  }

  private static func symbols(_ inputs: [ValueInfo]) -> [Name] {
    var symbols: [Name] = []
    for dim in inputs.flatMap({ $0.shape?.dims ?? [] }) where dim.value == nil {
      if !symbols.contains(Name(dim.text)) { symbols.append(Name(dim.text)) }
    }
    return symbols
  }

  /// Takes sizes from a tensor that is given for an input; refuses one that contradicts what is known.
  mutating func learn(from tensor: Tensor, for input: ValueInfo) throws(MaasError) {
    guard let shape = input.shape, shape.rank == tensor.shape.count else { return }
    for (dim, size) in zip(shape.dims, tensor.shape) where dim.value == nil {
      if let known = sizes[dim.text], known.size != size {
        throw MaasError(
          .shapeMismatch, "dimension '\(dim.text)' has two values", tensor: input.name,
          expected: "\(known.size) (from \(known.source))", found: "\(size) in \(describe(tensor.shape))")
      }
      sizes[dim.text] = (size, "input '\(input.name)'")
    }
  }

  /// The shape of an input that is to be made up.
  func shape(of input: ValueInfo) throws(MaasError) -> [Int] {
    guard let shape = input.shape else {
      throw MaasError(
        .invalidArgument, "the model does not say which shape this input has", tensor: input.name,
        hint: "give it as '\(input.name)=file.npy'")
    }
    let known = shape.dims.map { $0.value ?? sizes[$0.text]?.size }
    var open: [String] = []
    for (dim, size) in zip(shape.dims, known) where size == nil {
      let option = "--shape '\(dim.text)=…'"
      if !open.contains(option) { open.append(option) }
    }
    if !open.isEmpty {
      throw MaasError(
        .invalidArgument, "the shape \(shape.text) of this input has dimensions without a size",
        tensor: input.name,
        hint: "give \(joined(open, " "))")
    }
    return known.compactMap { $0 }
  }
}
