import Glibc
import Maas
import MaasCommand
import MaasCore
import MaasData
import MaasTrainer

extension TrainCommand {
  func run(_ arguments: [String]) throws(MaasError) {
    Interruption.listen()
    try checkFolders()
    let job = try Job.join()
    let plan = try Plan(self)
    let dataset = plan.dataset
    var report = TrainingReport()
    report.title = "maas-train \(path)"
    report.decisions = plan.decisions
    if let folds { report.parts += try plan.crossValidation(folds) }
    let shop = try plan.workshop(dataset.training, dataset.sources)
    let (network, options) = try choose(plan, shop, &report)
    report.decisions += plan.choices(network, options, shop)
    if job.ranks > 1 {
      report.decisions.append(("processes", "\(job.ranks), each with its part of every batch"))
    }
    if !quiet, job.isFirst { try Terminal.print(report.decisionText) }
    let record = RunRecord(
      arguments: arguments, options: options, network: network?.text, initial: plan.initial,
      preprocessing: plan.preprocessing, samples: data.choices,
      sources: try dataset.sources.map { (source) throws(MaasError) in
        (source.path, source.count, try source.fingerprint())
      })
    let course = Course(
      plan: plan, shop: shop, network: network, options: options, isShown: !quiet && job.isFirst, job: job,
      kept: checkpoint.map { ($0, record.identity) })
    let trained = try course.run("training", plan.training, dataset.validation)
    defer { job.leave() }
    guard job.isFirst else { return }
    (report.epochs, report.best, report.isRefitted) = (trained.epochs, trained.best, trained.again != nil)
    try deploy(trained, plan, shop, &report)
    try finish(&report, record)
  }

  /// Refuses files that could not be written when all is learned.
  private func checkFolders() throws(MaasError) {
    for path in [output, report, record, predictions].compactMap({ $0 }) {
      let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
      if access(folder, W_OK) != 0 { throw MaasError.unwritable(path, errno) }
    }
  }

  /// The network and how it is trained, after a search where one is asked for.
  private func choose(
    _ plan: Plan, _ shop: Workshop, _ report: inout TrainingReport
  ) throws(MaasError) -> (Network?, TrainerOptions) {
    if plan.initial != nil { return (nil, plan.options) }
    guard let count = network.search else { return (try plan.network(shop), plan.options) }
    let (best, rows) = try Search.run(count, plan, shop)
    report.decisions += rows
    var options = plan.options
    options.learningRate = best.rate
    return (try best.network(plan, shop), options)
  }

  /// Judges what was trained and writes it.
  private func deploy(
    _ trained: Trained, _ plan: Plan, _ shop: Workshop, _ report: inout TrainingReport
  ) throws(MaasError) {
    var checked: [(part: Dataset.Part, answers: Answers)] = []
    for (name, part) in plan.parts {
      // Samples that were learned from judge nothing.
      let trainer = name == Plan.validationName ? trained.trainer : trained.final
      let answers = try Answers(trainer, try shop.data(part), shop.answer)
      answers.judge(part, name, &report)
      checked.append((part, answers))
    }
    let writer = ModelWriter(command: self, shop: shop, threads: training.threads)
    try writer.write(trained.final, checked.suffix(1))
    report.files = try writer.writeMore()
    if let predictions, let (part, answers) = checked.last {
      try writeText(answers.table(part), to: predictions)
      report.files.append(("predictions", predictions))
    }
  }

  private func finish(_ report: inout TrainingReport, _ record: RunRecord) throws(MaasError) {
    let stem = String(output.dropLast(5))
    let (page, run) = (self.report ?? stem + ".html", self.record ?? stem + ".json")
    report.files += [("report", page), ("record", run)]
    try ReportFormat(path: page)?.write(report, to: page)
    try writeText(record.text(report), to: run)
    if !quiet { try Terminal.print(report.resultText) }
  }
}
