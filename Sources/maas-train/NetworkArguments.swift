import ArgumentParser
import Maas
import MaasCore
import MaasTrainer

/// Which network learns.
struct NetworkArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp("Sizes of dense layers, such as 64,128,64.", valueName: "sizes"),
    transform: NetworkArguments.sizes)
  var layers: [Int]?

  @Option(
    help: ArgumentHelp(
      "What stands behind each of them: relu, tanh, gelu, … (relu; swish below 5000 samples without --layers).",
      valueName: "name"))
  var activation: String?

  @Option(
    help: ArgumentHelp(
      "The part of each layer's results that a step leaves out (without --layers 0.2, below 5000 samples 0.3; else 0).",
      valueName: "part"))
  var dropout: Double?

  @Flag(help: "Normalize each layer's results over the batch.")
  var batchNorm = false

  @Option(
    help: ArgumentHelp(
      "\(Network.presets.joined(separator: ", ")), or a file: layers a line, or YAML with layers and options.",
      valueName: "preset|file"))
  var network: String?

  @Option(
    name: .customLong("init"),
    help: ArgumentHelp(
      "Go on with a trained model: one that maas-train wrote, or any with one input.", valueName: "model.onnx"
    ))
  var initial: String?

  @Option(
    help: ArgumentHelp(
      "Parameters that stay as they are, * stands for anything; may be repeated.", valueName: "pattern"))
  var freeze: [String] = []

  @Option(
    help: ArgumentHelp("Learn only small matrices of this rank beside the weights (LoRA).", valueName: "rank")
  )
  var lora: Int?

  @Option(
    help: ArgumentHelp(
      "Try N networks and learning rates for a few epochs and train the best.", valueName: "N"))
  var search: Int?

  /// Whether the data alone decide.
  var isUsual: Bool { layers == nil && network == nil && initial == nil }

  func validate() throws {
    if layers != nil, network != nil { throw ValidationError("--layers and --network exclude each other") }
    if initial != nil, layers != nil || network != nil || search != nil {
      throw ValidationError("--init brings its own network: --layers, --network and --search have no use")
    }
    if let search, !(2...1000 ~= search) {
      throw ValidationError("--search needs a number from 2 to 1000, not \(search)")
    }
    if let lora, lora < 0 { throw ValidationError("--lora takes 0 or more, not \(lora)") }
    if network != nil, search != nil {
      throw ValidationError("--search chooses --layers itself, --network has no use")
    }
    if let dropout, !(dropout >= 0 && dropout < 1) {
      throw ValidationError("--dropout needs a part from 0 to below 1, not \(dropout)")
    }
  }

  /// Whether the network looks at words or sounds in their order.
  func readsSequences(_ specification: Specification?) -> Bool {
    if let specification { return specification.readsSequences }
    return ["text-mlp", "lstm", "transformer-tiny"].contains(network ?? "")
  }

  /// What a file says of the network.
  func specification() throws(MaasError) -> Specification? {
    guard let network, !Network.presets.contains(network) else { return nil }
    guard network.contains(".") || network.contains("/") else {
      throw MaasError(
        .notFound, "there is no network '\(network)'",
        expected: joined(Network.presets, ", ") + ", or a file",
        hint: didYouMean(network, Network.presets))
    }
    return try Specification(network)
  }

  private static func sizes(_ text: String) throws -> [Int] {
    let sizes = text.split(separator: ",").compactMap { Int($0) }
    guard !sizes.isEmpty, sizes.count == text.split(separator: ",", omittingEmptySubsequences: false).count,
      sizes.allSatisfy({ $0 > 0 })
    else { throw ValidationError("they are positive numbers with commas between them") }
    let areSmall = sizes.allSatisfy { $0 <= widest }
    guard areSmall, zip(sizes, sizes.dropFirst()).allSatisfy({ $0 * $1 <= mostWeights }) else {
      throw ValidationError(
        "they are at most \(widest), and the product of two neighbours at most \(mostWeights)")
    }
    return sizes
  }

  /// Beyond these a network would only fill the memory.
  private static let (widest, mostWeights) = (65_536, 1 << 28)
}
