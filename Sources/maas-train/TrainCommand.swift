import ArgumentParser
import CMaas
import MaasCommand
import MaasCore

/// The command line of maas-train.
struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "maas-train",
    abstract:
      "Trains a network on a table, arrays, pictures, texts or sounds, and writes it as an ONNX model.",
    usage: "maas-train <data> [--target <column>] [--out <model.onnx>] [<options>]",
    discussion: """
      The data are a CSV file, NumPy's .npz (arrays x and y) or .npy (the last column is the target), or a folder with \
      a folder of PNG or JPEG pictures, .txt files or .wav sounds for each class. What is not said is inferred, and \
      printed: the task, what each column is, the network, how many samples are kept aside.

      Scaling, filling in of missing values, categories, texts, pictures and sounds are fitted on the samples to learn \
      from and become part of the model: it takes raw values and gives 'label' and 'probabilities', or 'prediction'. \
      The model is run on the test samples before it is written, and must give what training says it gives.

      EXAMPLES
        maas-train iris.csv --target species --out iris.onnx
        maas-train houses.csv --target price --layers 64,64 --dropout 0.1 --report houses.html
        maas-train digits/ --network cnn-small --augment shift,rotate --out digits.onnx
        maas-train reviews.csv --text review --network transformer-tiny
        maas-train data.npz --search 12 --folds 5
        maas-train more.csv --init old.onnx --freeze 'dense_1/*' --learning-rate 1e-4
        maas-train data.csv --checkpoint run --epochs 500     and after an interruption the same with --resume
        maas-train data.csv --quantize int8 --compile

      Ctrl-C ends training; the best model so far is written. Exit status: 0 when all went well, 1 for a failure, 2 \
      for a wrong command line.
      """,
    version: "maas-train \(MAAS_VERSION)")

  @Argument(help: ArgumentHelp("What to learn from.", valueName: "data"))
  var path: String

  @Option(
    name: [.customShort("o"), .customLong("out")],
    help: ArgumentHelp("The model to write.", valueName: "model.onnx"))
  var output = "model.onnx"

  @OptionGroup(title: "DATA") var data: DataArguments
  @OptionGroup(title: "PREPROCESSING") var preprocessing: PreprocessingArguments
  @OptionGroup(title: "NETWORK") var network: NetworkArguments
  @OptionGroup(title: "TRAINING") var training: TrainingArguments

  @Option(
    help: ArgumentHelp(
      "First train K models, each without a part of the samples that it is judged by, and print their mean.",
      valueName: "K"))
  var folds: Int?

  @Option(
    help: ArgumentHelp(
      "Write a page, JSON or text by the file's ending (beside the model, as .html).",
      valueName: "report.html|.json|.txt"))
  var report: String?

  @Option(
    help: ArgumentHelp(
      "Where options, seed, versions and the data's checksum go (beside the model, as .json).",
      valueName: "run.json"))
  var record: String?

  @Option(
    help: ArgumentHelp(
      "Write the answers for the test samples, or for what else judges, as a table.", valueName: "answers.csv"
    ))
  var predictions: String?

  @Option(
    help: ArgumentHelp("Keep what training has come to in this folder, at each epoch.", valueName: "folder"))
  var checkpoint: String?

  @Option(help: ArgumentHelp("Keep it at most once in so many seconds.", valueName: "s"))
  var checkpointEvery = 0.2

  @Flag(help: "Go on from the checkpoint, to the same result as without the interruption.")
  var resume = false

  @Option(help: "Also write the model with weights of bytes, beside it: int8.")
  var quantize: QuantizedKind?

  @Flag(help: "Also compile the model for this CPU, beside it.")
  var compile = false

  @Flag(name: .shortAndLong, help: "Print nothing but failures.")
  var quiet = false

  func validate() throws {
    if let folds, folds < 2 { throw ValidationError("--folds needs a number from 2, not \(folds)") }
    if !(0...1e6 ~= checkpointEvery) {
      throw ValidationError("--checkpoint-every takes seconds from 0 to 1000000, not \(checkpointEvery)")
    }
    if resume, checkpoint == nil { throw ValidationError("--resume needs --checkpoint") }
    if !output.hasSuffix(".onnx") {
      throw ValidationError("--out takes a file that ends in .onnx, not '\(output)'")
    }
    let written = [output, report, record, predictions].compactMap { $0 }
    if Set(written + [path]).count < written.count + 1 {
      throw ValidationError(
        "--out, --report, --record and --predictions name different files, none of them the data")
    }
    if let report, ReportFormat(path: report) == nil {
      throw ValidationError("--report takes a file that ends in .html, .json or .txt, not '\(report)'")
    }
  }
}

enum QuantizedKind: String, CaseIterable, ExpressibleByArgument {
  case int8
}
