/// How predicted numbers compare with true ones.
package struct NumberJudgement {
  package let figures: [(name: String, value: Double)]
  package let pairs: [(truth: Double, predicted: Double)]

  package init(_ truths: [Float], _ predictions: [Float]) {
    pairs = zip(truths, predictions).map { (Double($0), Double($1)) }
    let count = Double(max(1, pairs.count))
    let mean = pairs.reduce(0) { $0 + $1.truth } / count
    let squares = pairs.reduce(0) { $0 + ($1.predicted - $1.truth) * ($1.predicted - $1.truth) }
    let spread = pairs.reduce(0) { $0 + ($1.truth - mean) * ($1.truth - mean) }
    let errors = pairs.reduce(0) { $0 + ($1.predicted - $1.truth).magnitude }
    figures = [
      (name: "RMSE", value: (squares / count).squareRoot()), (name: "MAE", value: errors / count),
      (name: "R2", value: spread > 0 ? 1 - squares / spread : 0),
    ]
  }
}
