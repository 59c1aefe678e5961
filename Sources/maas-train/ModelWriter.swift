import CMaas
import Glibc
import Maas
import MaasCore
import MaasData
import MaasGraph
import MaasONNX
import MaasTrainer

/// Writes a trained model, after it was run and gave what the trainer gives.
struct ModelWriter {
  let command: TrainCommand
  let shop: Workshop
  let threads: Int

  /// The largest difference of the model's answers from the trainer's, as a part of what answers differ by among each
  /// other.
  private static let tolerance = 1e-5

  /// Writes the model under its name once `check` is content with it.
  func write(_ trainer: Trainer, _ checked: [(part: Dataset.Part, answers: Answers)]) throws(MaasError) {
    let deployed = DeployedModel(shop.preprocessing, shop.answer)
    let graph = try deployed.graph(try trainer.inferenceGraph())
    let info = ModelInfo(
      producerName: "maas-train", opset: ONNXBuilder.opset, graphName: "maas_train",
      metadata: deployed.metadata)
    let unchecked = command.output + ".unchecked"
    defer { unlink(unchecked) }
    do {
      try writeModel(graph, info, to: unchecked, externalData: false)
    } catch {
      throw MaasError(
        error.code, "the model cannot be written: \(error.problem)",
        hint: "is the disk full, or the folder missing?"
      ).inFile(command.output)
    }
    for (part, answers) in checked { try check(unchecked, part, answers) }
    guard rename(unchecked, command.output) == 0 else { throw MaasError.unwritable(command.output, errno) }
  }

  /// Runs the file on raw samples.
  private func check(_ path: String, _ part: Dataset.Part, _ answers: Answers) throws(MaasError) {
    let model = try Model(path: path)
    var options = SessionOptions()
    options.threads = threads
    let session = try Session(model, options: options)
    let output = model.outputs.count - 1
    let width = answers.values.shape[1]
    let expected = answers.values.elements(as: Float.self)
    let sizes = sizes(expected, width)
    var done = 0
    while done < part.samples.count {
      let samples = part.samples[done..<min(part.samples.count, done + part.source.mostAtOnce)]
      let raw = try part.source.raw(samples)
      let found = try session.run(raw)[output].elements(as: Float.self)
      for (i, value) in found.enumerated() {
        let wanted = expected[done * width + i]
        guard Double((value - wanted).magnitude) <= tolerance(of: wanted, i % width, sizes) else {
          let sample = part.source.place(part.samples[done + i / width])
          throw MaasError(
            .internal, "the exported model does not give what training gives for \(sample)",
            expected: "\(wanted)", found: "\(value)", hint: "nothing was written; please report this"
          ).inFile(command.output)
        }
      }
      done += samples.count
    }
  }

  /// What answers of each column differ by: probabilities by 1; numbers by the deviation of those learned from, or
  /// where one is further from their mean, by that: in small answers large numbers may have cancelled out.
  private func sizes(_ answers: [Float], _ width: Int) -> [Double] {
    guard case .numbers(let scale) = shop.answer else { return Array(repeating: 1, count: width) }
    return (0..<width).map { column in
      stride(from: column, to: answers.count, by: width).reduce(Double(scale.scales[column].magnitude)) {
        max($0, Double((answers[$1] - scale.offsets[column]).magnitude))
      }
    }
  }

  /// The last operation of numbers, which puts their mean on, rounds to what a float of their size can hold.
  private func tolerance(of wanted: Float, _ column: Int, _ sizes: [Double]) -> Double {
    guard case .numbers(let scale) = shop.answer else { return Self.tolerance }
    return Self.tolerance * sizes[column] + 4
      * Double(max(wanted.magnitude, scale.offsets[column].magnitude).ulp)
  }

  /// What else is asked for: a model of bytes, and one compiled for this CPU. Gives the files.
  func writeMore() throws(MaasError) -> [(name: String, value: String)] {
    let stem = String(command.output.dropLast(5))
    var files = [(name: "model", value: command.output)]
    var last = command.output
    if command.quantize != nil {
      last = stem + ".int8.onnx"
      let report = try Model.quantize(path: command.output, to: last)
      files.append(
        ("quantized", "\(last) (\(report.layers.count { $0.isQuantized }) of \(report.layers.count) layers)"))
    }
    if command.compile {
      let made = try Model.compile(path: last, to: stem + ".maas")
      files.append(("compiled", "\(stem).maas (\(made.fileBytes) bytes, for \(made.family))"))
    }
    return files
  }
}
